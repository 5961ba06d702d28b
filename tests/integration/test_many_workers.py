"""Several workers on one Postgres while they are stopped, killed and cut off: `make chaos` in its short form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).parents[1] / "chaos"
LIMIT_S = 540  # half a minute where nothing else runs; a busy machine starts processes slowly


@pytest.fixture
def play(postgres_url, tmp_path):
    """Let faults happen on a fresh database; the figures."""

    def play_(*options: str) -> dict:
        figures = tmp_path / "figures.json"
        arguments = [
            *(sys.executable, str(CHAOS), "--database", postgres_url, "--forked"),
            *("--dead-after", "3", "--folder", str(tmp_path / "kept"), "--json", str(figures)),
        ]
        done = subprocess.run(
            [*arguments, *options],
            env={k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
        )
        assert done.returncode == 0, done.stdout
        return json.loads(figures.read_text())

    return play_


@pytest.mark.timeout(600)
def test_nothing_is_lost_or_done_twice_while_workers_are_stopped_killed_and_cut_off(play):
    told = play("--workers", "2", "--clients", "2", "--threads", "24", "--faults", "stop,kill,cut")

    assert told["losses"] == []
    assert told["faults"] == {"stop": 1, "kill": 1, "cut": 1}
    assert told["workers_replaced"] >= 2  # the one that was killed, and the one that was stopped
    assert len(told["gave_up"]) >= 1
    assert told["told"]["launch: launched"] == 24
    # Two had each card: one decided it, the other was told who had.
    assert told["told"]["decide: won"] == told["told"]["decide: lost"] > 0
