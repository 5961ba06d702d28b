"""
Who is told of what: `[[notices.rule]]` for people, `[[webhooks]]` for programs, as interlock.toml has them.

Shapes, bounds, and whether something that happened is one of those that a rule is about. Where it is sent
may hold secrets: it is a reference to a variable, which whoever sends looks up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from interlock.core.model.routes import GROUP

MAX_WAIT_S = 31 * 86_400.0
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SEVERITIES = ("info", "warning", "critical")
_Word = Annotated[str, Field(min_length=1, max_length=300)]
_RuleName = Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=100)]


class Event(StrEnum):
    """What can happen that somebody may want to know."""

    CARD_ASKED = "card.asked"
    CARD_WAITING = "card.waiting"  # for as long as the rule says
    CARD_WARNED = "card.warned"  # its deadline is near
    CARD_ESCALATED = "card.escalated"
    CARD_ASSIGNED = "card.assigned"  # somebody gave it to another
    CARD_DECIDED = "card.decided"
    CARD_TIMED_OUT = "card.decided_by_deadline"
    RUN_ENDED = "run.ended"
    ALERT_FIRED = "alert.fired"
    ALERT_ENDED = "alert.ended"
    TEST = "test"  # asked for by a person, of one rule


PENDING = frozenset(  # what is no news any more once the card is decided
    {
        Event.CARD_ASKED,
        Event.CARD_WAITING,
        Event.CARD_WARNED,
        Event.CARD_ESCALATED,
        Event.CARD_ASSIGNED,
    }
)
_Told = Literal[
    "card.asked",
    "card.waiting",
    "card.warned",
    "card.escalated",
    "card.assigned",
    "card.decided",
    "card.decided_by_deadline",
    "run.ended",
    "alert.fired",
    "alert.ended",
]


class _Wanted(BaseModel):
    """
    What both kinds have in common: of what they tell, and how often it is tried.

    `workflow`, `risk` and `group` (or people, of those who may decide) narrow the cards, `workflow` and `status` the
    runs, `severity` is the least that an alert must have; empty is any. `tries` is how often a message
    is sent at most, `retry_s` the wait after the first time, four times as long after each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _RuleName
    events: tuple[_Told, ...] = ()
    workflow: tuple[_Word, ...] = ()
    risk: tuple[Literal["low", "medium", "high"], ...] = ()
    group: tuple[_Word, ...] = ()
    waits_s: Annotated[float, Field(gt=0, le=MAX_WAIT_S)] | None = None
    status: tuple[Literal["done", "failed", "cancelled"], ...] = ()
    severity: Literal["info", "warning", "critical"] = "warning"
    payload: bool = False
    tries: Annotated[int, Field(ge=1, le=20)] = 8
    retry_s: Annotated[float, Field(gt=0, le=3600)] = 5.0

    @model_validator(mode="after")
    def _waits_for_something(self) -> Self:
        if Event.CARD_WAITING in self.events and self.waits_s is None:
            raise ValueError('tells of "card.waiting" and does not say after how long (waits_s)')
        if self.waits_s is not None and self.events and Event.CARD_WAITING not in self.events:
            raise ValueError('has waits_s, which is for "card.waiting", and does not tell of that')
        return self

    @property
    def wanted(self) -> frozenset[Event]:
        """Of what it tells; with no events named, of cards that wait so long, or else that are asked."""
        if self.events:
            return frozenset(Event(each) for each in self.events)
        return frozenset({Event.CARD_ASKED if self.waits_s is None else Event.CARD_WAITING})


class NoticeRule(_Wanted):
    """People: `to` are Apprise URLs, or `${NAME}` of a variable that holds some, or part of one."""

    to: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=2000)], ...], Field(min_length=1)
    ]


class Webhook(_Wanted):
    """
    A program: events are posted to `url` as JSON, signed with `secret`.

    `secret` refers to a variable that holds `whsec_` and base64; of several each signs, so that a
    secret can be replaced while both are known. `insecure` lets http:// lead beyond this machine.
    """

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    secret: (
        Annotated[str, Field(max_length=200)]
        | Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(min_length=1)]
    )
    insecure: bool = False
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10.0

    @model_validator(mode="after")
    def _refers_to_secrets(self) -> Self:
        if not all(_REFERENCE.fullmatch(each) for each in self.secrets):
            raise ValueError('has a secret that is no reference to a variable: "${NAME}"')
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """The references, the first one first."""
        return (self.secret,) if isinstance(self.secret, str) else self.secret


Rule = NoticeRule | Webhook


class RuleKind(StrEnum):
    """Whom a rule tells."""

    PEOPLE = "people"
    WEBHOOK = "webhook"


def kind_of(rule: Rule) -> RuleKind:
    """Whom it tells."""
    return RuleKind.WEBHOOK if isinstance(rule, Webhook) else RuleKind.PEOPLE


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """
    Something that happened, once: `key` tells it from all others of its event.

    `data` is what may be told of it to anybody whom a rule names, `link` a page of ours; what is in a
    card's payload, and what agents and people wrote, is not in it.
    """

    event: Event
    key: str
    at: datetime
    object: str
    link: str = ""
    workflow: str = ""
    risk: str = ""
    groups: tuple[str, ...] = ()
    status: str = ""
    severity: str = ""
    waits_s: float | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def is_about(rule: Rule, seen: Occurrence) -> bool:
    """Whether a rule tells of it."""
    if seen.event not in rule.wanted:
        return False
    if seen.event in {Event.ALERT_FIRED, Event.ALERT_ENDED}:
        return _SEVERITIES.index(seen.severity) >= _SEVERITIES.index(rule.severity)
    if rule.workflow and seen.workflow not in rule.workflow:
        return False
    if seen.event is Event.RUN_ENDED:
        return not rule.status or seen.status in rule.status
    if seen.event is Event.CARD_WAITING and seen.waits_s != rule.waits_s:
        return False
    if rule.risk and seen.risk not in rule.risk:
        return False
    named = {name.removeprefix(GROUP) for name in rule.group}
    return not named or not named.isdisjoint(seen.groups)


def find_references(text: str) -> tuple[str, ...]:
    """The names of the variables that a text refers to."""
    return tuple(_REFERENCE.findall(text))


def fill_in(text: str, variables: Mapping[str, str]) -> str:
    """The text with what the variables hold; all that it refers to must be there."""
    return _REFERENCE.sub(lambda found: variables[found[1]], text)
