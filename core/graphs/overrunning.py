"""
What was still at work when a superstep ran out of its time (`step_s`).

LangGraph cancels it and raises a bare TimeoutError, which says neither how long the superstep took
nor who was late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interlock.core.errors import StepTimedOut
from interlock.core.model.failure_kinds import FailureKind
from interlock.core.model.nodes import NodeRun, NodeStatus

MAX_NAMES = 10  # in one sentence


def settle(
    cancelled: Sequence[NodeRun], limit_s: float
) -> tuple[StepTimedOut, list[NodeRun], NodeRun | None]:
    """
    Tell a superstep that was too slow from the attempts that were cancelled in its run.

    Returns:
        The error, the attempts that were late as they are now, and the one that is to blame alone.
    """
    late = find_late(cancelled)
    error = describe(limit_s, late)
    failed = [_as_failed(record, error) for record in late]
    innermost = _find_innermost(failed)
    is_one = len({record.path for record in innermost}) == 1
    return error, failed, innermost[0] if is_one else None


def find_late(cancelled: Sequence[NodeRun]) -> list[NodeRun]:
    """Of all attempts that were cancelled in a run those that its last superstep was waiting for."""
    last = max((r.step for r in cancelled if "|" not in r.namespace), default=0)
    roots = {r.namespace: r for r in cancelled if "|" not in r.namespace and r.step == last}
    late = []
    for record in cancelled:
        root = roots.get(record.namespace.partition("|")[0])
        # One from before the root's last try was cancelled by something else.
        if root is not None and record.started_at >= root.started_at:
            late.append(record)
    return late


def _find_innermost(late: Sequence[NodeRun]) -> list[NodeRun]:
    """Those that no other of them is within: what was really at work."""
    around = {r.namespace.rpartition("|")[0] for r in late}
    return [r for r in late if r.namespace not in around]


def describe(limit_s: float, late: Sequence[NodeRun]) -> StepTimedOut:
    """The error that says so."""
    names = sorted({record.path for record in _find_innermost(late)})
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    who = f"; still working: {', '.join(names[:MAX_NAMES])}{more}" if names else ""
    return StepTimedOut(f"The superstep took longer than {limit_s:g} s{who}.")


def _as_failed(record: NodeRun, error: StepTimedOut) -> NodeRun:
    """The record of one of them: it did not end in its time."""
    return replace(
        record,
        status=NodeStatus.ERROR,
        error_type=type(error).__name__,
        error_message=error.message,
        error_kind=FailureKind.TIMEOUT,
    )
