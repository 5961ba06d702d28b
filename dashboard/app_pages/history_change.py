"""The change to a thread that somebody thinks of, kept for the session; carrying it out, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from interlock.core.errors import Conflict, FieldProblem, InterlockError, InvalidInput
from interlock.core.model.rewinding import RewindVerb
from interlock.core.services import history, rewinding
from interlock.core.services.forking import ForkRequest
from interlock.core.types import CheckpointId, new_id
from interlock.dashboard import deps, keys, state
from interlock.dashboard.views import staged

STAGED = "history-staged"
PROBLEMS = "history-staged-problems"
FOLLOW = "history-follow"  # the thread whose next head is looked at by itself
PLACE = "history"
NO_REASON = "say why: a reason is needed"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What somebody thinks of doing; its drafts are in widgets under its id."""

    staged_id: str
    thread_id: str
    checkpoint_id: CheckpointId
    verb: RewindVerb
    head_id: CheckpointId | None


def stage(thread_id: str, at: str, verb: RewindVerb, head_id: CheckpointId | None) -> None:
    """Think of a change at a point; what was thought of before is dropped."""
    st.session_state[STAGED] = Change(
        staged_id=new_id(),
        thread_id=thread_id,
        checkpoint_id=CheckpointId(at),
        verb=verb,
        head_id=head_id,
    )
    st.session_state.pop(PROBLEMS, None)
    state.ask_for_drawing()


def discard() -> None:
    st.session_state.pop(STAGED, None)
    st.session_state.pop(PROBLEMS, None)
    state.ask_for_drawing()


def find_change(thread_id: str) -> Change | None:
    change: Change | None = st.session_state.get(STAGED)
    return change if change is not None and change.thread_id == thread_id else None


def apply(change: Change, read: Callable[[], ForkRequest]) -> None:
    """Carry out what was read; who comes second is told who was first, and looks again."""
    app, actor = deps.app(), deps.actor()
    reason = str(st.session_state.get(keys.staged_part("reason", change.staged_id)) or "")
    st.session_state.pop(PROBLEMS, None)
    state.ask_for_drawing()
    try:
        if not reason.strip():
            raise InvalidInput("A reason is needed.", problems=[FieldProblem("", NO_REASON)])
        request = read()
        run = state.once(
            change.staged_id,
            lambda: rewinding.apply(
                app,
                change.thread_id,
                request,
                expected_head=change.head_id,
                actor=actor,
                reason=reason,
            ),
        )
    except InvalidInput as exc:
        st.session_state[PROBLEMS] = tuple(exc.problems) or (FieldProblem("", str(exc)),)
    except Conflict as exc:
        _, head_id = history.list_points(app, change.thread_id, limit=1)
        st.session_state[STAGED] = replace(change, head_id=head_id)
        state.leave_note(state.Note("conflict", staged.say_conflict(exc, app.clock.now())), PLACE)
    except InterlockError as exc:
        st.session_state[PROBLEMS] = (FieldProblem("", str(exc)),)
    else:
        st.session_state.pop(STAGED, None)
        st.session_state[FOLLOW] = run.thread_id
        state.leave_note(state.Note("done", staged.say_done(change.verb, run.thread_id)), PLACE)
        state.set_params(thread=run.thread_id, at=None, before=None, col=None, **{"with": None})


def request_of(change: Change, **given: Any) -> ForkRequest:
    """The change as the service takes it."""
    node = held_at(keys.staged_part("node", change.staged_id)) or None
    return ForkRequest(verb=change.verb, checkpoint_id=change.checkpoint_id, as_node=node, **given)


def left_over() -> tuple[FieldProblem, ...]:
    """What was wrong with the last try."""
    found: tuple[FieldProblem, ...] = st.session_state.get(PROBLEMS, ())
    return found


def held_at(key: str) -> str:
    """The text a widget holds."""
    return str(st.session_state.get(key) or "").strip()
