"""What became of a card: who decided it, and what the run does that carries the decision out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.types import RunId
from interlock.dashboard.palette import Look, look_of_run
from interlock.dashboard.views import decisions, outcome
from interlock.dashboard.views.escaping import md_escape

if TYPE_CHECKING:
    from interlock.core.services.explaining import Aftermath


@dataclass(frozen=True, kw_only=True)
class AftermathView:
    """
    The line as Markdown, everything foreign in it escaped.

    `closed` is empty while the card can be decided as it is drawn; `look`, `text` and `run_id` are those
    of the run, where a decision started one.
    """

    closed: str
    text: str = ""
    look: Look | None = None
    run_id: RunId | None = None


def build(seen: Aftermath, version: int, *, now: datetime) -> AftermathView:
    """
    Say what became of a card.

    Args:
        seen: The card with its decisions and their run.
        version: The version on the screen, which may be an older one.
        now: Aware UTC time.
    """
    closed = decisions.say_stale(seen.approval, seen.decisions, version, now=now)
    if not closed or seen.run is None:
        return AftermathView(closed=md_escape(closed))
    return AftermathView(
        closed=md_escape(closed),
        text=outcome.say_run(seen.run, seen.nodes, now),
        look=look_of_run(seen.run.status),
        run_id=seen.run.run_id,
    )
