"""The row of figures over the metrics, each with its change against the window before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from interlock.core.model.figures import MIN_FOR_P95, Totals
from interlock.dashboard.views.figure_tables import format_cost
from interlock.dashboard.views.figures import Change, Figure
from interlock.dashboard.views.formatting import (
    NOTHING,
    format_count,
    format_duration_ms,
    format_plural,
    format_ratio,
    format_seconds,
)

NOISE_RATIO = 0.02  # a smaller change is none that anybody could act on
NOISE_POINTS = 0.2  # the same for a share, in points of a hundred


def build_figures(now: Totals, before: Totals) -> tuple[Figure, ...]:
    """
    Put the row together.

    Args:
        now: Of the window.
        before: Of the window before, as long.
    """
    ended, ended_before = now.completed + now.failed, before.completed + before.failed
    figures = [
        Figure("Started", format_count(now.started), change=_of_count(now.started, before.started)),
        Figure(
            "Failed",
            format_count(now.failed),
            f"of {format_plural(ended, 'end')}",
            alarm=now.failed > 0,
            change=_of_count(now.failed, before.failed, worse="more"),
        ),
        Figure(
            "Success",
            format_ratio(now.success_ratio),
            change=change_of_ratio(now.success_ratio, before.success_ratio, worse="less"),
        ),
        Figure(
            "p95 of a run",
            _say_p95(now.p95_ms, ended),
            "without human time",
            change=(
                _relative(now.p95_ms, before.p95_ms, worse="more")
                if min(ended, ended_before) >= MIN_FOR_P95
                else None
            ),
        ),
        Figure(
            "Runs a minute",
            f"{now.runs_per_minute:.3g}",
            change=_relative(now.runs_per_minute, before.runs_per_minute),
        ),
        Figure(
            "From cache",
            format_ratio(now.cached_ratio),
            change=change_of_ratio(now.cached_ratio, before.cached_ratio, worse="less"),
        ),
        Figure(
            "Human time",
            format_seconds(now.wait_s) if now.wait_s else NOTHING,
            format_plural(now.interrupted, "card"),
            change=_relative(now.wait_s, before.wait_s),
        ),
    ]
    if now.tokens or before.tokens:
        figures.append(
            Figure("Tokens", format_count(now.tokens), change=_relative(now.tokens, before.tokens))
        )
    if now.cost or before.cost:
        figures.append(
            Figure("Cost", format_cost(now.cost), change=_relative(now.cost, before.cost))
        )
    figures.append(
        Figure(
            "People",
            format_count(now.active_users),
            f"{format_plural(now.active_reviewers, 'reviewer')}",
            change=_of_count(now.active_users, before.active_users),
        )
    )
    # Without a single end before there is nothing to compare with: "from 0" would say more than is known.
    return tuple(figures) if ended_before or before.started else _without_changes(figures)


def _say_p95(p95_ms: float | None, count: int) -> str:
    if not count:
        return NOTHING
    # The highest twentieth of fewer is not one of them (LOOK.md, Figures).
    return format_duration_ms(p95_ms) if count >= MIN_FOR_P95 else f"n = {count}"


def _without_changes(figures: Sequence[Figure]) -> tuple[Figure, ...]:
    nothing = Change("nothing before")
    first, *others = figures
    return (first.with_change(nothing), *(f.with_change(None) for f in others))


def _of_count(now: int, before: int, *, worse: str = "") -> Change | None:
    return _change(now - before, lambda d: format_count(int(d)), worse)


def change_of_ratio(now: float | None, before: float | None, *, worse: str = "") -> Change | None:
    """How a share changed, in points of a hundred; None where one of both is not known."""
    if now is None or before is None:
        return None
    points = (now - before) * 100
    return _change(points if abs(points) >= NOISE_POINTS else 0, lambda d: f"{d:.1f} points", worse)


def _relative(now: float | None, before: float | None, *, worse: str = "") -> Change | None:
    if now is None or not before:
        return None
    share = (now - before) / before
    return _change(
        share if abs(share) >= NOISE_RATIO else 0,
        lambda d: f"{d * 100:.3g} %" if d < 10 else f"{d + 1:.3g} times",
        worse,
    )


def _change(delta: float, say: Callable[[float], str], worse: str) -> Change:
    if delta == 0:
        return Change("as before")
    is_bad = worse == ("more" if delta > 0 else "less")
    return Change(("+" if delta > 0 else "-") + say(abs(delta)), is_bad=is_bad, is_up=delta > 0)
