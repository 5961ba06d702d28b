"""A hold: no new node starts, running ones end their superstep, the release goes on from there."""

from __future__ import annotations

import pytest

from interlock.core.errors import Conflict, NotFound
from interlock.core.services import holding, observing
from interlock.core.store import audit, engine


def test_a_held_run_ends_its_superstep_and_goes_on_at_the_release(desk, wait_until):
    book = desk.open_book()
    book.close("slow")
    desk.start()
    run = desk.launch("working", book)
    book.wait_for("at slow")

    holding.hold(desk.app, "working", actor="Ann", reason="the bank is shut")
    wait_until(
        lambda: observing.list_events(desk.app, run.run_id, kinds=["warning"]), "it has noticed"
    )
    book.open("slow")
    wait_until(lambda: desk.run(run).status == "queued", "the run goes back to the queue")
    held = desk.nodes(run)
    beside = desk.finish("steps", desk.open_book())
    holding.release(desk.app, "working", actor="Ann")

    assert held == [("a", "ok"), ("slow", "ok")]
    assert beside.status == "done"
    assert desk.wait(run).status == "done"
    assert [book.count(n) for n in ("a", "slow", "z")] == [1, 1, 1]


def test_what_is_launched_and_decided_while_all_is_held_waits_for_the_release(desk, wait_until):
    desk.start()
    holding.hold(desk.app, None, actor="Ann")
    book = desk.open_book()
    run = desk.launch("steps", book)
    wait_until(lambda: observing.overview(desk.app).queued == 1, "it is queued")
    seen = observing.overview(desk.app)

    assert [h.held_by for h in seen.holds] == ["Ann"]
    assert seen.oldest_due_at is None  # it does not stand still: it is held
    assert desk.run(run).status == "queued"
    assert book.count("a") == 0
    holding.release(desk.app, None, actor="Bob")
    assert desk.wait(run).status == "done"


def test_a_hold_is_recorded_and_taken_once(desk):
    desk.start()

    holding.hold(desk.app, "steps", actor="Ann", reason="why")
    with pytest.raises(Conflict, match="held already, by Ann"):
        holding.hold(desk.app, "steps", actor="Bob")
    with pytest.raises(NotFound):
        holding.hold(desk.app, "no such workflow", actor="Bob")
    with pytest.raises(Conflict, match="Everything is not held"):
        holding.release(desk.app, None, actor="Bob")
    holding.release(desk.app, "steps", actor="Bob", reason="over")

    assert holding.list_holds(desk.app) == []
    with engine.read(desk.app.engine) as conn:
        entries = audit.fetch_many(conn, limit=2)
    assert [(e.actor, e.action, e.object, e.reason) for e in entries] == [
        ("Bob", "release", "workflow:steps", "over"),
        ("Ann", "hold", "workflow:steps", "why"),
    ]
