"""Which points of a thread are looked for: what the address says, and what can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from interlock.core.model.history import PointFilter
from interlock.core.model.runs import RunSummary
from interlock.core.types import RunId
from interlock.dashboard.palette import look_of_run
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import short_id
from interlock.dashboard.views.points import SOURCES

EVERY = "\x00every"  # no name of anything
_DIGITS_COUNT = 9


@dataclass(frozen=True, kw_only=True)
class FilterView:
    """What each filter holds, and the choices of those that have some: value to name."""

    NAMES: ClassVar[tuple[str, ...]] = ("from", "to", "node", "source", "run", "decisions")

    values: Mapping[str, str]
    options: Mapping[str, Mapping[str, str]]
    is_free: bool


def read(params: Mapping[str, str | None]) -> PointFilter:
    """
    What an address asks for; nonsense in it, typed by whoever, is left out.

    Args:
        params: By the name of the filter.
    """
    source, run = params.get("source"), params.get("run")
    return PointFilter(
        step_from=_number(params.get("from")),
        step_to=_number(params.get("to")),
        node=params.get("node") or None,
        sources=(source,) if source else (),
        run_id=RunId(run) if run else None,
        only_decisions=params.get("decisions") == "1",
    )


def build(
    wanted: PointFilter, nodes: Sequence[str], sources: Sequence[str], runs: Sequence[RunSummary]
) -> FilterView:
    """
    Make the filters.

    Args:
        wanted: What is looked for.
        nodes: That can be.
        sources: Of the points that are there.
        runs: Of the thread, newest first.
    """
    values = {
        "from": "" if wanted.step_from is None else str(wanted.step_from),
        "to": "" if wanted.step_to is None else str(wanted.step_to),
        "node": wanted.node or "",
        "source": "".join(wanted.sources),
        "run": wanted.run_id or "",
        "decisions": "1" if wanted.only_decisions else "",
    }
    known = {run.run_id: f"{short_id(run.run_id)} {look_of_run(run.status).word}" for run in runs}
    options: dict[str, dict[str, str]] = {
        "node": {node: show_hidden(node) for node in nodes},
        "source": {
            each: SOURCES.get(each, show_hidden(each))
            for each in {**SOURCES, **dict.fromkeys(sources)}
        },
        "run": {str(run_id): word for run_id, word in known.items()},
    }
    for what, names in options.items():
        if values[what]:
            names.setdefault(values[what], show_hidden(values[what]))
    return FilterView(
        values=values,
        options={what: {EVERY: "all", **names} for what, names in options.items()},
        is_free=wanted.is_free,
    )


def _number(text: str | None) -> int | None:
    digits = (text or "").removeprefix("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_COUNT
    return int(text or "") if is_number else None
