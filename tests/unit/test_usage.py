"""What a process uses is read from the system, and told as a share since the last look."""

from __future__ import annotations

import os
import sys

import pytest

from interlock.core import usage
from interlock.core.usage import Meter


def put(proc, *, cpu_ticks, start_ticks=0, pages=10):
    (proc / "7").mkdir(exist_ok=True)
    before = "S " + "0 " * 10
    after = f" 0 0 0 0 0 0 {start_ticks} 0"
    (proc / "7" / "stat").write_text(f"7 (a (odd) name) {before}{cpu_ticks} 0{after}")
    (proc / "7" / "statm").write_text(f"100 {pages} 0")
    (proc / "uptime").write_text("100.0 1.0")


@pytest.fixture
def moments(monkeypatch):
    """The moments of the looks, in seconds."""
    given = []
    monkeypatch.setattr(usage.time, "monotonic", lambda: given.pop(0))
    return given


def test_the_first_look_tells_of_its_life_and_the_next_of_the_time_between(tmp_path, moments):
    tick = os.sysconf("SC_CLK_TCK")
    meter = Meter(tmp_path)
    moments += [1000.0, 1002.0, 1002.1]

    put(tmp_path, cpu_ticks=50 * tick)
    assert meter.read(7).cpu_ratio == 0.5  # 50 s of 100
    put(tmp_path, cpu_ticks=52 * tick, pages=20)
    told = meter.read(7)
    assert told.cpu_ratio == 1.0  # 2 s of 2
    assert told.memory_bytes == 20 * os.sysconf("SC_PAGE_SIZE")
    put(tmp_path, cpu_ticks=53 * tick)
    assert meter.read(7).cpu_ratio == 1.0  # too soon to tell anew


def test_what_is_not_there_or_not_readable_is_not_told(tmp_path):
    assert Meter(tmp_path).read(7) is None
    put(tmp_path, cpu_ticks=1)
    (tmp_path / "7" / "stat").write_text("7 (short)")
    assert Meter(tmp_path).read(7) is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_this_process_is_told():
    told = Meter().read(os.getpid())
    assert told.memory_bytes > 1_000_000
    assert told.cpu_ratio >= 0
