"""A simulated past on both databases: its books agree, and the same seed plays the same week."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from interlock.core.clock import FrozenClock
from interlock.core.demo import weeks
from interlock.core.demo.past import Past
from interlock.core.demo.plays import SCRIPTS
from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.demonstration import SIMULATED, Service
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.threads import Origin
from interlock.core.model.tours import TourFacts, TourStatus, TourStep
from interlock.core.queue.local import LocalQueue
from interlock.core.queue.played import PlayedQueue
from interlock.core.services import (
    demonstrating,
    figuring,
    launching,
    metrics,
    observing,
    running,
    sifting,
    simulating,
    threads_listing,
    touring,
)
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings
from interlock.core.store import audit
from interlock.core.store.engine import open_engine, read, write
from tests.books import find_faults

COUNT = 20


@pytest.fixture
def real(engine, frozen, tmp_path) -> App:
    return App(
        settings=Settings(data_dir=tmp_path), engine=engine, queue=LocalQueue(), clock=frozen
    )


def fill(app: App, *, seed: int = 7, count: int = COUNT) -> int:
    week = weeks.before(app.clock.now(), count=count)
    clock = FrozenClock(week.begin)
    played = replace(app, queue=PlayedQueue(), clock=clock)
    return Past(played, clock, SCRIPTS, week, seed=seed).play()


def what_happened(app: App) -> list[tuple[object, ...]]:
    with read(app.engine) as conn:
        found = conn.execute(
            text(
                "SELECT r.workflow, r.kind, r.status, r.created_at, n.path, n.status, n.duration_ms"
                " FROM runs r JOIN node_runs n ON n.run_id = r.run_id"
                " ORDER BY r.created_at, n.started_at, n.path, n.ended_at, n.duration_ms"
            )
        )
        return [tuple(row) for row in found]


def test_the_books_of_a_played_week_agree(real):
    demonstrating.begin(real, seed=7, per_minute=6)
    assert fill(real) == COUNT
    with read(real.engine) as conn:
        assert find_faults(conn) == []
    lines = threads_listing.list_threads(real, limit=COUNT + 1)
    assert {Origin.SIMULATED} == {line.thread.origin for line in lines}
    assert {SIMULATED} == {line.thread.trouble for line in lines}
    assert not sifting.list_rows(real, InboxFilter())
    assert sifting.list_rows(real, InboxFilter(statuses=(ApprovalStatus.DECIDED,)))


def test_the_books_are_seen_to_be_wrong_where_they_are(real):
    fill(real, count=10)
    with write(real.engine) as conn:
        conn.execute(text("DELETE FROM decisions"))
        conn.execute(text("UPDATE runs SET ended_at = NULL WHERE status = 'done'"))
    with read(real.engine) as conn:
        found = " ".join(find_faults(conn))
    assert "exactly one decision" in found
    assert "times are in order" in found


def test_the_same_seed_plays_the_same_week(app, tmp_path, sqlite_template):
    def anew(name: str) -> App:
        path = tmp_path / name
        shutil.copyfile(sqlite_template, path)
        return replace(app, engine=open_engine(f"sqlite:///{path}"))

    other, third = anew("other.db"), anew("third.db")
    fill(app)
    fill(other)
    fill(third, seed=8)
    assert what_happened(app) == what_happened(other)
    assert what_happened(app) != what_happened(third)
    for each in (other, third):
        each.engine.dispose()


def test_the_figures_of_the_week_are_those_of_its_rows(real):
    fill(real)
    figuring.rebuild(real)
    with read(real.engine) as conn:
        rows = conn.execute(
            text(
                "SELECT workflow, path, count(*) AS runs FROM node_runs"
                " WHERE is_final AND status IN ('ok', 'error') GROUP BY workflow, path"
            )
        )
        expected = {(row.workflow, row.path): row.runs for row in rows}
    found = metrics.read(real, metrics.last(real, timedelta(days=weeks.DAYS)))
    assert expected == {(n.workflow, n.path): n.runs for n in found.nodes if n.runs}
    assert sum(w.started for w in found.workflows) == COUNT


def test_nobody_goes_on_with_a_played_thread(real):
    fill(real)
    failed_or_done = observing.list_runs(real, limit=1)[0]
    with pytest.raises(Conflict):
        running.retry(real, failed_or_done.run_id, actor="ann")


def test_what_was_cut_off_is_cancelled(real):
    played = replace(real, queue=PlayedQueue())
    simulating.launch(played, Launch(workflow="refund_desk", input={}), actor="web shop")
    assert demonstrating.close_cut_off(real) == 1
    assert demonstrating.close_cut_off(real) == 0
    with read(real.engine) as conn:
        assert find_faults(conn) == []


def test_a_folder_with_real_work_is_refused(real):
    run = launching.make_run(Launch(workflow="w", input={}), actor="ann", now=real.clock.now())
    with write(real.engine) as conn:
        launching.add(conn, real, run)
    with pytest.raises(Conflict, match="real work"):
        demonstrating.begin(real, seed=7, per_minute=6)
    assert demonstrating.read(real) is None


def test_a_demonstration_is_gone_on_with(real):
    begun = demonstrating.begin(real, seed=7, per_minute=6)
    fill(real, count=2)
    again = demonstrating.begin(real, seed=8, per_minute=12)
    assert (7, 12, begun.begun_at) == (again.seed, again.per_minute, again.begun_at)


def test_what_a_person_switches_is_kept_and_audited(real):
    demonstrating.begin(real, seed=7, per_minute=6)
    demonstrating.set_fault(real, "payments", is_failing=True, actor="ann")
    demonstrating.set_fault(real, "mail", is_failing=True, actor="ann")
    now = demonstrating.set_fault(real, "payments", is_failing=False, actor="bob")
    assert {Service.MAIL} == now.faults
    assert demonstrating.set_rate(real, 0, actor="bob").per_minute == 0
    changes = [(c.actor, c.action, c.object) for c in observing.list_changes(real)]
    assert changes == [
        ("bob", "demo:rate", "demonstration"),
        ("bob", "demo:mend", "service:payments"),
        ("ann", "demo:fail", "service:mail"),
        ("ann", "demo:fail", "service:payments"),
    ]


def test_where_nothing_plays_nothing_is_switched(real):
    with pytest.raises(NotFound, match="demonstration"):
        demonstrating.set_rate(real, 3, actor="ann")
    with pytest.raises(NotFound, match="demonstration"):
        demonstrating.set_fault(real, "mail", is_failing=True, actor="ann")
    with pytest.raises(InvalidInput, match="no service"):
        demonstrating.set_fault(real, "bank", is_failing=True, actor="ann")


def test_its_signs_of_life_are_seen(real):
    demonstrating.begin(real, seed=7, per_minute=6)
    found = demonstrating.tell_alive(real)
    assert found is not None
    assert not found.is_silent(real.clock.now())
    demonstrating.tell_filled(real)
    demonstrating.tell_opened(real)
    kept = demonstrating.read(real)
    assert kept is not None
    assert (kept.filled_at, kept.opened_at) == (real.clock.now(), real.clock.now())


def test_a_tour_is_kept_for_each_person(real):
    assert touring.read(real, actor="ann") is None
    touring.begin(real, actor="ann")
    touring.go_on(real, actor="ann")
    touring.leave(real, actor="ann")
    touring.show(real, TourStep.CACHE, actor="bob")
    ann, bob = touring.read(real, actor="ann"), touring.read(real, actor="bob")
    assert (TourStatus.LEFT, TourStep.DECIDE, {TourStep.LAUNCH}) == (ann.status, ann.step, ann.seen)
    assert (bob.status, bob.step) == (TourStatus.OPEN, TourStep.CACHE)


def test_a_tour_sees_what_its_person_did_since_it_began(real):
    tour = touring.begin(real, actor="ann")
    assert TourFacts() == touring.look(real, tour)
    fill(real)  # by others, and of threads that can only be read
    assert TourFacts() == touring.look(real, tour)
    with write(real.engine) as conn:
        for action in ("launch", "decide:approve", "rewind:edit", "what-if:start"):
            audit.append(conn, at=real.clock.now(), actor="ann", action=action, object_="x")
    deeds = {TourStep.LAUNCH, TourStep.DECIDE, TourStep.REWIND, TourStep.COMPARE}
    assert touring.look(real, tour).done == deeds
    seen = touring.go_on(real, actor="ann")
    assert touring.look(real, seen).done == deeds
    for _ in range(2):
        seen = touring.go_on(real, actor="ann")
    assert touring.look(real, seen).done == deeds | {TourStep.FIGURES}
