"""What is said of a whole run: a table of the faults, how long taking over took, and every loss."""

from __future__ import annotations

import os
import platform
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger import Found
from rounds import Round

COLUMNS = (
    "fault",
    "times",
    "in flight",
    "taken over",
    "median s",
    "p95 s",
    "max s",
    "gave up",
    "losses",
)


@dataclass(frozen=True)
class Whole:
    """All that was done and found."""

    options: dict[str, Any]
    rounds: Sequence[Round]
    found: Found
    seconds: float
    server: str

    @property
    def losses(self) -> list[str]:
        """Whatever is wrong, in whichever round it was seen first."""
        seen: dict[str, str] = {}
        for each in self.rounds:
            for loss in each.losses:
                seen.setdefault(loss, f"round {each.number} ({each.fault.name}): {loss}")
        for loss in self.found.losses:
            seen.setdefault(loss, f"at the end: {loss}")
        return list(seen.values())

    @property
    def taken_over_s(self) -> list[float]:
        """How long it took until what was in flight was somebody else's."""
        return [s for each in self.rounds for s in each.taken_over_s]

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "options": self.options,
            "seconds": round(self.seconds, 1),
            "faults": dict(Counter(each.fault.name for each in self.rounds)),
            "taken_over": spread(self.taken_over_s),
            "workers_replaced": sum(each.replaced for each in self.rounds),
            "gave_up": [life for each in self.rounds for life in each.gave_up],
            "executions": self.found.judged.executions,
            "repeated": self.found.judged.repeated,
            "told": self.found.counts,
            "losses": self.losses,
        }


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Count, median, p95 and the longest."""
    if not seconds:
        return {"count": 0}
    found = sorted(seconds)
    return {
        "count": len(found),
        "median_s": round(statistics.median(found), 2),
        "p95_s": round(found[min(len(found) - 1, int(len(found) * 0.95))], 2),
        "max_s": round(found[-1], 2),
    }


def write(whole: Whole) -> str:
    """The report, as Markdown."""
    return "\n".join([*_head(whole), "", *_table(whole.rounds), "", *_totals(whole), ""])


def _head(whole: Whole) -> Iterator[str]:
    options = whole.options
    given = " ".join(f"--{name} {value}" for name, value in options.items() if value is not None)
    yield f'`make chaos ARGS="{given}"`: {whole.seconds / 60:.1f} minutes,'
    yield f"on {describe_machine()}, {whole.server}, Python {platform.python_version()}."


def describe_machine() -> str:
    """Cores and memory."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} cores with {pages * size / 2**30:.0f} GiB"


def _table(rounds: Sequence[Round]) -> Iterator[str]:
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'---|' * len(COLUMNS)}"
    kinds = {each.fault.name: each.fault for each in rounds}
    for name, fault in kinds.items():
        yield _row(fault.says, [each for each in rounds if each.fault.name == name])
    yield _row("all", rounds)


def _row(says: str, rounds: Sequence[Round]) -> str:
    took = spread([s for each in rounds for s in each.taken_over_s])
    cells = [
        says,
        len(rounds),
        sum(each.in_flight for each in rounds),
        took["count"] or "",
        took.get("median_s", ""),
        took.get("p95_s", ""),
        took.get("max_s", ""),
        sum(len(each.gave_up) for each in rounds),
        sum(len(each.losses) for each in rounds),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _totals(whole: Whole) -> Iterator[str]:
    told, judged = whole.found.counts, whole.found.judged
    won, lost = told.get("decide: won", 0), told.get("decide: lost", 0)
    threads = sum(each.threads for each in whole.rounds)
    replaced = sum(each.replaced for each in whole.rounds)
    yield f"- {threads} threads, {won} decisions, {lost} more that came too late and were told so."
    yield (
        f"- {judged.executions} executions of nodes; {judged.repeated} of them again because their"
        " worker was lost, none after what it wrote was durable."
        if not whole.losses
        else f"- {judged.executions} executions of nodes, {judged.repeated} of them again."
    )
    yield f"- {replaced} processes of workers ended and were replaced."
    yield f"- Losses: {len(whole.losses)}."
    yield from (f"  - {loss}" for loss in whole.losses)
