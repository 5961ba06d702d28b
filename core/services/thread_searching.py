"""Threads as other programs find, make and describe them; Interlock itself lists them by pages."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model import json_values
from interlock.core.model.approvals import Approval
from interlock.core.model.people import Permission
from interlock.core.model.runs import HELD, Run
from interlock.core.model.thread_lists import ThreadFound, ThreadSearch
from interlock.core.model.threads import Snapshot, Thread
from interlock.core.services import checking
from interlock.core.services.context import App
from interlock.core.services.launching import fetch_workflow
from interlock.core.services.permitting import command
from interlock.core.store import (
    audit,
    encoding,
    engine,
    snapshots,
    thread_metadata,
    thread_searching,
    threads,
    topics,
)
from interlock.core.types import Json, ThreadId, new_id

MAX_CARDS = 2000  # of all threads of a window
MAX_DATA_BYTES = 100_000  # of what is said of one thread, as JSON


def search(app: App, wanted: ThreadSearch, *, with_states: bool = True) -> list[ThreadFound]:
    """
    A window of threads.

    Args:
        app: The parts.
        wanted: Which threads.
        with_states: Read the state each stands at, too.
    """
    with engine.read(app.engine) as conn:
        return _search(conn, wanted, with_states=with_states)


def count(app: App, wanted: ThreadSearch) -> int:
    """How many threads fit."""
    with engine.read(app.engine) as conn:
        return thread_searching.count(conn, wanted)


def find(app: App, thread_id: str) -> ThreadFound:
    """
    One thread.

    Raises:
        NotFound: There is none.
    """
    with engine.read(app.engine) as conn:
        return _find(conn, ThreadId(thread_id))


def read_end(app: App, run: Run) -> tuple[Snapshot | None, list[Approval]]:
    """The state that a run ended with, where it was kept, and what its thread asks if the run is held."""
    with engine.read(app.engine) as conn:
        at = run.end_checkpoint_id
        snapshot = snapshots.fetch(conn, run.thread_id, at) if at is not None else None
        is_held = run.status in HELD
        cards = (
            thread_searching.fetch_cards(conn, [run.thread_id], limit=MAX_CARDS) if is_held else []
        )
    return snapshot, cards


@command(Permission.LAUNCH)
def make(
    app: App,
    thread_id: str | None = None,
    *,
    workflow: str | None = None,
    data: Mapping[str, Json] | None = None,
    may_exist: bool = False,
    actor: str,
) -> ThreadFound:
    """
    Make a thread that nothing has run on yet.

    Args:
        app: The parts.
        thread_id: Its id; None leaves it to us.
        workflow: What will run on it; None leaves that to its first run.
        data: What is said of it, kept and found by.
        may_exist: Give the one back that there is.
        actor: Who makes it.

    Raises:
        NotFound: No such workflow.
        InvalidInput: This cannot be a thread's id, or what is said of it cannot be kept.
        Conflict: There is one of this id.
    """
    if workflow is not None:
        fetch_workflow(app, workflow)
    elif app.person is not None and app.person.tenants:
        raise InvalidInput(
            "A thread of no workflow is of no tenant.", hint="Name its workflow as `graph_id`."
        )
    _require_keepable(thread_id, data or {})
    now = app.clock.now()
    thread = Thread(
        thread_id=ThreadId(thread_id or new_id()),
        workflow=workflow or threads.NO_WORKFLOW,
        head_checkpoint_id=None,
        last_run_id=None,
        created_at=now,
        updated_at=now,
    )
    with engine.write(app.engine) as conn:
        if not threads.insert(conn, thread):
            if not may_exist:
                raise Conflict(f"There is a thread {thread.thread_id} already.")
            return _find(conn, thread.thread_id)
        thread_metadata.put(conn, thread.thread_id, data or {}, made_by=actor)
        topics.bump(conn, "threads")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="thread:make",
            object_=f"thread:{thread.thread_id}",
            after={"workflow": workflow, "metadata": dict(data or {})},
        )
        return _find(conn, thread.thread_id)


@command(Permission.LAUNCH)
def describe(app: App, thread_id: str, data: Mapping[str, Json], *, actor: str) -> ThreadFound:
    """
    Say something of a thread; fields that are not named stay as they are.

    Raises:
        NotFound: There is no such thread.
        InvalidInput: It cannot be kept.
    """
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        if threads.lock(conn, ThreadId(thread_id)) is None:
            raise NotFound("thread", thread_id)
        before = thread_metadata.fetch_many(conn, [ThreadId(thread_id)]).get(
            ThreadId(thread_id), {}
        )
        after = {**before, **data}
        _require_keepable(None, after)
        thread_metadata.put(conn, ThreadId(thread_id), after, made_by=actor)
        topics.bump(conn, "threads")
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="thread:describe",
            object_=f"thread:{thread_id}",
            before={"metadata": dict(before)},
            after={"metadata": after},
        )
        return _find(conn, ThreadId(thread_id))


def _require_keepable(thread_id: str | None, data: Mapping[str, Json]) -> None:
    problems = [
        *(checking.check_thread_id(thread_id) if thread_id is not None else ()),
        *json_values.find_problems(dict(data)),
        *json_values.find_unstorable(dict(data)),
    ]
    if problems:
        raise InvalidInput("The thread cannot be made like this:", problems=problems)
    size_bytes = len(encoding.dump_json(dict(data)).encode())
    if size_bytes > MAX_DATA_BYTES:
        raise InvalidInput(
            f"What is said of a thread has at most {MAX_DATA_BYTES} bytes; this has {size_bytes}."
        )


def _find(conn: Connection, thread_id: ThreadId) -> ThreadFound:
    found = _search(conn, ThreadSearch(ids=(thread_id,), limit=1), with_states=True)
    if not found:
        raise NotFound("thread", thread_id, hint="`interlock thread list` names them.")
    return found[0]


def _search(conn: Connection, wanted: ThreadSearch, *, with_states: bool) -> list[ThreadFound]:
    window = thread_searching.fetch_window(conn, wanted)
    ids = [thread.thread_id for thread, _ in window]
    states = thread_searching.fetch_states(conn, ids) if with_states else {}
    data = thread_metadata.fetch_many(conn, ids)
    cards: dict[ThreadId, list[Approval]] = {}
    for card in thread_searching.fetch_cards(conn, ids, limit=MAX_CARDS):
        cards.setdefault(card.thread_id, []).append(card)
    return [
        ThreadFound(
            thread=thread,
            status=status,
            snapshot=states.get(thread.thread_id),
            cards=tuple(cards.get(thread.thread_id, ())),
            data=data.get(thread.thread_id, {}),
        )
        for thread, status in window
    ]
