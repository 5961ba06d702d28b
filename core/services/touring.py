"""
The guided tour of a demonstration: how far a person is, and what there is to point at now.

How far somebody has read is theirs and changes no work, so it is not audited.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from interlock.core.model import tours
from interlock.core.model.approvals import STANDING, ApprovalSummary
from interlock.core.model.breaker import BreakerState
from interlock.core.model.inbox_filters import InboxFilter, Sort
from interlock.core.model.people import Permission
from interlock.core.model.runs import RunStatus, RunSummary
from interlock.core.model.tours import Tour, TourFacts, TourStep
from interlock.core.services import demonstrating
from interlock.core.services.context import App
from interlock.core.services.permitting import command
from interlock.core.store import (
    audit,
    breakers,
    checkpoints,
    demonstrations,
    engine,
    inbox,
    runs,
    threads,
    topics,
)

CARDS_COUNT = 50  # pending cards that are looked through
RUNS_COUNT = 50  # of the newest that are done
EVENTS_COUNT = 200  # changes of breakers since a tour began

_DEEDS: dict[TourStep, tuple[str, ...]] = {
    TourStep.LAUNCH: ("launch",),
    TourStep.DECIDE: ("decide:",),
    TourStep.REWIND: ("rewind:",),
    TourStep.COMPARE: ("what-if:",),
}
_LOOKED_AT = frozenset({TourStep.FIGURES, TourStep.CACHE})  # no deed: they are read


def read(app: App, *, actor: str) -> Tour | None:
    """How far somebody is; None for who has not begun."""
    with engine.read(app.engine) as conn:
        return demonstrations.fetch_tour(conn, actor)


@command(Permission.SEE)
def begin(app: App, *, actor: str) -> Tour:
    """Begin at the first step, whatever was before."""
    return _put(app, tours.begin(actor, now=app.clock.now()))


@command(Permission.SEE)
def show(app: App, step: TourStep, *, actor: str) -> Tour:
    """Turn to a step."""
    return _put(app, tours.show(_read_or_begin(app, actor), step))


@command(Permission.SEE)
def go_on(app: App, *, actor: str) -> Tour:
    """Pass the step that is shown."""
    return _put(app, tours.go_on(_read_or_begin(app, actor)))


@command(Permission.SEE)
def leave(app: App, *, actor: str) -> Tour:
    """Put the tour away until it is resumed."""
    return _put(app, tours.leave(_read_or_begin(app, actor)))


def look(app: App, tour: Tour) -> TourFacts:
    """What was done since the tour began, and what its steps can point at now."""
    with engine.read(app.engine) as conn:
        cards = inbox.fetch_summaries(conn, InboxFilter(), sort=Sort.WAITING, limit=CARDS_COUNT)
        done = runs.fetch_many(conn, statuses=(RunStatus.DONE,), limit=RUNS_COUNT)
        card = _find_card(conn, cards, tour.actor)
        ended = _find_ended(conn, done, tour.actor)
        return TourFacts(
            done=frozenset(_find_done(conn, tour)),
            card=card.approval_id if card is not None else None,
            question=next((c.approval_id for c in cards if c.kind not in STANDING), None),
            thread=ended.thread_id if ended is not None else None,
            run=ended.run_id if ended is not None else None,
        )


def _find_done(conn: Connection, tour: Tour) -> Collection[TourStep]:
    actions = audit.fetch_actions(conn, actor=tour.actor, since=tour.begun_at)
    done = {
        step
        for step, deeds in _DEEDS.items()
        if any(action.startswith(deeds) for action in actions)
    }
    return done | (tour.seen & _LOOKED_AT) | _tripped(conn, tour.begun_at)


def _tripped(conn: Connection, since: datetime) -> set[TourStep]:
    events = breakers.fetch_events(conn, since=since, limit=EVENTS_COUNT)
    return {TourStep.BREAKER} if any(e.after is BreakerState.OPEN for e in events) else set()


def _find_card(
    conn: Connection, cards: Sequence[ApprovalSummary], actor: str
) -> ApprovalSummary | None:
    """The oldest card of what the person launched; else the oldest of all."""
    known = runs.fetch_by_ids(conn, [card.run_id for card in cards])
    own = [c for c in cards if c.run_id in known and known[c.run_id].created_by == actor]
    return next(iter([*own, *cards]), None)


def _find_ended(conn: Connection, done: Sequence[RunSummary], actor: str) -> RunSummary | None:
    """The newest run that a person did, else the newest of all, whose thread can be set back."""
    in_order = sorted(done, key=lambda run: run.created_by != actor)
    for run in in_order:
        thread = threads.fetch(conn, run.thread_id)
        is_free = thread is not None and thread.trouble is None and thread.last_run_id == run.run_id
        if is_free and checkpoints.newest_id(conn, run.thread_id) is not None:
            return run
    return None


def _read_or_begin(app: App, actor: str) -> Tour:
    return read(app, actor=actor) or tours.begin(actor, now=app.clock.now())


def _put(app: App, tour: Tour) -> Tour:
    with engine.write(app.engine) as conn:
        demonstrations.put_tour(conn, tour)
        topics.bump(conn, demonstrating.TOPIC)  # another screen of the same person turns with it
    return tour
