"""One breaker for two worker processes: a scripted service drives it through all its states."""

from __future__ import annotations

import multiprocessing
import runpy
from pathlib import Path

import pytest

from interlock.core.model.breaker import Order
from interlock.core.queue.local import LocalQueue
from interlock.core.services import tripping
from interlock.core.services.context import App
from interlock.core.settings import Settings

CALLER = str(Path(__file__).parent / "caller.py")
WAIT_S = 60.0


class Caller:
    """A process with a guard; each order is answered."""

    def __init__(self, process, pipe) -> None:
        self.process, self._pipe = process, pipe

    def tell(self, what, value=None) -> None:
        self._pipe.send((what, value))

    def hear(self):
        assert self._pipe.poll(WAIT_S), "the process does not answer"
        return self._pipe.recv()

    def ask(self, what, value=None):
        self.tell(what, value)
        return self.hear()

    def call(self, count: int, *, is_up: bool) -> dict[str, int]:
        self.ask("call", count)
        return self.ask("answer", is_up)

    def end(self) -> None:
        self._pipe.send(None)
        self.process.join(WAIT_S)


@pytest.fixture
def start(database_url, frozen):
    started = []
    context = multiprocessing.get_context("forkserver")

    def start_one(seconds: float = 0.0) -> Caller:
        ours, theirs = context.Pipe()
        frozen.advance(seconds=seconds)
        given = {
            "url": database_url,
            "pipe": theirs,
            "now": frozen.now().isoformat(),
            "run_id": f"r{len(started)}",
        }
        process = context.Process(
            target=runpy.run_path,
            args=(CALLER,),
            kwargs={"init_globals": {"given": given}},
            daemon=True,
        )
        process.start()
        caller = Caller(process, ours)
        started.append(caller)
        return caller

    yield start_one
    for caller in started:
        if caller.process.is_alive():
            caller.end()


def test_two_workers_share_a_breaker_through_all_its_states(start, engine, frozen, wait_until):
    app = App(Settings(), engine, LocalQueue(), frozen)
    one, other = start(), start()
    assert one.call(5, is_up=True) == {"ok": 5}
    assert one.call(2, is_up=False) == {"failed": 2}
    assert other.call(1, is_up=False) == {"failed": 1}  # the third within the window
    wait_until(lambda: one.ask("state") == ("open", "open"), "the news of it")
    assert one.call(4, is_up=True) == other.call(4, is_up=True) == {"refused": 4}

    for caller in (one, other):  # of 40 at once, one is let through, and it fails
        caller.ask("advance", 60)
    one.tell("call", 20)
    other.tell("call", 20)
    told = [one.hear(), other.hear()]
    assert sorted(each["inside"] for each in told) == [0, 1]
    assert sum(each["refused"] for each in told) == 39
    assert one.ask("state")[0] == "half_open"
    assert {"failed": 1} in [
        {name: n for name, n in caller.ask("answer", value=False).items() if name != "refused"}
        for caller in (one, other)
    ]
    assert one.ask("state")[0] == "open"

    one.process.kill()  # what is known survives a worker, and its restart
    one.process.join(WAIT_S)
    again = start(61)
    other.ask("advance", 1)
    assert other.call(1, is_up=True) == {"refused": 1}
    assert again.ask("state") == ("open", None)
    again.ask("advance", 60)
    assert again.call(3, is_up=True) == {"ok": 1, "refused": 2}
    assert again.call(3, is_up=True) == {"ok": 3}

    (found,) = tripping.list_breakers(app)
    assert (found.state, found.short_circuited) == ("closed", 4 + 4 + 39 + 1 + 2)
    events = tripping.read_board(app, since=found.updated_at.replace(year=2000)).events
    assert [f"{e.before}>{e.after}" for e in reversed(events)] == [
        "closed>open",
        "open>half_open",
        "half_open>open",
        "open>half_open",
        "half_open>closed",
    ]

    tripping.order(app, "payments", Order.OPEN, actor="ann", reason="the bank asked for it")
    wait_until(lambda: again.ask("state") == ("open", "open"), "the news of the order")
    assert again.call(2, is_up=True) == {"refused": 2}
