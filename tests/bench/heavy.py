"""
What is heavy: a thread whose state has ten megabytes, and a run that is urgent behind a long queue.

Both through the API of a real server with its worker, on SQLite and on Postgres.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from load import house
from measuring import Row

MEGABYTES = 10
QUEUED = 200
WAIT_S = 300.0
LOOK_S = 0.05
KEEP = {"INTERLOCK_API_RATE": "0"}


def measure(folder: Path, make_database: Callable[[], str]) -> Iterator[Row]:
    """Both databases, one after the other."""
    for name, database in (("SQLite", None), ("PostgreSQL", make_database())):
        (folder / name).mkdir()
        with (
            house.standing(folder / name, database=database, variables=KEEP) as standing,
            httpx.Client(base_url=f"{standing.url}/api/v1", timeout=WAIT_S) as client,
        ):
            worker = psutil.Process(standing.processes[1].pid)
            yield from _carry(client, worker, name)
            yield _overtake(client, name)


def _carry(client: httpx.Client, worker: psutil.Process, name: str) -> Iterator[Row]:
    """Launch, hold, release, look back: each step's time, and what the worker's memory became."""
    before = worker.memory_info().rss
    given = {"input": {"steps": 3, "kilobytes": MEGABYTES * 1000}, "wait_s": 60}
    spent: dict[str, float] = {}

    def timed(what: str, ask: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        found = ask()
        spent[what] = time.perf_counter() - begun
        return found

    run = timed("to its card", lambda: _post(client, "/workflows/heavy/runs", given))
    card = run["approvals"][0]
    body = {"verb": "approve", "version": card["version"]}
    decided = timed(
        "the decision", lambda: _post(client, f"/approvals/{card['approval_id']}/decision", body)
    )
    timed("to its end", lambda: _wait(client, decided["run_id"], "done"))
    thread = f"/threads/{run['thread_id']}"
    points = timed("its history", lambda: _get(client, f"{thread}/history"))["items"]
    told = timed("its state", lambda: _get(client, f"{thread}/state"))
    ends = f"from={points[-1]['checkpoint_id']}&to={points[0]['checkpoint_id']}"
    timed("what changed", lambda: _get(client, f"{thread}/diff?{ends}"))
    timed("one run", lambda: _get(client, f"/runs/{decided['run_id']}"))
    grown = (worker.memory_info().rss - before) / 1e6
    steps = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in spent.items())
    assert told["values"]["done"] == 3
    assert all(seconds < WAIT_S for seconds in spent.values())
    yield Row(
        f"a state of {MEGABYTES} MB, {name}, {len(points)} checkpoints",
        f"{steps}; the worker grew by {grown:.0f} MB",
        "it goes through",
        ok=True,
    )


def _overtake(client: httpx.Client, name: str) -> Row:
    """A run of high priority is the next to start, however many wait."""
    path = "/workflows/ten/runs"
    given = {"input": {"parts": ["start"], "count": 0}}
    plain = [_post(client, path, given)["run_id"] for _ in range(QUEUED)]
    last, urgent = plain[-1], _post(client, path, given | {"priority": 1000})["run_id"]
    run = _wait(client, urgent, "done")
    waiting = len(_get(client, "/runs?status=queued&limit=200")["items"])
    other = _wait(client, last, "done")
    waits = [_started_after_s(client, each["run_id"]) for each in (run, other)]
    return Row(
        f"an urgent run behind {QUEUED} others, {name}",
        f"started after {waits[0]:.2f} s, while {waiting} still waited; the one before it after {waits[1]:.2f} s",
        "before the one before it",
        waits[0] < waits[1],
    )


def _started_after_s(client: httpx.Client, run_id: str) -> float:
    """From its launch to when a worker began it."""
    run = _get(client, f"/runs/{run_id}")
    created, started = (datetime.fromisoformat(run[name]) for name in ("created_at", "started_at"))
    return (started - created).total_seconds()


def _wait(client: httpx.Client, run_id: str, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        run = _get(client, f"/runs/{run_id}")
        if run["status"] == status:
            return run
        assert run["status"] != "failed", run["error"]
        time.sleep(LOOK_S)
    raise TimeoutError(f"The run {run_id} is not {status}.")


def _get(client: httpx.Client, path: str) -> Any:
    told = client.get(path)
    assert told.status_code == httpx.codes.OK, told.text
    return told.json()


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    told = client.post(path, json=body)
    assert told.status_code in {httpx.codes.OK, httpx.codes.ACCEPTED}, told.text
    return told.json()
