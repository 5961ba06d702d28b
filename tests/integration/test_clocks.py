"""Laws 1 and 2 where the next worker's clock is behind: nothing it stores sorts below what is there."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.base import id as checkpoint_ids
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from interlock.core.clock import SystemClock
from interlock.core.model.approvals import Intent, Verb
from interlock.core.services import deciding, launching, observing
from interlock.core.services.launching import Launch
from interlock.core.worker.clocks import ClockWatch

from .laboratory import Lab, labs

open_lab = pytest.fixture(scope="module")(labs)


class State(TypedDict, total=False):
    first: str
    second: str


class Late:
    """The clock of another host, and nothing that its process knows of this one."""

    def __init__(self, patch: pytest.MonkeyPatch, *, behind_s: int) -> None:
        self._behind_ns = behind_s * 1_000_000_000
        patch.setattr(checkpoint_ids, "time", self)
        patch.setattr(checkpoint_ids, "_last_v6_timestamp", None)

    def time_ns(self) -> int:
        return time.time_ns() - self._behind_ns


def _paying(paid: list[str]) -> Any:
    def ask(_: State) -> State:
        return {"first": interrupt("first?")}

    def pay(_: State) -> State:
        paid.append("paid")
        return {}

    def ask_again(_: State) -> State:
        return {"second": interrupt("second?")}

    builder = StateGraph(State).add_sequence([("ask", ask), ("pay", pay), ("again", ask_again)])
    return builder.add_edge(START, "ask").compile()


def _answer(lab: Lab, thread_id: str, *, asked: str) -> None:
    (card,) = observing.list_inbox(lab.app, thread_id=thread_id, statuses=("pending",))
    assert card.payload == asked
    intent = Intent(verb=Verb.ANSWER, value="yes")
    deciding.decide(lab.app, card.approval_id, intent, version=card.version, actor="ben")
    lab.work()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_worker_whose_clock_is_behind_goes_on_from_the_head(open_lab, monkeypatch, kind):
    paid: list[str] = []
    lab = open_lab(kind)
    lab.serve("paying", _paying(paid))
    run = launching.launch(lab.app, Launch(workflow="paying", input={}), actor="ann")
    lab.work()
    Late(monkeypatch, behind_s=60)
    _answer(lab, run.thread_id, asked="first?")
    Late(monkeypatch, behind_s=3600)
    _answer(lab, run.thread_id, asked="second?")
    assert paid == ["paid"]
    assert not observing.list_inbox(lab.app, thread_id=run.thread_id, statuses=("pending",))
    (_, _, last) = sorted(
        observing.list_runs(lab.app, thread_id=run.thread_id), key=lambda r: r.created_at
    )
    assert last.status == "done"


class Ahead(SystemClock):
    """The clock of a host that is some minutes ahead."""

    def now(self) -> Any:
        return super().now() + timedelta(minutes=3)


def test_a_clock_that_differs_from_the_database_is_told_once_a_minute(open_lab, caplog):
    app = open_lab("postgres").app
    ClockWatch(app).look()
    assert not caplog.records
    watch = ClockWatch(replace(app, clock=Ahead()))
    watch.look()
    watch.look()
    (told,) = caplog.records
    assert (told.message, round(told.seconds)) == ("clock_differs", 180)
