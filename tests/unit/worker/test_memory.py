from __future__ import annotations

import pytest

from interlock.core.worker import memory
from interlock.core.worker.memory import Memory, read_bytes


class Process:
    def __init__(self) -> None:
        self.used: int | None = 50_000_000
        self.now = 0.0

    def guard(self, limit_mb: int) -> Memory:
        return Memory(limit_mb, read=lambda: self.used, now=lambda: self.now)


def test_beyond_its_bound_a_worker_says_so_once_until_it_is_within_again(caplog):
    caplog.set_level("INFO")
    process = Process()
    guard = process.guard(100)
    assert not guard.is_over()
    process.used = 101_000_000
    assert not guard.is_over()  # as of the last second
    process.now = 1.0
    assert guard.is_over()
    process.now = 2.0
    assert guard.is_over()
    process.now, process.used = 3.0, 99_000_000
    assert not guard.is_over()
    assert [record.message for record in caplog.records] == [
        "worker_over_memory",
        "worker_within_memory",
    ]


@pytest.mark.parametrize(("limit_mb", "used"), [(0, 10**12), (100, None)])
def test_without_a_bound_or_a_number_nothing_is_too_much(limit_mb, used):
    process = Process()
    process.used = used
    assert not process.guard(limit_mb).is_over()


def test_what_the_system_says_is_read(monkeypatch, tmp_path):
    assert read_bytes() > 1_000_000
    monkeypatch.setattr(memory, "_STATM", tmp_path / "none")
    assert read_bytes() is None
