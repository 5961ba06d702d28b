"""
A thread's points in words: one of them with what led to it and follows it, and all of them as a table.

Names of nodes, titles and reasons are the project's and its users': drawn inert.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.model.approvals import ApprovalSummary, Decision
from interlock.core.model.branching import Tree
from interlock.core.model.history import BranchSpan, Point, PointFilter
from interlock.core.model.rewinding import PastDecision
from interlock.core.model.runs import RunSummary
from interlock.core.model.threads import Origin, Thread
from interlock.core.types import CheckpointId
from interlock.dashboard.palette import Look, look_of_approval
from interlock.dashboard.views.decisions import DecisionRow, build_rows
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    format_ago,
    format_bytes,
    format_count,
    format_exact,
    format_plural,
    short_id,
)
from interlock.dashboard.views.history import say_decision, say_fork, say_nodes
from interlock.dashboard.views.notices import Link
from interlock.dashboard.views.steps import StepRow
from interlock.dashboard.views.steps import build as build_steps
from interlock.dashboard.views.threads import ORIGINS

if TYPE_CHECKING:
    from interlock.core.services.history import PointDetail

SOURCES: Mapping[str, str] = {
    "input": "an input",
    "loop": "a step",
    "update": "an edit",
    "fork": "a copy",
}


@dataclass(frozen=True, kw_only=True)
class CardLine:
    """A card that was asked at a point; its title is foreign."""

    title: str
    look: Look
    link: Link


@dataclass(frozen=True, kw_only=True)
class PointView:
    """One point: a headline, facts by name, the attempts that led to it, what was asked and decided here."""

    headline: str
    exact: str
    facts: tuple[tuple[str, str], ...]
    fork: str
    steps: tuple[StepRow, ...]
    cards: tuple[CardLine, ...]
    decisions: tuple[DecisionRow, ...]
    run: Link | None
    what_if: Link


@dataclass(frozen=True, kw_only=True)
class PointRow:
    """One point in a table."""

    checkpoint_id: CheckpointId
    step: str
    branch: str
    source: str
    ran: str
    next: str
    decision: str
    fork: str
    at: str
    size: str


def build(detail: PointDetail, *, head_id: CheckpointId | None, now: datetime) -> PointView:
    """
    Tell one point.

    Args:
        detail: The point with what is known of it.
        head_id: The newest point of its thread.
        now: Aware UTC time.
    """
    point = detail.point
    is_head = point.checkpoint_id == head_id
    return PointView(
        headline=say_point(point, is_head=is_head),
        exact=f"{format_exact(point.created_at)}, checkpoint {point.checkpoint_id}",
        facts=(
            ("Ran to get here", say_nodes(point.ran)),
            ("Comes next", say_nodes(point.next) if point.next else "nothing: an end"),
            ("Stored", f"{format_ago(point.created_at, now)}, {format_bytes(point.size_bytes)}"),
        ),
        fork=say_fork(point.fork, now) if point.fork is not None else "",
        steps=build_steps(detail.nodes, now=now),
        cards=tuple(_card(each) for each in detail.cards),
        decisions=build_rows(detail.decisions, detail.cards, now=now),
        run=_link_of_run(point),
        what_if=Link("What if", "what_if", {"thread": point.thread_id, "at": point.checkpoint_id}),
    )


def say_point(point: Point, *, is_head: bool = False) -> str:
    """A point's name: `Step 4 on branch 1, the head`."""
    made = SOURCES.get(point.source, show_hidden(point.source))
    head = ", the head" if is_head else ""
    return f"Step {point.step} on branch {point.branch}, {made}{head}"


def say_thread(thread: Thread) -> str:
    """Which thread it is: its workflow and id, and where it comes from if it was not launched here."""
    origin = ORIGINS[thread.origin]
    if thread.from_thread_id is not None:
        origin = f"{origin} of thread {show_hidden(thread.from_thread_id)}"
    which = f"thread {show_hidden(thread.thread_id)}"
    return " · ".join(part for part in (show_hidden(thread.workflow), which, origin) if part)


def say_no_points(thread: Thread) -> str:
    """Why a thread has no history to be seen, and where else to look or what to wait for."""
    if thread.origin is Origin.SIMULATED:
        return "There is no history to see. Its steps and decisions are on the pages of its runs."
    return "This thread has no checkpoints yet. They come here as its run makes steps."


