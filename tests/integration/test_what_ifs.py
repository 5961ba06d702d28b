"""Answers tried on copies: what they come to, what runs there, and that the original stays as it was (law 6)."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import Any

import psycopg
import pytest

from interlock.core import cli
from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model.approvals import Intent, Verb
from interlock.core.services import observing, running, what_ifs
from interlock.core.store import audit

from .conftest import wait_until

YES, NO = Intent(verb=Verb.ANSWER, value=620), Intent(verb=Verb.ANSWER, value=0)


@pytest.fixture
def embedded(make_desk, tmp_path, sqlite_template):
    """A desk on a file, with nodes that have side effects and some that have none."""
    folder = tmp_path / ".interlock"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "app.db")
    return make_desk(project="tried")


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request, make_desk):
    """The same on each database."""
    if request.param == "sqlite":
        return request.getfixturevalue("embedded")
    return make_desk(request.getfixturevalue("postgres_url"), project="tried")


def tried(desk, what_if):
    """A what-if once all its sides have come to an end."""

    def ended() -> Any:
        found = what_ifs.read(desk.app, what_if.what_if_id)
        return found if all(s.status not in ("queued", "running") for s in found.sides) else None

    return wait_until(ended, "the what-if")


def start(desk, card, *, stand_ins=None, a=YES, b=NO):
    return what_ifs.start(
        desk.app,
        approval_id=card.approval_id,
        sides={"a": a, "b": b},
        stand_ins=stand_ins or {},
        actor="anna",
    )


def keep_at(desk, what_if, side, head):
    return what_ifs.keep(
        desk.app, what_if.what_if_id, side, actor="anna", reason="less", expected_head=head
    )


def nodes(side):
    return [(step["node"], step["how"]) for step in side.path]


def dump(desk) -> list[Any]:
    """
    Every row of every table of the checkpoint database, and of the thread in ours, as they are.

    Figures are left out: a minute that has passed meanwhile is added up from rows that are here.
    """
    own = ("threads", "runs", "run_events", "node_runs", "checkpoints_index", "approvals")
    own += ("decisions", "snapshots", "forks")
    with desk.app.engine.connect() as conn:
        found = [conn.exec_driver_sql(f"SELECT * FROM {t} ORDER BY 1, 2").all() for t in own]
    return [*found, *_dump_checkpoints(desk)]


def _dump_checkpoints(desk) -> list[Any]:
    if desk.app.settings.is_embedded:
        with closing(sqlite3.connect(desk.app.settings.checkpoints_path)) as conn:
            names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            tables = [name for (name,) in conn.execute(names)]
            return [sorted(conn.execute(f'SELECT * FROM "{t}"'), key=repr) for t in tables]
    url = desk.app.settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    tables = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "store")
    with psycopg.connect(url) as conn:
        return [sorted(conn.execute(f"SELECT * FROM {t}"), key=repr) for t in tables]


def test_two_answers_come_to_two_ends_and_the_original_is_untouched(desk):
    book = desk.open_book()
    desk.start()
    run = desk.finish("refund", book)
    card = desk.card(run)
    before = dump(desk)

    given = {"a": {"charge": {"value": {"receipt": "no 7", "log": ["paid"]}}}}
    a, b = tried(desk, start(desk, card, stand_ins=given)).sides

    assert nodes(a) == [("review", "ran"), ("charge", "given"), ("notify", "ran")]
    assert a.status == "done"
    assert a.values["log"] == ["answered 620", "paid", "notified of no 7"]
    assert a.duration_ms > 0
    # A node that was said to have no side effects, and writes to the store, is not let.
    assert (b.status, nodes(b)) == ("failed", [("review", "ran"), ("refuse", "failed")])
    assert "writes nothing to the store" in b.error
    assert [book.count(n) for n in ("review", "charge", "notify")] == [3, 0, 1]
    assert dump(desk) == before
    assert desk.card(run) == card


def test_a_side_ends_where_a_value_is_needed_and_serves_what_was_written_the_last_time(embedded):
    desk = embedded
    book = desk.open_book()
    desk.start()
    run = desk.finish("refund", book)
    card = desk.card(run)
    (a,) = tried(
        desk,
        what_ifs.start(
            desk.app, approval_id=card.approval_id, sides={"a": YES}, stand_ins={}, actor="anna"
        ),
    ).sides
    assert nodes(a) == [("review", "ran"), ("charge", "missing")]
    assert (a.status, a.asks) == ("waiting", ())
    assert a.values["log"] == ["answered 620"]

    ended = desk.wait(desk.decide(card, 40).run_id)
    assert desk.values(ended)["receipt"] == "no 40"
    before = dump(desk)
    earlier = start(desk, card)
    found = start(desk, card, b=Intent(verb=Verb.ANSWER, value=7))
    a, b = tried(desk, found).sides

    assert nodes(a) == [("review", "ran"), ("charge", "recorded"), ("notify", "ran")]
    assert a.values["log"] == ["answered 620", "charged", "notified of no 40"]
    assert b.values["log"] == ["answered 7", "charged", "notified of no 40"]
    assert book.count("charge") == 1
    assert dump(desk) == before

    # Kept, it changes the decision: a fork, which the real nodes carry out.
    with pytest.raises(InvalidInput, match="a reason is required"):
        what_ifs.keep(desk.app, found.what_if_id, "b", actor="anna", reason=" ")
    staged = what_ifs.preview_keep(desk.app, found)
    assert (staged.preview.repeats, staged.problems) == (("charge",), ())
    with pytest.raises(Conflict, match="moved"):
        keep_at(desk, found, "b", "an older head")
    run_id = keep_at(desk, found, "b", staged.head_id)
    wait_until(lambda: book.count("charge") == 2, "the charge")
    last = desk.wait(observing.list_runs(desk.app, limit=1)[0].run_id)
    assert desk.values(last)["receipt"] == "no 7"
    assert run_id != last.run_id
    assert what_ifs.preview_keep(desk.app, what_ifs.read(desk.app, found.what_if_id)) is None

    # The other was tried before that: kept now, it would leave the new branch unseen.
    assert what_ifs.read(desk.app, earlier.what_if_id).status == "open"
    with pytest.raises(Conflict, match=r"anna set the thread back at .* less") as caught:
        keep_at(desk, earlier, "a", None)
    assert caught.value.winner["run_id"] == run_id
    assert observing.list_runs(desk.app, limit=1)[0].run_id == last.run_id
    assert what_ifs.read(desk.app, earlier.what_if_id).status == "open"


def test_one_answer_is_kept_and_decides_the_real_card_once(embedded):
    desk = embedded
    book = desk.open_book()
    desk.start()
    run = desk.finish("refund", book)
    card = desk.card(run)
    first, second = (tried(desk, start(desk, card)) for _ in range(2))
    run_id = what_ifs.keep(desk.app, first.what_if_id, "a", actor="ben", reason="it fits")

    assert desk.values(desk.wait(run_id))["receipt"] == "no 620"
    (decided,) = desk.cards(run, "decided")
    record = observing.get_card(desk.app, decided.approval_id).decisions[0]
    assert (record.actor, record.reason, record.answer) == ("ben", "it fits", 620)
    found = what_ifs.read(desk.app, first.what_if_id)
    assert (found.status, found.kept_side) == ("kept", "a")
    for again in (first, second):
        with pytest.raises(Conflict):
            what_ifs.keep(desk.app, again.what_if_id, "b", actor="cid", reason="late")
    what_ifs.discard(desk.app, second.what_if_id, actor="cid")
    with pytest.raises(Conflict, match="closed already"):
        what_ifs.discard(desk.app, second.what_if_id, actor="cid")
    told = [f.what_if_id for f in what_ifs.list_of_thread(desk.app, run.thread_id)]
    assert told == [second.what_if_id, first.what_if_id]
    with desk.app.engine.connect() as conn:
        actions = [entry.action for entry in audit.fetch_many(conn, limit=4)]
    assert actions == ["what-if:discard", "what-if:keep", "decide:answer", "what-if:start"]


def test_what_nobody_vouches_for_does_not_run(embedded):
    desk = embedded
    book = desk.open_book()
    desk.start()
    card = desk.card(desk.finish("unknown", book))
    with pytest.raises(InvalidInput, match="review, would not run"):
        start(desk, card)
    runs = {"review": {"runs": True}}
    a, b = tried(desk, start(desk, card, stand_ins={"a": runs, "b": runs})).sides
    assert nodes(a) == [("review", "ran"), ("charge", "missing")]
    assert nodes(b) == [("review", "ran"), ("refuse", "missing")]
    for wrong in ({"charge": {"runs": 1}}, {"gone": {"runs": True}}, {"charge": 3}):
        with pytest.raises(InvalidInput):
            start(desk, card, stand_ins={"a": {**runs, **wrong}, "b": runs})
    with pytest.raises(NotFound):
        what_ifs.read(desk.app, "gone")


def test_a_subgraph_and_several_questions_stay_as_they_are_beside_the_one_that_is_tried(desk):
    book = desk.open_book()
    desk.start()
    run = desk.finish("parts", book, input={"items": ["x", "y"]})
    card = next(c for c in desk.cards(run) if c.payload == {"item": "y"})
    before = dump(desk)
    given = {"team/send": {"value": {"log": ["stood in"]}}}
    both = {"a": given, "b": {}}
    a, b = tried(desk, start(desk, card, stand_ins=both)).sides
    assert [ask["value"] for ask in a.asks] == [{"item": "x"}]
    assert ("team/send", "given") in nodes(a)
    assert ("team/send", "missing") in nodes(b)
    assert [a.status, b.status] == ["waiting", "waiting"]
    assert dump(desk) == before
    assert len(desk.cards(run)) == 2

    first, second = desk.cards(run)
    for card_, answer in ((first, "p"), (second, "q")):  # one by one: each run does only a part
        desk.wait(desk.decide(card_, answer).run_id)
    a, b = tried(desk, start(desk, card)).sides
    kept = {first.payload["item"]: "p", second.payload["item"]: "q"}["x"]
    assert sorted(a.values["log"]) == sorted([f"x {kept}", "sent x", "y 620", "sent y"])
    assert a.status == b.status == "done"
    assert [book.count(f"send {item}") for item in "xy"] == [1, 1]


def test_a_plain_point_is_tried_with_different_stand_ins(embedded):
    desk = embedded
    book = desk.open_book()
    desk.start()
    run = desk.finish("refund", book)
    ended = desk.wait(desk.decide(desk.card(run), 40).run_id)
    points = observing.history(desk.app, ended.thread_id)
    due = next(p for p in points if p.next == ("charge",))
    found = what_ifs.start(
        desk.app,
        thread_id=ended.thread_id,
        checkpoint_id=due.checkpoint_id,
        sides={"a": None, "b": None},
        stand_ins={"b": {"charge": {"value": {"receipt": "none", "log": []}}}},
        actor="anna",
    )
    a, b = tried(desk, found).sides
    assert a.values["log"][-2:] == ["charged", "notified of no 40"]
    assert b.values["log"][-1] == "notified of none"
    with pytest.raises(InvalidInput, match="No card belongs"):
        what_ifs.keep(desk.app, found.what_if_id, "a", actor="anna", reason="why")
    with pytest.raises(InvalidInput, match="had ended here"):
        what_ifs.start(
            desk.app,
            thread_id=ended.thread_id,
            checkpoint_id=points[0].checkpoint_id,
            sides={"a": None},
            stand_ins={},
            actor="anna",
        )


def test_what_a_breakpoint_and_a_failure_ask_is_tried_too(embedded):
    desk = embedded
    book = desk.open_book()
    desk.start()
    run = desk.finish("refund", book, break_before=("charge",))
    held = desk.wait(desk.decide(desk.card(run), 13).run_id)
    card = desk.card(held)
    before = dump(desk)
    given = {"charge": {"value": {"receipt": "no 14"}}}
    edit = Intent(verb=Verb.EDIT, value={"log": ["anew"]})
    stop, skip, go_on = (Intent(verb=verb) for verb in (Verb.STOP, Verb.SKIP, Verb.APPROVE))
    a, b = tried(desk, start(desk, card, stand_ins={"a": given}, a=edit, b=stop)).sides
    assert nodes(a) == [("charge", "given"), ("notify", "ran")]
    assert a.values["log"] == ["anew", "notified of no 14"]
    assert (b.status, nodes(b), b.values["log"]) == ("done", [], ["answered 13"])
    a, b = tried(desk, start(desk, card, a=go_on, b=skip)).sides
    assert nodes(a) == [("charge", "missing")]
    assert (b.status, nodes(b)) == ("failed", [("notify", "failed")])  # there is no receipt
    assert dump(desk) == before

    failed = desk.wait(desk.decide(card, verb=Verb.APPROVE).run_id)
    assert failed.status == "failed"
    card = desk.card(running.ask(desk.app, failed.run_id, actor="ben"))
    before = dump(desk)
    mend = Intent(verb=Verb.EDIT, value={"receipt": "no 15"})
    a, b = tried(desk, start(desk, card, a=go_on, b=mend)).sides
    assert (a.status, nodes(a)) == ("failed", [("notify", "failed")])
    assert "an unlucky receipt" in a.error
    assert (b.status, b.values["log"][-1]) == ("done", "notified of no 15")
    assert dump(desk) == before
    with pytest.raises(InvalidInput, match="no policy holds"):
        start(desk, card, a=Intent(verb=Verb.FALLBACK), b=mend)


def test_scripts_try_look_keep_and_discard(embedded, capsys):
    desk = embedded
    book = desk.open_book()
    desk.start()
    run = desk.finish("refund", book)
    card = desk.card(run)

    def call(*args: str) -> tuple[int, Any]:
        capsys.readouterr()
        place = ("--json", "--data-dir", str(desk.app.settings.data_dir))
        code = cli.main(["what-if", *args, *place])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    answers = ("--a", '{"verb": "answer", "value": 620}', "--b", "reject")
    code, told = call(
        "try", card.approval_id, *answers, "--give", 'charge={"receipt": "no 7"}', "--wait", "20"
    )
    a, b = told["sides"]
    assert (code, a["status"], b["status"]) == (1, "done", "failed")  # it writes to the store
    assert [step["how"] for step in a["path"]] == ["ran", "given", "ran"]
    assert told["differences"]["entries"]
    assert call("show", told["what_if_id"]) == (1, told)
    assert call("try")[0] == call("try", card.approval_id, "--a", '{"x": 1}')[0] == 2
    assert call("try", card.approval_id, *answers, "--give", "charge")[0] == 2
    assert call("keep", told["what_if_id"], "c", "--reason", "x")[0] == 4
    code, kept = call("keep", told["what_if_id"], "a", "--reason", "it fits")
    assert (code, kept["kept_side"]) == (0, "a")
    assert desk.values(desk.wait(kept["run_id"]))["receipt"] == "no 620"
    assert call("discard", told["what_if_id"])[0] == 3
    code, other = call("try", card.approval_id, *answers, "--let", "review")
    assert call("discard", other["what_if_id"]) == (
        0,
        {"what_if_id": other["what_if_id"], "status": "discarded"},
    )
