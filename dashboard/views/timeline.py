"""
The timeline: one lane a node path, attempts as ticks, human wait hatched and apart (law 7).

Working time is drawn to scale. A stretch in which nothing ran, such as a night's wait for a human,
keeps a fixed width and its true length in words; else it would squeeze the work to a line.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.dashboard.palette import IDLE_NODE, Look, look_of_approval, look_of_node
from interlock.dashboard.views.escaping import html_escape
from interlock.dashboard.views.formatting import clip, format_duration_ms, format_seconds
from interlock.dashboard.views.steps import took_ms

LANE_LIMIT_COUNT = 40
GAP_RATIO = 0.15  # of the working time: how wide a stretch without work is drawn at most
SHORTEST_RATIO = 0.006  # of the whole width: a mark thinner than this could not be seen
SHORTEST_SPAN_S = 0.01
LABEL_LIMIT_COUNT = 28

Span = tuple[float, float]  # seconds since the first start: begin, end


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One piece of a lane. `left` and `width` are on the drawn axis; `is_wait` is human time, hatched."""

    left: float
    width: float
    look: Look
    is_wait: bool
    text: str


@dataclass(frozen=True)
class Lane:
    """One node path. `ticks` are where its second and later attempts began."""

    label: str
    bars: tuple[Bar, ...]
    ticks: tuple[float, ...]


@dataclass(frozen=True)
class Mark:
    """A place on the axis with its true time since the start."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All lanes in the order they began, the axis, and the same in words."""

    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    width: float
    alt: str
    left_out: str


class _Axis:
    """Where a true time stands on the drawn axis."""

    def __init__(self, busy: Sequence[Span], end: float) -> None:
        work_s = sum(b - a for a, b in busy)
        gap_width = max(work_s * GAP_RATIO, SHORTEST_SPAN_S)
        self._knots: list[Span] = [(0.0, 0.0)]
        for begin, finish in busy:
            self._add(begin, min(begin - self._knots[-1][0], gap_width))
            self._add(finish, finish - begin)
        self._add(end, min(max(0.0, end - self._knots[-1][0]), gap_width))

    def _add(self, true_s: float, width: float) -> None:
        last_s, last = self._knots[-1]
        if true_s > last_s:
            self._knots.append((true_s, last + width))

    @property
    def width(self) -> float:
        return max(self._knots[-1][1], SHORTEST_SPAN_S)

    def place(self, true_s: float) -> float:
        after = bisect_left(self._knots, (true_s, 0.0))
        if not 0 < after < len(self._knots):
            return self._knots[min(after, len(self._knots) - 1)][1]
        (a_s, a), (b_s, b) = self._knots[after - 1], self._knots[after]
        return a + (b - a) * (true_s - a_s) / (b_s - a_s)


def build(
    nodes: Sequence[NodeRun], approvals: Sequence[ApprovalSummary], *, now: datetime
) -> Timeline | None:
    """
    Draw the attempts and the waits of one or several runs; None while nothing has begun.

    Args:
        nodes: Attempts, in the order they began.
        approvals: The cards of the same runs.
        now: Aware UTC time, where what still runs or waits ends for the moment.
    """
    begins = [n.started_at for n in nodes] + [a.asked_at for a in approvals]
    if not begins:
        return None
    origin = min(begins)
    spans = [_span_of_node(n, origin, now) for n in nodes]
    waits = [_span_of_wait(a, origin, now) for a in approvals]
    axis = _Axis(_merge(spans), max(end for _, end in [*spans, *waits]))
    lanes: dict[str, tuple[list[Bar], list[float]]] = {}
    for node, span in zip(nodes, spans, strict=True):
        bars, ticks = lanes.setdefault(node.path, ([], []))
        bars.append(_bar_of_node(node, span, axis, now))
        if node.attempt > 1 and not node.is_fallback:
            ticks.append(axis.place(span[0]))
    for approval, span in zip(approvals, waits, strict=True):
        bars, _ = lanes.setdefault(_path_of(approval, lanes), ([], []))
        bars.append(_bar_of_wait(approval, span, axis))
    drawn = list(lanes.items())[:LANE_LIMIT_COUNT]
    more = len(lanes) - len(drawn)
    return Timeline(
        lanes=tuple(Lane(_label(path), tuple(b), tuple(t)) for path, (b, t) in drawn),
        marks=_mark(_merge(spans), axis),
        width=axis.width,
        alt=_say(drawn, nodes, now),
        left_out=f"{more} more nodes are in the list of steps." if more else "",
    )