def say_trouble(thread: Thread) -> str:
    """Why a thread can only be read; empty if it can be run."""
    return f"It can only be read: {show_hidden(thread.trouble)}" if thread.trouble else ""


def build_table(
    points: Sequence[Point],
    decisions: Mapping[CheckpointId, Sequence[PastDecision]],
    *,
    now: datetime,
) -> tuple[PointRow, ...]:
    """Points as rows, in the order given."""
    return tuple(_row(point, decisions.get(point.checkpoint_id, ()), now) for point in points)


def _row(point: Point, taken: Sequence[PastDecision], now: datetime) -> PointRow:
    said = "; ".join(say_decision(each) for each in taken)
    waiting = point.asked_count - point.decided_count
    return PointRow(
        checkpoint_id=point.checkpoint_id,
        step=str(point.step),
        branch=str(point.branch),
        source=SOURCES.get(point.source, show_hidden(point.source)),
        ran=say_nodes(point.ran),
        next=say_nodes(point.next),
        decision=said or (f"{format_count(waiting)} asked" if waiting else ""),
        fork=say_fork(point.fork, now) if point.fork is not None else "",
        at=format_exact(point.created_at),
        size=format_bytes(point.size_bytes),
    )


def find_decisions(
    decisions: Sequence[Decision], cards: Sequence[ApprovalSummary]
) -> dict[CheckpointId, list[PastDecision]]:
    """What was decided, by the point it was asked at, oldest first; what a graph refused was not."""
    by_id = {card.approval_id: card for card in cards}
    found: dict[CheckpointId, list[PastDecision]] = {}
    for decision in sorted(decisions, key=lambda d: (d.decided_at, d.decision_id)):
        card = by_id.get(decision.approval_id)
        if card is None or decision.refused is not None:
            continue
        found.setdefault(card.checkpoint_id, []).append(
            PastDecision(
                approval_id=decision.approval_id,
                checkpoint_id=card.checkpoint_id,
                node=card.node,
                title=card.title,
                verb=str(decision.verb),
                actor=decision.actor,
                decided_at=decision.decided_at,
            )
        )
    return found


def find_failures(runs: Sequence[RunSummary]) -> frozenset[CheckpointId]:
    """The points at which runs of a thread failed."""
    return frozenset(
        run.end_checkpoint_id for run in runs if run.error and run.end_checkpoint_id is not None
    )


def say_extent(
    shown: Collection[Point],
    total: int,
    spans: Sequence[BranchSpan],
    *,
    is_newest: bool,
) -> str:
    """How much of a thread is drawn: `12 points on 2 branches`."""
    branches = format_plural(len(spans), "branch", "branches")
    if len(shown) == total:
        return f"{format_count(total)} {'point' if total == 1 else 'points'} on {branches}"
    part = "The newest " if is_newest else "Older: "
    return f"{part}{format_count(len(shown))} of {format_count(total)} points on {branches}"


def say_filter(wanted: PointFilter, count: int) -> str:
    """What a filter found."""
    return "" if wanted.is_free else f"{format_plural(count, 'point')} {_fit(count)}"


def list_nodes(tree: Tree, nodes: Sequence[str]) -> tuple[str, ...]:
    """The nodes that may be looked for: those of the graph, and those that the index names."""
    named = {node for entry in tree.entries.values() for node in entry.next}
    return tuple(sorted({*nodes, *named}))


def neighbours(
    tree: Tree, point: CheckpointId | None
) -> tuple[CheckpointId | None, CheckpointId | None]:
    """The points before and after one on its branch, None where there is none that is known."""
    if point is None:
        return None, None
    after = tree.path_after(point)
    return tree.parents.get(point), after[0] if after else None


def _fit(count: int) -> str:
    return "fits" if count == 1 else "fit"


def _card(card: ApprovalSummary) -> CardLine:
    look = look_of_approval(card.status)
    params = {"approval_id": card.approval_id}
    return CardLine(title=show_hidden(card.title), look=look, link=Link("Open", "inbox", params))


def _link_of_run(point: Point) -> Link | None:
    if point.run_id is None:
        return None
    return Link(f"Run {short_id(point.run_id)}", "run", {"run_id": point.run_id})
