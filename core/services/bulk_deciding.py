"""
Deciding many cards by one word, each in a transaction of its own: what is refused keeps no other.

Every card is decided as the version that was seen, by `deciding.decide`. So the same command may be
sent again: what it had decided is told as done, and nothing is decided twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from interlock.core.errors import (
    Conflict,
    FieldProblem,
    InterlockError,
    InvalidInput,
    NotAllowed,
    StoreUnavailable,
)
from interlock.core.model import approval_rules, bulk, payloads, routing
from interlock.core.model.approvals import Approval, ApprovalStatus, Intent, Verb
from interlock.core.model.bulk import MAX_AT_ONCE, VERBS, Outcome, Pick, Told
from interlock.core.model.claims import Claim, refuse
from interlock.core.model.inbox_filters import InboxFilter, Sort
from interlock.core.model.people import Permission, Person
from interlock.core.model.questions import Question
from interlock.core.services import deciding, permitting
from interlock.core.services.context import App, fetch_now
from interlock.core.services.permitting import command
from interlock.core.services.voting import Counted
from interlock.core.store import audit, claims, engine, inbox, workflows
from interlock.core.types import ApprovalId, Json, new_id

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """
    A chosen card as it is now. Without `question` it cannot be decided as it was chosen: `trouble` says
    why. `obstacle` is why it is not decided with others, where it is not.
    """

    pick: Pick
    card: Approval | None
    question: Question | None = None
    trouble: InterlockError | None = None
    obstacle: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it can be decided with others."""
        return self.question is not None and not self.obstacle


def look(app: App, picks: Sequence[Pick], *, name: str) -> tuple[Looked, ...]:
    """
    What the chosen cards ask, in their order, and whether somebody can decide them; each card once.

    Raises:
        InvalidInput: They are too many.
    """
    wanted = _check(picks)
    ids = tuple(pick.approval_id for pick in wanted)
    with engine.read(app.engine) as conn:
        of_ids = InboxFilter(statuses=(), ids=ids)
        found = inbox.fetch_many(conn, of_ids, sort=Sort.WAITING, limit=len(ids))
        cards = {card.approval_id: card for card in found}
        policies = {
            name: workflows.fetch_policy(conn, name) for name in {c.workflow for c in found}
        }
        held = claims.fetch_many(conn, ids, now=fetch_now(app, conn))
        seen = [_look(conn, pick, cards.get(pick.approval_id), policies) for pick in wanted]
    person = app.person or permitting.resolve(app, name=name)
    return tuple(_keep(each, held.get(each.pick.approval_id), person) for each in seen)


@command(Permission.DECIDE)
def decide_many(
    app: App, picks: Sequence[Pick], verb: Verb, *, reason: str = "", actor: str
) -> tuple[Told, ...]:
    """
    Decide each of these cards by the same word, with the same reason.

    Args:
        app: The parts.
        picks: The cards, each with the version that was seen.
        verb: One that sends nothing typed.
        reason: Kept with each decision.
        actor: Who decides.

    Returns:
        What came of each card, in their order; each card once. Where the database fails on the way, the
        rest is not tried.

    Raises:
        InvalidInput: They are too many, or the word sends something that is typed.
    """
    if verb not in VERBS:
        problem = FieldProblem("verb", f"must be one of {', '.join(VERBS)}")
        raise InvalidInput(f"Cards are not decided together by {verb}.", problems=[problem])
    intent = Intent(verb=verb, reason=reason)
    told: list[Told] = []
    trouble = ""
    for pick in _check(picks):
        if trouble:
            told.append(Told(pick=pick, outcome=Outcome.NOT_TRIED, refusal=trouble))
            continue
        try:
            told.append(_decide(app, pick, intent, actor=actor))
        except StoreUnavailable as exc:
            trouble = str(exc)
            told.append(Told(pick=pick, outcome=Outcome.REFUSED, refusal=trouble))
    if not trouble:
        _enter(app, told, intent, actor=actor)
    return tuple(told)


