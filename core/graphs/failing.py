"""Turning whatever user code raised into a kept record (W3); never fails itself."""

from __future__ import annotations

import platform
import traceback
from functools import cache
from importlib import metadata

from langgraph.errors import GraphRecursionError
from langgraph.types import StateSnapshot

from interlock.core.graphs import projection
from interlock.core.graphs.tasks import has_failed, is_finished
from interlock.core.masking import mask_end, mask_hidden, mask_start
from interlock.core.model.nodes import NodeRun
from interlock.core.model.runs import Failure
from interlock.core.types import Json

MAX_MESSAGE = 4_000  # characters of an error's text
MAX_STACK = 30_000  # characters of a traceback; its end is what matters
MAX_SNAPSHOT_BYTES = 50_000  # JSON of the masked state kept with a failure
PACKAGES = ("langgraph", "langgraph-checkpoint", "langchain-core", "interlock-control-room")


def message_of(error: BaseException) -> str:
    """Read an error's text, whatever its `__str__` does; secrets in it are hidden."""
    try:
        text = str(error) or repr(error)
    except BaseException as broken:  # noqa: BLE001  user code decides what str() does
        text = f"(its text cannot be read: {type(broken).__name__})"
    if isinstance(error, GraphRecursionError):
        text = f"{text.split(' For more')[0]} Retry goes on with a fresh limit."
    return clean(text)


def clean(text: str) -> str:
    """An error's text as it is kept: its secrets hidden, cut before they are looked for (law 5)."""
    return mask_start(text, MAX_MESSAGE, mark=" … (cut)")


def describe(
    error: BaseException, *, attempt: NodeRun | None, state: Json, node: str | None = None
) -> Failure:
    """
    Make the record of a failed run.

    Args:
        error: What the graph raised.
        attempt: The attempt that failed, where one is known.
        state: The thread's state as JSON, or None.
        node: The node that is to blame where no attempt failed.
    """
    try:
        stack = "".join(traceback.format_exception(error))
    except BaseException:  # noqa: BLE001  a traceback prints the error, hence runs user code
        stack = "".join(traceback.format_tb(error.__traceback__))
    return Failure(
        type=type(error).__name__,
        message=message_of(error),
        stack=mask_end(stack, MAX_STACK),
        node=attempt.path if attempt else node,
        attempt=attempt.attempt if attempt else None,
        snapshot=keep_state(state),
        versions=dict(versions()),
    )


def keep_state(state: Json) -> Json:
    """What is kept of a state with a failure: its secrets masked, its long values cut."""
    return projection.to_json(projection.mask(mask_hidden(state)), max_bytes=MAX_SNAPSHOT_BYTES)


@cache
def versions() -> tuple[tuple[str, str], ...]:
    """The versions that matter when a failure is read a month later."""
    found = [("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


def read_failure(state: StateSnapshot, values: Json) -> Failure:
    """The failure as a checkpoint keeps it: a text, because its process died before recording it."""
    tasks = [task for task in state.tasks if has_failed(task) and not is_finished(task, state)]
    text = str(tasks[0].error) if tasks else ""
    return Failure(
        type=text.partition("(")[0] or "Error",
        message=text,
        node=tasks[0].name if tasks else None,
        snapshot=keep_state(values),
        versions=dict(versions()),
    )
