"""A checkpoint database that another application fills: bare LangGraph, in a process of its own."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from interlock.core.clock import SystemClock
from interlock.core.errors import Conflict
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import RunKind
from interlock.core.model.threads import Origin
from interlock.core.queue.local import LocalQueue
from interlock.core.services import (
    attaching,
    deciding,
    history,
    launching,
    observing,
    reading,
    rewinding,
    running,
    threads_listing,
)
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.worker import attached_intake, attached_memory
from interlock.core.worker import attaching as following

from .conftest import PROJECTS, Desk

WAIT_S = 60
REFUND = {"amount": 5, "log": []}


class Other:
    """The other application."""

    def __init__(self, database: str) -> None:
        folder = PROJECTS / "outsider"
        self._process = subprocess.Popen(
            [sys.executable, "application.py", database],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready"

    def tell(self, verb: str, graph: str, thread: str, value: Any = None) -> Any:
        assert self._process.stdin is not None
        print(json.dumps([verb, graph, thread, value]), file=self._process.stdin, flush=True)
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass
class Room:
    """A desk that is attached to the other application's database."""

    app: App
    desk: Desk
    other: Other
    attach: str

    def until(self, is_so, what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < deadline, f"not seen: {what}"
            time.sleep(0.01)

    def line(self, thread: str):
        lines = threads_listing.list_threads(self.app, limit=1000)
        return next((each for each in lines if each.thread.thread_id == thread), None)

    def until_status(self, thread: str, status: str):
        self.until(lambda: (at := self.line(thread)) and at.status == status, f"{thread} {status}")
        return self.line(thread)

    def cards(self, thread: str, *statuses: str):
        wanted = statuses or ("pending",)
        return observing.list_inbox(self.app, thread_id=thread, statuses=wanted)

    def card(self, thread: str):
        self.until(lambda: self.cards(thread), f"a card of {thread}")
        (found,) = self.cards(thread)
        return found

    def decide(self, card, value: Any):
        intent = Intent(verb=Verb.ANSWER, value=value)
        return deciding.decide(
            self.app, card.approval_id, intent, version=card.version, actor="ann"
        )

    def own(self, thread: str, checkpoint_id: str, run_id: str) -> None:
        """Make a checkpoint one of a run of ours."""
        given = (json.dumps(run_id), thread, checkpoint_id)
        place = "WHERE thread_id = {0} AND checkpoint_ns = '' AND checkpoint_id = {0}"
        if self.attach.startswith("postgresql"):
            put = "metadata = jsonb_set(metadata, '{run_id}', %s::jsonb) "
            with psycopg.connect(self.attach) as conn:
                conn.execute(f"UPDATE checkpoints SET {put}{place.format('%s')}".encode(), given)
            return
        put = "metadata = CAST(json_set(metadata, '$.run_id', json(?)) AS BLOB) "
        with sqlite3.connect(self.attach) as conn:
            conn.execute(f"UPDATE checkpoints SET {put}{place.format('?')}", given)

    def schema(self) -> list[Any]:
        """All tables with their columns, and the rows of those that hold no checkpoints."""
        if not self.attach.startswith("postgresql"):
            with sqlite3.connect(self.attach) as conn:
                return conn.execute("SELECT * FROM sqlite_master ORDER BY 2").fetchall()
        with psycopg.connect(self.attach) as conn:
            columns = conn.execute(
                "SELECT table_name, column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'public' ORDER BY 1, ordinal_position"
            ).fetchall()
            names = sorted({name for name, _, _ in columns if not name.startswith("checkpoint")})
            count = "SELECT '{0}', count(*) FROM {0}"
            counts = conn.execute(" UNION ALL ".join(count.format(n) for n in names).encode())
            return [columns, sorted(counts.fetchall())]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def room(request, tmp_path_factory, sqlite_template) -> Iterator[Room]:
    """One for all tests, each on threads of its own; once with each database."""
    tmp = tmp_path_factory.mktemp("attached")
    patch = pytest.MonkeyPatch()
    patch.setattr(following, "FOLLOW_S", 0.02)
    patch.setattr(attached_memory, "AGAIN_S", 0.02)
    (tmp / "data").mkdir()
    if request.param == "sqlite":
        shutil.copyfile(sqlite_template, tmp / "data" / "app.db")
        yield from _furnish(tmp, str(tmp / "theirs.db"), None)
    else:
        clone = request.getfixturevalue("clone_postgres")
        with clone() as ours, clone() as theirs:
            yield from _furnish(tmp, theirs.replace("+psycopg", ""), ours)
    patch.undo()


def _furnish(tmp: Path, attach: str, database: str | None) -> Iterator[Room]:
    other = Other(attach)
    settings = Settings(data_dir=tmp / "data", database=database, attach=attach, heartbeat_s=0.5)
    engine = engines.open_engine(settings.database_url)
    app = App(settings=settings, engine=engine, queue=LocalQueue(), clock=SystemClock())
    desk = Desk(app, tmp, project="outsider")
    room = Room(app, desk, other, attach)
    before = room.schema()
    desk.start()
    try:
        yield room
        assert room.schema() == before
    finally:
        desk.close()
        other.close()
        engine.dispose()


def test_a_question_is_found_and_its_answer_goes_on_there(room):
    asked = room.other.tell("run", "refund", "t1", REFUND)
    card = room.card("t1")
    assert (card.node, card.workflow, [card.interrupt_id]) == ("review", "refund", asked["asked"])
    assert card.payload == {"question": "refund?", "amount": 5}
    line = room.line("t1")
    assert (line.thread.origin, line.thread.trouble, line.status) == (
        Origin.ATTACHED,
        None,
        "waiting",
    )

    run = room.desk.wait(room.decide(card, "yes").run_id)

    assert run.status == "done"
    told = room.other.tell("look", "refund", "t1")
    assert told["values"]["log"] == ["looked", "review yes", "signed", "paid"]
    kinds = [r.kind for r in history.open_history(room.app, "t1").runs]
    assert kinds == [RunKind.RESUME, RunKind.ATTACHED]


def test_a_question_inside_a_subgraph_is_found(room):
    asked = room.other.tell("run", "report", "t2", {"topic": "sea", "parts": []})
    card = room.card("t2")
    assert (card.node, [card.interrupt_id]) == ("edit/ask", asked["asked"])
    assert room.desk.wait(room.decide(card, "no").run_id).status == "done"
    told = room.other.tell("look", "report", "t2")
    assert told["values"]["parts"][-1] == "edited no"


def test_what_is_answered_there_closes_the_card_and_its_next_question_is_asked(room):
    room.other.tell("run", "refund", "t3", {"amount": 5000, "log": []})
    first = room.card("t3")
    room.other.tell("answer", "refund", "t3", "theirs")
    room.until(lambda: [c.node for c in room.cards("t3")] == ["sign"], "the next question")
    (second,) = room.cards("t3")
    assert second.payload == "first?"
    assert [c.approval_id for c in room.cards("t3", "superseded")] == [first.approval_id]

    room.other.tell("answer", "refund", "t3", "1")  # the second is asked at the same checkpoint
    room.until(lambda: [c.payload for c in room.cards("t3")] == ["second?"], "the second")
    assert second.checkpoint_id == room.card("t3").checkpoint_id
    room.other.tell("answer", "refund", "t3", "2")
    room.until_status("t3", "done")
    assert room.cards("t3") == []
    with pytest.raises(Conflict, match="superseded"):
        room.decide(first, "too late")


def test_the_history_of_a_thread_is_read_when_it_is_opened(room):
    room.other.tell("run", "report", "t4", {"topic": "sky", "parts": []})
    room.card("t4")
    told = room.other.tell("history", "report", "t4")
    opened = history.open_history(room.app, "t4")
    assert [[p.checkpoint_id, list(p.next)] for p in opened.points] == told
    assert {p.branch for p in opened.points} == {0}
    first = told[-1][0]
    assert reading.state(room.app, "t4", told[0][0]).values["parts"] == ["sky part"] * 2
    assert reading.state(room.app, "t4", first).values in ({}, {"parts": []})


def test_a_thread_whose_graph_is_unknown_is_read_and_nothing_else(room):
    room.other.tell("run", "secret", "t5", {"hidden": "cave"})
    card = room.card("t5")
    assert (card.title, card.node) == ("who is there?", "whisper")
    why = room.line("t5").thread.trouble
    assert why == "No graph of the config has the fields of its state (hidden)."
    head = room.line("t5").thread.head_checkpoint_id
    assert reading.state(room.app, "t5", head).values == {"hidden": "cave"}
    with pytest.raises(Conflict, match="can be read only"):
        room.decide(card, "me")
    assert len(history.open_history(room.app, "t5").points) == 2
    room.other.tell("answer", "secret", "t5", "wind")
    room.until(lambda: room.cards("t5") == [], "no card")


def test_what_failed_there_is_tried_again_here(room):
    room.other.tell("run", "refund", "t6", {"amount": -1, "log": []})
    line = room.until_status("t6", "failed")
    run = observing.get_run(room.app, line.thread.last_run_id)
    assert (run.kind, run.error.type, run.created_by) == (
        "attached",
        "ValueError",
        "another application",
    )
    again = room.desk.wait(running.retry(room.app, run.run_id, actor="ann").run_id)
    assert (again.status, again.error.type) == ("failed", "ValueError")


def test_what_stands_still_there_is_told_and_can_be_gone_on_with(room, monkeypatch):
    held = {"input": REFUND, "before": ["look"]}
    room.other.tell("hold", "refund", "t7", held)
    room.until(lambda: room.line("t7"), "the thread")
    assert room.line("t7").status is None  # it may be at work on it
    monkeypatch.setattr(attached_intake, "QUIET", timedelta())
    line = room.until_status("t7", "failed")
    run = observing.get_run(room.app, line.thread.last_run_id)
    assert (run.error.type, "before look" in run.error.message) == ("NotFinished", True)
    again = room.desk.wait(running.retry(room.app, run.run_id, actor="ann").run_id)
    assert again.status == "waiting"


def test_a_thread_that_is_deleted_there_asks_nothing_any_more(room):
    room.other.tell("run", "refund", "t8", REFUND)
    room.card("t8")
    room.other.tell("forget", "refund", "t8")
    room.until(lambda: room.line("t8").thread.trouble == attaching.GONE, "it is gone")
    assert room.cards("t8") == []
    assert room.line("t8").status == "cancelled"
    room.other.tell("run", "refund", "t8", REFUND)  # and is there again
    assert room.card("t8").node == "review"
    assert room.line("t8").thread.trouble is None


def test_a_new_input_there_is_a_new_run_here(room):
    room.other.tell("run", "refund", "t9", REFUND)
    room.card("t9")
    room.other.tell("answer", "refund", "t9", "yes")
    room.until_status("t9", "done")
    room.other.tell("run", "refund", "t9", REFUND)
    card = room.card("t9")
    runs = history.open_history(room.app, "t9").runs
    assert runs[0].status == "waiting"  # between the others it may have been seen at work
    assert {r.status for r in runs[1:]} <= {"done", "continued"}
    assert {r.kind for r in runs} == {RunKind.ATTACHED}
    assert card.run_id == runs[0].run_id
    assert len(history.open_history(room.app, "t9").points) == len(
        room.other.tell("history", "refund", "t9")
    )


def test_an_answer_that_another_gave_while_ours_waited_is_refused(room):
    room.other.tell("run", "refund", "t10", REFUND)
    card = room.card("t10")
    room.desk.close()  # no worker
    room.other.tell("answer", "refund", "t10", "theirs")
    ours = room.decide(card, "ours")
    room.desk.start()
    run = room.desk.wait(ours.run_id)
    assert (run.status, run.error.type) == ("failed", "Refused")
    assert "Another application has answered it" in run.error.message
    told = room.other.tell("look", "refund", "t10")
    assert told["values"]["log"][1:] == ["review theirs", "signed", "paid"]


def test_an_input_is_not_sent_twice_where_another_application_went_on_from_it(room):
    room.other.tell("run", "refund", "t18", REFUND)
    room.other.tell("answer", "refund", "t18", "theirs")
    room.until_status("t18", "done")
    before = room.other.tell("history", "refund", "t18")
    room.desk.close()
    ask = launching.Launch(workflow="refund", input=REFUND, thread_id="t18")
    run = launching.launch(room.app, ask, actor="ann")
    with engines.write(room.app.engine) as conn:  # its worker died behind its first checkpoint
        conn.execute(text("UPDATE runs SET deliveries = 1 WHERE run_id = :id"), {"id": run.run_id})
        conn.execute(text("DELETE FROM checkpoints_index WHERE thread_id = 't18'"))
    room.own("t18", before[-1][0], run.run_id)
    room.desk.start()
    ended = room.desk.wait(run.run_id)
    assert (ended.status, ended.error.type) == ("failed", "Refused")
    assert "has gone on with the thread" in ended.error.message
    assert room.other.tell("history", "refund", "t18") == before


def test_what_is_known_already_is_not_told_again_by_another_worker(room):
    room.other.tell("run", "refund", "t11", REFUND)
    card = room.card("t11")
    before = observing.list_events(room.app, card.run_id)
    room.other.tell("run", "refund", "t14", REFUND)
    room.card("t14")
    room.desk.close()
    room.other.tell("run", "refund", "t12", REFUND)
    room.other.tell("forget", "refund", "t14")
    room.desk.start()
    room.card("t12")  # it has looked
    room.until(lambda: room.line("t14").thread.trouble == attaching.GONE, "it is gone")
    assert room.cards("t14") == []
    assert room.card("t11") == card
    assert observing.list_events(room.app, card.run_id) == before
    source = attaching.find_source(room.app)
    assert source is not None
    assert source.unknown_count >= 0


def test_rows_that_cannot_be_read_or_kept_hold_up_no_other(room):
    long = "l" * 201
    for thread in ("t15", long):
        room.other.tell("run", "refund", thread, REFUND)
    odd = (
        "INSERT INTO checkpoints SELECT 't17', checkpoint_ns, checkpoint_id, parent_checkpoint_id,"
        " type, checkpoint, '[1]' FROM checkpoints WHERE thread_id = 't15'"
    )
    if room.attach.startswith("postgresql"):
        with psycopg.connect(room.attach) as conn:
            conn.execute(odd)
    else:
        with sqlite3.connect(room.attach) as conn:
            conn.execute(odd)
    room.until(lambda: room.line("t17"), "the odd one")
    assert "cannot be read" in room.line("t17").thread.trouble
    room.other.tell("run", "refund", "t16", REFUND)
    assert room.card("t16").node == "review"
    assert room.line(long) is None
    source = attaching.find_source(room.app)
    assert source is not None
    assert source.error is None


def test_a_thread_is_set_back_and_the_other_application_goes_on_from_there(room):
    room.other.tell("run", "refund", "t13", REFUND)
    room.card("t13")
    room.other.tell("answer", "refund", "t13", "no")
    head = room.until_status("t13", "done").thread.head_checkpoint_id
    points = history.open_history(room.app, "t13").points
    target = next(p for p in points if p.next == ("review",))
    request = rewinding.ForkRequest(verb=RewindVerb.RERUN, checkpoint_id=target.checkpoint_id)
    run = rewinding.apply(
        room.app, "t13", request, expected_head=head, actor="ann", reason="once more"
    )
    assert room.desk.wait(run.run_id).status == "waiting"
    mine = room.card("t13")
    room.other.tell("answer", "refund", "t13", "yes")
    room.until(lambda: room.cards("t13") == [], "no card")
    room.until_status("t13", "done")
    assert [c.approval_id for c in room.cards("t13", "superseded")][-1] == mine.approval_id
    told = room.other.tell("history", "refund", "t13")
    index = history.open_history(room.app, "t13").points
    assert [[p.checkpoint_id, list(p.next)] for p in index] == told
    assert {p.branch for p in index} == {0, 1}


@pytest.fixture
def old_room(tmp_path, sqlite_template) -> Iterator[Room]:
    """
    A desk on a file that LangGraph 1.0.10 filled with langgraph-checkpoint 4.3.2, by `application.py`
    in an environment of its own.
    """
    (tmp_path / "data").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / "data" / "app.db")
    shutil.copyfile(PROJECTS / "outsider" / "langgraph-1.0.db", tmp_path / "theirs.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "FOLLOW_S", 0.02)
        yield from _furnish(tmp_path, str(tmp_path / "theirs.db"), None)


def test_threads_of_langgraph_1_0_are_found_answered_and_set_back(old_room):
    room = old_room
    expected = {
        "old-review": ("waiting", "review"),
        "old-two": ("waiting", "sign"),
        "old-inside": ("waiting", "edit/ask"),
        "old-done": ("done", None),
        "old-failed": ("failed", None),
    }
    for thread, (status, node) in expected.items():
        assert room.until_status(thread, status).thread.trouble is None
        assert [card.node for card in room.cards(thread)] == ([node] if node else [])

    for thread, value in (("old-review", "yes"), ("old-inside", "fine")):
        room.desk.wait(room.decide(room.card(thread), value).run_id)
        room.until_status(thread, "done")
    told = room.other.tell("look", "refund", "old-review")
    assert told["values"]["log"] == ["looked", "review yes", "signed", "paid"]
    assert room.other.tell("look", "report", "old-inside")["values"]["parts"][-1] == "edited fine"

    points = history.open_history(room.app, "old-done").points
    target = next(p for p in points if p.next == ("review",))
    request = rewinding.ForkRequest(verb=RewindVerb.RERUN, checkpoint_id=target.checkpoint_id)
    run = rewinding.apply(room.app, "old-done", request, actor="ann", reason="once more")
    assert room.desk.wait(run.run_id).status == "waiting"
    room.desk.wait(room.decide(room.card("old-done"), "no").run_id)
    told = room.other.tell("look", "refund", "old-done")
    assert told["values"]["log"] == ["looked", "review no", "signed", "paid"]
