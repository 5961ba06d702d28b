"""
Claiming a card, giving it to somebody, forwarding it: who has it, until when, and how it came there.

Every move is audited, which is also its trail on the card. None of them touches what is asked or its
version; a claim ends when it is decided, released or given away, and by itself when its time is over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from interlock.core.errors import Conflict, InvalidInput, NotAllowed
from interlock.core.model import claims, people, routing
from interlock.core.model.approvals import Approval
from interlock.core.model.claims import Claim, Move
from interlock.core.model.people import Permission, Person, Role
from interlock.core.services import deciding, voting
from interlock.core.services.context import App, fetch_now
from interlock.core.services.finding import find_card
from interlock.core.services.permitting import command, resolve, workflows_of
from interlock.core.store import audit, engine, operators, threads, topics
from interlock.core.store import claims as store
from interlock.core.types import ApprovalId, Json

MOVES = ("claim", "take over", "unclaim", "assign", "forward")
MAX_MOVES = 100  # entries of one card's audit that are looked through
MAX_PEOPLE = 200  # to choose from
NOT_MOVED = "The card stays where it is."


@command(Permission.DECIDE)
def claim(
    app: App,
    approval_id: str,
    *,
    actor: str,
    note: str = "",
    take_over: bool = False,
    version: int | None = None,
) -> Claim:
    """
    Have a card: until it is decided or released, or the setting `claim_s` is over. Again: have it longer.

    Args:
        app: The parts.
        approval_id: The card.
        actor: Who claims it.
        note: What others are told of it.
        take_over: Also from somebody who has it.
        version: The version that was seen; None means whichever is asked now.

    Raises:
        NotFound: No such card.
        NotAllowed: It is for others to decide.
        Conflict: Somebody else has it, it is no longer pending, or asks something else by now.
    """
    note = claims.read_note(note)
    with engine.write(app.engine) as conn:
        card = _lock(conn, approval_id, version)
        voting.require_may(card, app.person)
        now = fetch_now(app, conn)
        before = store.fetch(conn, card.approval_id, now=now)
        mine = Claim(
            approval_id=card.approval_id,
            person=actor,
            claimed_at=now,
            until=now + timedelta(seconds=app.settings.claim_s),
            note=note,
        )
        if before is not None and before.person == actor:
            mine = _lengthen(before, mine)
        is_taken_over = take_over and before is not None and before.person != actor
        if is_taken_over:
            store.give(conn, mine)
        elif not store.take(conn, mine):
            assert before is not None
            raise claims.refuse(before, NOT_MOVED)
        verb = "take over" if is_taken_over else "claim"
        _tell(app, conn, verb, card, before, mine, actor=actor, reason=note)
    return mine


@command(Permission.DECIDE)
def unclaim(app: App, approval_id: str, *, actor: str, note: str = "") -> None:
    """
    Release a card that one has, or that one gave to whoever has it; an admin any.

    Raises:
        NotFound: No such card.
        Conflict: Nobody has it, somebody else does, or it is no longer pending.
    """
    note = claims.read_note(note)
    with engine.write(app.engine) as conn:
        card = _lock(conn, approval_id, None)
        before = store.fetch(conn, card.approval_id, now=fetch_now(app, conn))
        if before is None:
            raise Conflict("Nobody has this card.")
        is_admin = app.person is not None and _is_admin(app.person)
        if actor not in (before.person, before.assigned_by) and not is_admin:
            raise claims.refuse(before, NOT_MOVED)
        store.remove(conn, card.approval_id)
        _tell(app, conn, "unclaim", card, before, None, actor=actor, reason=note)


@command(Permission.DECIDE)
def assign(
    app: App,
    approval_id: str,
    *,
    to: str,
    actor: str,
    note: str = "",
    lasts: timedelta | None = None,
    take_over: bool = False,
) -> Claim:
    """
    Give a card that nobody else has to somebody, who has it then as if they had claimed it.

    Args:
        app: The parts.
        approval_id: The card.
        to: Who gets it.
        actor: Who gives it.
        note: What they are told.
        lasts: For how long, instead of the setting `claim_s`.
        take_over: Also from somebody who has it.

    Raises:
        NotFound: No such card.
        NotAllowed: They could not decide it.
        InvalidInput: There is no such person, or the time is not within bounds.
        Conflict: Somebody else has it, or it is no longer pending.
    """
    note = claims.read_note(note)
    return _give(
        app, approval_id, "assign", to=to, actor=actor, note=note, lasts=lasts, take_over=take_over
    )


@command(Permission.DECIDE)
def forward(
    app: App,
    approval_id: str,
    *,
    to: str,
    actor: str,
    note: str,
    lasts: timedelta | None = None,
) -> Claim:
    """
    Pass a card that one has, or that nobody has, on to somebody, with a note that says why.

    Raises:
        NotFound: No such card.
        NotAllowed: They could not decide it.
        InvalidInput: There is no such person, or no note.
        Conflict: Somebody else has it, or it is no longer pending.
    """
    note = claims.read_note(note, is_needed=True)
    return _give(app, approval_id, "forward", to=to, actor=actor, note=note, lasts=lasts)


def fetch_claims(app: App, approval_ids: Sequence[ApprovalId]) -> Mapping[ApprovalId, Claim]:
    """Who has which of these cards."""
    with engine.read(app.engine) as conn:
        return store.fetch_many(conn, approval_ids, now=app.clock.now())


def list_moves(app: App, approval_id: str) -> tuple[Move, ...]:
    """
    How a card changed hands, the latest first.

    Raises:
        NotFound: No such card.
    """
    with engine.read(app.engine) as conn:
        find_card(conn, approval_id)
        found = audit.fetch_many(conn, object_=f"approval:{approval_id}", limit=MAX_MOVES)
    return tuple(
        Move(
            at=entry.at,
            actor=entry.actor,
            verb=entry.action,
            to=_person_in(entry.after),
            note=entry.reason,
        )
        for entry in found
        if entry.action in MOVES
    )


def list_people(app: App) -> tuple[str, ...]:
    """To whom cards can be given: who may decide, by name; none where nobody signs in."""
    with engine.read(app.engine) as conn:
        if not operators.fetch_sign_in(conn):
            return ()
        found = operators.fetch_all(conn)
    theirs = resolve(app).tenants
    able = [
        o.name
        for o in found
        if o.is_active and _may_decide(_person_of(o)) and _is_among(o.tenants, theirs)
    ]
    return tuple(able[:MAX_PEOPLE])


def _give(
    app: App,
    approval_id: str,
    verb: str,
    *,
    to: str,
    actor: str,
    note: str,
    lasts: timedelta | None,
    take_over: bool = False,
) -> Claim:
    span = claims.read_span(lasts or timedelta(seconds=app.settings.claim_s))
    to = people.read_name(to)
    with engine.write(app.engine) as conn:
        card = _lock(conn, approval_id, None)
        _require_can(app, conn, card, to)
        now = fetch_now(app, conn)
        before = store.fetch(conn, card.approval_id, now=now)
        if before is not None and before.person != actor and not take_over:
            raise claims.refuse(before, NOT_MOVED)
        theirs = Claim(
            approval_id=card.approval_id,
            person=to,
            claimed_at=now,
            until=now + span,
            note=note,
            assigned_by=actor,
        )
        store.give(conn, theirs)
        _tell(app, conn, verb, card, before, theirs, actor=actor, reason=note)
    return theirs


def _lock(conn: Connection, approval_id: str, version: int | None) -> Approval:
    """The pending card; nobody decides it meanwhile."""
    seen = deciding.fetch_open(conn, ApprovalId(approval_id), version)
    threads.lock(conn, seen.thread_id)
    return deciding.fetch_open(conn, seen.approval_id, seen.version)


def _lengthen(before: Claim, mine: Claim) -> Claim:
    """As it is, for longer; what it was given with stays."""
    until = max(before.until, mine.until)
    return replace(before, until=until, note=mine.note or before.note)


def _require_can(app: App, conn: Connection, card: Approval, name: str) -> None:
    if not operators.fetch_sign_in(conn):
        return
    found = operators.fetch(conn, name)
    theirs = app.person.tenants if app.person is not None else ()
    if found is None or not found.is_active or not _is_among(found.tenants, theirs):
        raise InvalidInput(f"There is nobody called {name!r} here.")
    person = _person_of(found)
    if not _may_decide(person):
        raise NotAllowed(f"{name} may not decide cards.")
    if person.tenants and card.workflow not in workflows_of(conn, person.tenants):
        raise NotAllowed(f"{name} does not see the workflow {card.workflow}.")
    why = routing.why_not(card, person)
    if why:
        raise NotAllowed(why)


def _is_among(tenants: Collection[str], asking: Collection[str]) -> bool:
    """Whether somebody of these tenants is known to somebody of those; of none is to be of the whole house."""
    return not asking or not tenants or not set(asking).isdisjoint(tenants)


def _person_of(found: people.Operator) -> Person:
    return Person(
        name=found.name,
        role=found.role,
        groups=frozenset(found.groups),
        tenants=frozenset(found.tenants),
    )


def _may_decide(person: Person) -> bool:
    return Permission.DECIDE in people.permissions_of(person)


def _is_admin(person: Person) -> bool:
    return person.role is Role.ADMIN and not person.is_trusted


def _person_in(after: Json) -> str | None:
    found = after.get("claimed_by") if isinstance(after, dict) else None
    return found if isinstance(found, str) else None


def _shown(held: Claim | None) -> Json:
    if held is None:
        return None
    return {"claimed_by": held.person, "until": held.until.isoformat()}


def _tell(
    app: App,
    conn: Connection,
    verb: str,
    card: Approval,
    before: Claim | None,
    after: Claim | None,
    *,
    actor: str,
    reason: str,
) -> None:
    """Let screens know, and enter it into the audit; last in its transaction."""
    store.forget(conn, now=app.clock.now())
    topics.bump(conn, "inbox")
    audit.append(
        conn,
        at=app.clock.now(),
        actor=actor,
        action=verb,
        object_=f"approval:{card.approval_id}",
        before=_shown(before),
        after=_shown(after),
        reason=reason,
    )
