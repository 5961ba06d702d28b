"""Which threads and states a client of the Agent Server API wants, in Interlock's terms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from interlock.core.errors import NotServed
from interlock.core.model.history import PointFilter
from interlock.core.model.thread_lists import ThreadFilter, ThreadOrder, ThreadSearch
from interlock.core.types import Json, RunId, ThreadId
from interlock.dashboard.views import agent_asks
from interlock.dashboard.views.agent_documents import THREAD_STATUSES, find_workflow

_ORDERS = {
    "updated_at": ThreadOrder.UPDATED,
    "state_updated_at": ThreadOrder.UPDATED,
    "created_at": ThreadOrder.CREATED,
    "thread_id": ThreadOrder.ID,
}
_OF_WORKFLOW = ("graph_id", "assistant_id")
_SOURCES = frozenset({"input", "loop", "update", "fork"})


def read_search(given: Mapping[str, Json], known: Collection[str]) -> ThreadSearch | None:
    """
    Read a search for threads.

    Args:
        given: What was sent.
        known: The names of the workflows.

    Returns:
        None if none can fit.

    Raises:
        NotServed: It asks for what Interlock does not search by.
    """
    for name in ("values", "extract"):
        if given.get(name):
            raise NotServed(f"a search by `{name}`")
    sort_by = given.get("sort_by") or "updated_at"
    if sort_by not in _ORDERS:
        raise NotServed(f"threads sorted by {sort_by!r}", hint=f"Served: {', '.join(_ORDERS)}.")
    workflow, data = split_metadata(given.get("metadata") or {}, known)
    if workflow == "":
        return None
    status, ids = given.get("status"), given.get("ids")
    return ThreadSearch(
        wanted=ThreadFilter(workflow=workflow, statuses=THREAD_STATUSES.get(status or "", ())),
        ids=None if ids is None else tuple(ThreadId(each) for each in ids),
        or_unused=status == "idle",
        data=data,
        order=_ORDERS[sort_by],
        newest_first=given.get("sort_order") != "asc",
        limit=given.get("limit", 10),
        offset=given.get("offset", 0),
    )


def split_metadata(
    given: Mapping[str, Json], known: Collection[str]
) -> tuple[str | None, dict[str, Json]]:
    """The workflow that metadata names (None for none, empty for one that is not there), and the rest."""
    named = [given[key] for key in _OF_WORKFLOW if given.get(key) is not None]
    found = {find_workflow(str(each), known) or "" for each in named}
    rest = {key: value for key, value in given.items() if key not in _OF_WORKFLOW}
    if not found:
        return None, rest
    return (found.pop() if len(found) == 1 else ""), rest


def read_points(given: Mapping[str, Json]) -> tuple[PointFilter, str | None]:
    """
    Which points of a thread's history are wanted, and before which.

    Raises:
        NotServed: They are asked for by what Interlock does not look for.
    """
    if agent_asks.find_checkpoint(given) is not None:
        raise NotServed("a history from a checkpoint on", hint="Name it as `before`.")
    before = given.get("before")
    if isinstance(before, dict):
        before = agent_asks.find_checkpoint({"checkpoint": before.get("configurable") or before})
    metadata = dict(given.get("metadata") or {})
    source, step = metadata.pop("source", None), metadata.pop("step", None)
    run_id = metadata.pop("run_id", None)
    is_odd = source not in (None, *_SOURCES) or not isinstance(step, int | None)
    if metadata or is_odd or not isinstance(run_id, str | None):
        raise NotServed("a history by other metadata than `source`, `step` and `run_id`")
    wanted = PointFilter(
        step_from=step,
        step_to=step,
        sources=() if source is None else (source,),
        run_id=None if run_id is None else RunId(run_id),
    )
    return wanted, before


class Change(StrEnum):
    """What a change of a state is: other values, a node left out, the end of the thread."""

    EDIT = "edit"
    SKIP = "skip"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True)
class Update:
    """A change of a state; `checkpoint_id` None is where the thread stands."""

    change: Change
    edits: Mapping[str, Json]
    as_node: str | None
    checkpoint_id: str | None


def read_update(given: Mapping[str, Json]) -> Update:
    """
    Read a change of a state.

    Raises:
        NotServed: Interlock does not change a state like that.
        InvalidInput: What is to be changed is not said in fields.
    """
    values, node = given.get("values"), given.get("as_node")
    checkpoint_id = agent_asks.find_checkpoint(given)
    if node == agent_asks.END and values:
        raise NotServed("an end with values", hint="Change the state first, then end the thread.")
    if node is not None and node.startswith("__") and node != agent_asks.END:
        raise NotServed(f"a state written as {node!r}")
    if node is None and values is None:
        raise NotServed("a checkpoint written anew without a change")
    change = Change.SKIP if values is None else Change.EDIT
    change = Change.STOP if node == agent_asks.END else change
    return Update(
        change=change,
        edits=agent_asks.read_edits(values) if change is Change.EDIT else {},
        as_node=None if change is Change.STOP else node,
        checkpoint_id=checkpoint_id,
    )
