"""
The events of runs in the log (W3): started, completed, a node done or failed, the state moved on.

Lines of a run carry its ids wherever they come from, the user's own included. What happens often is
told at the level `debug`, and costs nothing while that is not asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import structlog

from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import Run, RunStatus
from interlock.core.services.recording import Batch, Ending

logger = logging.getLogger(__name__)

# As contexts name them; a correlation is the thread unless the launch gave one.
_TENANT = ("tenant", "tenant_id")
_USER = ("user", "user_id")
_CORRELATION = ("correlation_id",)
MAX_WAITING = 1_000  # failed tries that may yet be followed by another, of all runs

_Key = tuple[str, int, str, int]
_ENDS = frozenset({RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED})


def bind(run: Run) -> None:
    """Let each line of this task, and of what it starts, carry the ids of the run."""
    structlog.contextvars.bind_contextvars(**ids_of(run))


def ids_of(run: Run) -> dict[str, Any]:
    """What tells a run from all others, in the words of whoever launched it."""
    context = run.context if isinstance(run.context, Mapping) else {}
    found = {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "workflow": run.workflow,
        "tenant": _first(context, _TENANT),
        "user": _first(context, _USER) or run.created_by,
        "correlation_id": _first(context, _CORRELATION) or run.thread_id,
        "variant": run.variant,
    }
    return {name: value for name, value in found.items() if value}


def _first(context: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(context[n]) for n in names if isinstance(context.get(n), (str, int))), "")


def tell_start(run: Run) -> None:
    """A worker begins to carry a run out."""
    logger.info("workflow_started", extra={"kind": str(run.kind), "variant": run.variant})


def tell_end(status: RunStatus, ending: Ending) -> None:
    """The worker has let go of it, for good or for now; a failure is told with all that is known of it."""
    event = "workflow_stopped" if status not in _ENDS else "workflow_completed"
    failure = ending.failure
    if failure is None:
        logger.info(event, extra={"status": str(status)})
        return
    logger.error(
        event,
        extra={
            "status": str(status),
            "error_type": failure.type,
            "error_message": failure.message,
            "stack": failure.stack,
            "node": failure.node,
            "attempt": failure.attempt,
            "state": failure.snapshot,
            "versions": dict(failure.versions),
        },
    )


class Teller:
    """
    Tells what was written of any number of runs; called on the threads that wrote it, one at a time.

    A failed try is told once, when it is known whether another followed: until then its record
    reads as if it were the last.
    """

    def __init__(self) -> None:
        self._waiting: dict[_Key, NodeRun] = {}  # tries that failed, the oldest first

    def tell_batch(self, batch: Batch) -> None:
        """What was just written."""
        for node in batch.nodes:
            if node.status is NodeStatus.ERROR:
                self._take(node)
            elif node.status is not NodeStatus.RUNNING and logger.isEnabledFor(logging.DEBUG):
                logger.debug("node_completed", extra=_describe(node))
        ended = {ending.run.run_id for ending in batch.endings}
        if ended:
            self._tell(key for key, node in self._waiting.items() if node.run_id in ended)
        if logger.isEnabledFor(logging.DEBUG):
            for ending in batch.endings:
                _tell_states(ending)

    def tell_rest(self) -> None:
        """Nothing follows any more."""
        self._tell(self._waiting)

    def _take(self, node: NodeRun) -> None:
        key = (node.run_id, node.delivery, node.task_id, node.attempt)
        self._waiting[key] = node
        if not node.is_final:
            self._tell([key])
        too_many = len(self._waiting) - MAX_WAITING
        if too_many > 0:
            self._tell(islice(self._waiting, too_many))

    def _tell(self, keys: Iterable[_Key]) -> None:
        for key in list(keys):
            node = self._waiting.pop(key)
            logger.warning("node_failed", extra=_describe(node) | _problem(node))


def _tell_states(ending: Ending) -> None:
    for entry in ending.entries:
        logger.debug(
            "state_changed",
            extra={
                **ids_of(ending.run),
                "checkpoint_id": entry.checkpoint_id,
                "step": entry.step,
                "source": entry.source,
                "next": list(entry.next),
            },
        )


def _describe(node: NodeRun) -> dict[str, Any]:
    return {
        "run_id": node.run_id,
        "thread_id": node.thread_id,
        "workflow": node.workflow,
        "node": node.path,
        "status": str(node.status),
        "attempt": node.attempt,
        "duration_ms": node.duration_ms,
        **({"variant": node.variant} if node.variant else {}),
    }


def _problem(node: NodeRun) -> dict[str, Any]:
    return {
        "error_type": node.error_type,
        "error_message": node.error_message,
        "error_kind": node.error_kind,
        "is_final": node.is_final,
    }