def _span_of_node(node: NodeRun, origin: datetime, now: datetime) -> Span:
    begin = (node.started_at - origin).total_seconds()
    return begin, begin + (took_ms(node, now) or 0.0) / 1000


def _span_of_wait(approval: ApprovalSummary, origin: datetime, now: datetime) -> Span:
    begin = (approval.asked_at - origin).total_seconds()
    end_at = now if approval.status is ApprovalStatus.PENDING else approval.closed_at
    return begin, max(begin, ((end_at or now) - origin).total_seconds())


def _merge(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _bar_of_node(node: NodeRun, span: Span, axis: _Axis, now: datetime) -> Bar:
    look = look_of_node(node.status)
    # What a node did before it asked is work like any other; the wait itself has its own bar.
    if node.status is NodeStatus.INTERRUPTED:
        look = Look(IDLE_NODE.tone, "asked a human", look.icon)
    took = "" if node.status is NodeStatus.CACHED else format_duration_ms(took_ms(node, now))
    attempt = f", attempt {node.attempt}" if node.attempt > 1 else ""
    attempt = ", fallback" if node.is_fallback else attempt
    error = f", {html_escape(node.error_type)}" if node.error_type else ""
    text = f"{_label(node.path)}: {look.word} {took}{attempt}{error}"
    return _bar(span, axis, look=look, is_wait=False, text=text)


def _bar_of_wait(approval: ApprovalSummary, span: Span, axis: _Axis) -> Bar:
    look = look_of_approval(approval.status)
    verb = "waiting for" if approval.status is ApprovalStatus.PENDING else "waited for"
    text = f"{verb} a human {format_seconds(span[1] - span[0])}"
    return _bar(span, axis, look=look, is_wait=True, text=text)


def _bar(span: Span, axis: _Axis, *, look: Look, is_wait: bool, text: str) -> Bar:
    left = axis.place(span[0])
    width = max(axis.place(span[1]) - left, axis.width * SHORTEST_RATIO)
    return Bar(left=left, width=width, look=look, is_wait=is_wait, text=text)


def _path_of(approval: ApprovalSummary, lanes: Iterable[str]) -> str:
    """The lane of the node that asked; its path may be longer than its name."""
    known = list(lanes)
    if approval.node in known:
        return approval.node
    return next((p for p in known if p.rsplit("/", 1)[-1] == approval.node), approval.node)


def _mark(busy: Sequence[Span], axis: _Axis) -> tuple[Mark, ...]:
    marks = [Mark(axis.place(begin), format_duration_ms(begin * 1000)) for begin, _ in busy]
    if busy:
        marks.append(Mark(axis.place(busy[-1][1]), format_duration_ms(busy[-1][1] * 1000)))
    kept: list[Mark] = []
    for mark in marks:  # labels nearer than this would overlap
        if not kept or mark.at - kept[-1].at >= axis.width / 8:
            kept.append(mark)
    return tuple(kept)


def _label(path: str) -> str:
    return html_escape(clip(path, LABEL_LIMIT_COUNT))


def _say(
    lanes: Sequence[tuple[str, tuple[list[Bar], list[float]]]],
    nodes: Sequence[NodeRun],
    now: datetime,
) -> str:
    parts = []
    for path, (bars, _) in lanes:
        own = [n for n in nodes if n.path == path]
        worked_ms = sum(took_ms(n, now) or 0.0 for n in own)
        waits = [b.text for b in bars if b.is_wait]
        work = f"{len(own)} x, {format_duration_ms(worked_ms)}" if own else "not begun"
        parts.append(", ".join([f"{path}: {work}", *waits]))
    return "Timeline. " + "; ".join(parts) + "."
