"""Who decides a card, who has voted on it and what is missing, in the words of an operator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.errors import NotAllowed
from interlock.core.model import people, routing
from interlock.core.model.approvals import Approval, ApprovalStatus, ApprovalSummary, Verb
from interlock.core.model.people import Permission, Person
from interlock.core.model.routing import Vote
from interlock.core.model.texts import join_words
from interlock.core.types import Json
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    clip,
    format_ago,
    format_exact,
    format_plural,
    one_line,
)
from interlock.dashboard.views.words import say_done

if TYPE_CHECKING:
    from interlock.core.services.observing import Card
    from interlock.core.services.voting import Counted

UNCHECKED = (
    "Nobody has to sign in, so this is not held against names: whoever is at the screen decides."
)
TITLE_COUNT = 60


@dataclass(frozen=True, kw_only=True)
class VoteRow:
    """One vote on what is asked now. The name, the reason and `wants`, what they send, are foreign."""

    actor: str
    headline: str
    voted_at: str
    reason: str
    wants: Json
    can_agree: bool


@dataclass(frozen=True, kw_only=True)
class RoutingView:
    """
    Who decides a card. `blocked` is why whoever looks at it may not; `earlier` names votes on versions
    that are not asked any more.
    """

    text: str
    note: str
    votes: tuple[VoteRow, ...]
    earlier: str
    blocked: str


def build(card: Card, person: Person | None, *, now: datetime) -> RoutingView:
    """
    Say who decides a card.

    Args:
        card: The card with its votes.
        person: Who looks at it; None for whoever may do all.
        now: Aware UTC time.
    """
    approval = card.approval
    is_open = approval.status is ApprovalStatus.PENDING
    blocked = why_not(approval, person) if is_open and person is not None else ""
    standing = [vote for vote in card.votes if vote.version == approval.version]
    own = [v.intent["sends"] for v in standing if person is not None and v.actor == person.name]
    rows = [
        _build_row(
            vote,
            approval,
            now=now,
            can_agree=is_open and not blocked and vote.intent["sends"] not in own,
        )
        for vote in standing
    ]
    earlier = [
        f"{vote.actor} ({say_done(vote.verb, approval.kind).lower()}, version {vote.version})"
        for vote in card.votes
        if vote.version < approval.version
    ]
    is_trusted = person is None or person.is_trusted
    said = " ".join(_say(approval, standing, is_trusted=is_trusted)) if is_open else ""
    return RoutingView(
        text=show_hidden(said),
        note=show_hidden(approval.route.note) if is_open else "",
        votes=tuple(rows),
        earlier=show_hidden(f"Before it was changed: {', '.join(earlier)}.") if earlier else "",
        blocked=show_hidden(blocked),
    )


def why_not(card: ApprovalSummary, person: Person) -> str:
    """Why somebody may not decide a card; empty if they may."""
    try:
        people.require(person, Permission.DECIDE, actor=person.name)
    except NotAllowed as exc:
        return str(exc)
    return routing.why_not(card, person)


def say_counted(counted: Counted, title: str) -> str:
    """What came of a vote that decides nothing yet."""
    missing = format_plural(counted.missing, "more person", "more people")
    again = " It is a new version now, and votes on the old one do not count."
    is_renewed = counted.vote.verb is Verb.EDIT and len(counted.votes) == 1
    return (
        f"Your vote counts: {clip(one_line(title), TITLE_COUNT)} takes {missing} who"
        f" {'say' if counted.missing > 1 else 'says'} the same.{again if is_renewed else ''}"
    )


def _say(card: Approval, votes: Sequence[Vote], *, is_trusted: bool) -> Iterator[str]:
    route = card.route
    if route.is_open and card.escalated_to is None:
        return
    who = routing.say_deciders(card)
    yield f"{who[:1].upper()}{who[1:]}."
    if route.quorum > 1:
        missing = routing.count_missing(route, votes)
        yield f"It takes {route.quorum} people who say the same; {missing} missing."
        yield "One no ends it." if route.one_rejects else "A no takes as many."
    if route.initiators:
        yield f"Not by who began it: {join_words(list(route.initiators), last='and')}."
    if is_trusted:
        yield UNCHECKED


def _build_row(vote: Vote, card: Approval, *, now: datetime, can_agree: bool) -> VoteRow:
    each = vote.intent["each"]
    done = say_done(vote.verb, card.kind, count=len(each or ()))
    return VoteRow(
        actor=vote.actor,
        headline=show_hidden(f"{vote.actor}: {done.lower()} {format_ago(vote.voted_at, now)}"),
        voted_at=format_exact(vote.voted_at),
        reason=show_hidden(vote.reason),
        wants=vote.intent["value"] if each is None else each,
        can_agree=can_agree,
    )
