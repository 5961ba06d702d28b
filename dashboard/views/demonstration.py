"""
The page of a demonstration: what plays, how fast, what is made to fail, and who calls it.

What calls a service and which breakers stand before it is as the shipped workflows' policies have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.breaker import Breaker
from interlock.core.model.demonstration import Demonstration, Service
from interlock.dashboard.palette import Look, Tone, look_of_breaker
from interlock.dashboard.views.formatting import format_ago
from interlock.dashboard.views.notices import Empty, Notice

RATES = (0, 3, 6, 12, 30, 60)
FAILING = Look(Tone.FAILED, "fails", ":material/error:")
NOT_PLAYING = Empty(
    "No demonstration plays here: this is real work. interlock up --demo --data-dir .interlock-demo"
    " plays one in a folder of its own."
)
SHEET = "The presenter's sheet is in docs/demonstration.md: the seven steps in five minutes."


@dataclass(frozen=True)
class _Called:
    """What a service is in a sentence, who calls it, and the breaker before it."""

    name: str
    callers: str
    breaker: str


_CALLED: Mapping[Service, _Called] = {
    Service.PAYMENTS: _Called("the payments", "the refund desk and the help desk", "bank"),
    Service.MAIL: _Called("the mail server", "outreach and the contract sign-off", "mail server"),
    Service.MARKET: _Called("the market data", "market data", "market feed"),
    Service.DEPLOYMENT: _Called("the deployment", "the release train", "deployment"),
    Service.KNOWLEDGE: _Called("the knowledge base", "the help desk", "knowledge base"),
    Service.PICTURES: _Called("the picture archive", "the newsroom", "picture archive"),
}


@dataclass(frozen=True, kw_only=True)
class ServiceView:
    """One service with its switch; `look` is how the breaker before it stands, if that is known yet."""

    service: Service
    label: str
    about: str
    is_failing: bool
    look: Look | None


@dataclass(frozen=True, kw_only=True)
class DemonstrationView:
    """Everything the page draws of what plays."""

    about: str
    notice: Notice | None
    rates: tuple[int, ...]
    rate: int
    services: tuple[ServiceView, ...]


def build(
    playing: Demonstration, breakers: Sequence[Breaker], *, now: datetime
) -> DemonstrationView:
    """
    Put the page together.

    Args:
        playing: What plays.
        breakers: How the breakers stand.
        now: Aware UTC time.
    """
    known = {each.name: each for each in breakers}
    return DemonstrationView(
        about=_say_about(playing, now),
        notice=_find_notice(playing, now),
        rates=tuple(sorted({*RATES, playing.per_minute})),
        rate=playing.per_minute,
        services=tuple(_build_service(each, playing, known) for each in Service),
    )


def say_rate(per_minute: int) -> str:
    """A rate as its button says it."""
    return f"{per_minute}" if per_minute else "Off"


def _build_service(
    service: Service, playing: Demonstration, known: Mapping[str, Breaker]
) -> ServiceView:
    called = _CALLED[service]
    breaker = known.get(called.breaker)
    return ServiceView(
        service=service,
        label=f"Make {called.name} fail",
        about=f"Called by {called.callers}. Breaker {called.breaker}:",
        is_failing=service in playing.faults,
        look=look_of_breaker(breaker.state, is_held=breaker.forced is not None)
        if breaker is not None
        else None,
    )


def _say_about(playing: Demonstration, now: datetime) -> str:
    week = "The week before is all there." if playing.filled_at else "The week before is filled in."
    return (
        f"The shipped workflows play with stand-ins for every service, begun"
        f" {format_ago(playing.begun_at, now)}, seed {playing.seed}. {week}"
    )


def _find_notice(playing: Demonstration, now: datetime) -> Notice | None:
    if playing.is_silent(now):
        return Notice(
            "warning",
            "Nothing plays it at the moment: no new work comes, and no switch is carried out."
            " `interlock up --demo` on this data folder goes on with it.",
        )
    if playing.filled_at is None:
        return Notice(
            "info",
            "The week before is being filled in, beside the work of today. Its figures and charts"
            " are whole in a minute or so.",
        )
    return None