def _decide(app: App, pick: Pick, intent: Intent, *, actor: str) -> Told:
    (found,) = look(app, [pick], name=actor)
    card = found.card
    told = Told(pick=pick, outcome=Outcome.REFUSED)
    if card is not None:
        seen = Pick(card.approval_id, pick.version or card.version)
        told = replace(
            told, pick=seen, title=card.title, workflow=card.workflow, status=str(card.status)
        )
    if found.trouble is not None or found.obstacle:
        return _refuse(told, found.trouble or InvalidInput(found.obstacle), intent, actor=actor)
    try:
        made = deciding.decide(
            app, told.pick.approval_id, intent, version=told.pick.version, actor=actor
        )
    except StoreUnavailable:
        raise
    except InterlockError as exc:
        return _refuse(told, exc, intent, actor=actor)
    outcome = Outcome.COUNTED if isinstance(made, Counted) else Outcome.DONE
    return replace(told, outcome=outcome, status=str(made.approval.status), run_id=made.run_id)


def _refuse(told: Told, exc: InterlockError, intent: Intent, *, actor: str) -> Told:
    winner = exc.winner if isinstance(exc, Conflict) else None
    if winner is not None and (winner.get("actor"), winner.get("verb")) == (actor, intent.verb):
        run_id = winner.get("run_id")
        return replace(told, outcome=Outcome.BEFORE, run_id=run_id, winner=winner)
    return replace(told, refusal=str(exc), winner=winner)


def _look(
    conn: Connection, pick: Pick, card: Approval | None, policies: Mapping[str, Json]
) -> Looked:
    is_as_seen = card is not None and pick.version in (None, card.version)
    if card is None or card.status is not ApprovalStatus.PENDING or not is_as_seen:
        try:
            card = deciding.fetch_open(conn, pick.approval_id, pick.version)
        except InterlockError as exc:
            return Looked(pick=pick, card=card, trouble=exc)
    answers = approval_rules.answers_of(card, policies.get(card.workflow))
    question = replace(payloads.question_of(card), answers=answers)
    obstacle = bulk.find_obstacle(card, question)
    return Looked(pick=pick, card=card, question=question, obstacle=obstacle)


def _keep(found: Looked, held: Claim | None, person: Person) -> Looked:
    """A card that somebody else has is left to them, and one that is for others to those."""
    if found.question is None or found.card is None:
        return found
    if held is not None and held.person != person.name:
        return replace(found, question=None, trouble=refuse(held))
    why = routing.why_not(found.card, person)
    return replace(found, question=None, trouble=NotAllowed(why)) if why else found


def _check(picks: Sequence[Pick]) -> list[Pick]:
    """Each card once, as it was named first."""
    once: dict[ApprovalId, Pick] = {}
    for pick in picks:
        once.setdefault(pick.approval_id, pick)
    if len(once) > MAX_AT_ONCE:
        raise InvalidInput(
            f"{len(once)} cards are too many: at most {MAX_AT_ONCE} are decided at once.",
            hint="Decide them in parts.",
        )
    return list(once.values())


def _enter(app: App, told: Sequence[Told], intent: Intent, *, actor: str) -> None:
    """Say in the audit which decisions were made together; each has an entry of its own besides."""
    done = [
        each.pick.approval_id for each in told if each.outcome in (Outcome.DONE, Outcome.COUNTED)
    ]
    if not done:
        return
    counts = Counter(str(each.outcome) for each in told)
    try:
        with engine.write(app.engine) as conn:
            audit.append(
                conn,
                at=app.clock.now(),
                actor=actor,
                action=f"decide together:{intent.verb}",
                object_=f"bulk:{new_id()}",
                after={"decided": list(done), "counts": dict(counts)},
                reason=intent.reason,
            )
    except StoreUnavailable:  # the decisions stand, and whoever made them has to be told of them
        logger.warning("bulk_not_entered", extra={"actor": actor, "decided": len(done)})
