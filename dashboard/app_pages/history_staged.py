"""A change to a thread that is staged first: what would happen stands before what makes it happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from interlock.core.errors import Conflict, FieldProblem, InterlockError, InvalidInput, NotFound
from interlock.core.model.branching import grow
from interlock.core.model.payloads import question_of
from interlock.core.model.rewinding import RUNS_AS_NODE, Intention, RewindVerb
from interlock.core.services import history, observing, reading, rewinding, staging
from interlock.core.services.forking import ForkRequest
from interlock.core.types import CheckpointId, ThreadId, new_id
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components import point_panes, staged_change
from interlock.dashboard.components.agent_text import draw_text
from interlock.dashboard.components.answer_drafts import read_drafts, read_mode
from interlock.dashboard.components.answer_fields import draw_answer
from interlock.dashboard.components.card_context import draw_folded
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note, draw_problem
from interlock.dashboard.views import answer_forms, answer_intents, forms, points, staged
from interlock.dashboard.views import state_diff as diffs

if TYPE_CHECKING:
    from interlock.core.services.history import PointDetail

STAGED = "history-staged"
PROBLEMS = "history-staged-problems"
FOLLOW = "history-follow"  # the thread whose next head is looked at by itself
PLACE = "history"
NO_REASON = "say why: a reason is needed"
NO_VERB = "choose what is decided"


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
        state.leave_note(state.Note("conflict", staged.say_conflict(exc)), PLACE)
    except InterlockError as exc:
        st.session_state[PROBLEMS] = (FieldProblem("", str(exc)),)
    else:
        st.session_state.pop(STAGED, None)
        st.session_state[FOLLOW] = run.thread_id
        state.leave_note(state.Note("done", staged.say_done(change.verb, run.thread_id)), PLACE)
        state.set_params(thread=run.thread_id, at=None, before=None, col=None, **{"with": None})


@st.fragment
def draw_staged(thread_id: str) -> None:
    """Not live but for its preview: what is typed here stays until somebody does something."""
    if state.take_drawing():
        st.rerun()
    note = state.take_note(PLACE)
    draw_note(note)
    if note is not None and FOLLOW in st.session_state:  # the page is drawn again in a moment
        state.leave_note(note, PLACE)
    change = find_change(thread_id)
    if change is None:
        return
    try:
        detail = history.read_point(deps.app(), thread_id, change.checkpoint_id)
    except NotFound as exc:
        draw_problem(str(exc))
        st.button("Discard", key=keys.staged_part("discard", change.staged_id), on_click=discard)
        return
    with st.container(key=keys.staged_part("whole", change.staged_id), gap="small"):
        staged_change.draw_head(staged.label_of(change.verb), points.say_point(detail.point))
        told, needed = st.columns(2, gap="medium")
        with needed:
            draw_needed(change, detail)
        with told:
            draw_told(change, st.session_state.get(keys.staged_part("node", change.staged_id)))
            draw_difference(change)
    st.divider()


@st.fragment
def draw_told(change: Change, as_node: str | None) -> None:
    """What would happen, as the thread stands now."""
    live("runs", "inbox", key=keys.live(f"staged-{change.staged_id}"))
    found = staging.stage(
        deps.app(),
        change.thread_id,
        Intention(
            verb=change.verb,
            checkpoint_id=change.checkpoint_id,
            as_node=as_node,
            expected_head_id=change.head_id,
        ),
    )
    staged_change.draw_preview(
        staged.build_preview(found), key=keys.staged_part("nodes", change.staged_id)
    )


@st.fragment
def draw_difference(change: Change) -> None:
    draw_folded(
        "What of the state will differ from the head's",
        icon=":material/difference:",
        key=keys.staged_part("differs", change.staged_id),
        draw=lambda: read_difference(change),
    )


def read_difference(change: Change) -> None:
    head_id = change.head_id
    if head_id is None or head_id == change.checkpoint_id:
        st.caption("This point is the head.")
        return
    try:
        with st.spinner("Comparing …"):
            found = history.compare(deps.app(), change.thread_id, head_id, change.checkpoint_id)
    except InterlockError as exc:
        draw_problem(str(exc))
        return
    point_panes.draw_diff(
        diffs.build(found.diff), key=keys.staged_part("difference", change.staged_id)
    )


def draw_needed(change: Change, detail: PointDetail) -> None:
    """What the verb takes, the reason, and the buttons."""
    if change.verb is RewindVerb.EDIT:
        draw_edit(change)
    elif change.verb is RewindVerb.REDECIDE:
        draw_redecide(change, detail)
    elif change.verb is RewindVerb.COPY:
        key = keys.staged_part("thread", change.staged_id)
        st.text_input(
            "Id of the new thread (optional)",
            key=key,
            max_chars=200,
            on_change="ignore",
            persist_state="session",
        )

        def read() -> ForkRequest:
            name = held_at(key)
            return request_of(change, new_thread_id=ThreadId(name) if name else None)

        draw_end(change, read, left_over())
    else:
        nodes = list_nodes(change)
        if len(nodes) > 1:
            staged_change.draw_node(nodes, staged_id=change.staged_id, label="Node to skip")
        draw_end(change, lambda: request_of(change), left_over())


def draw_edit(change: Change) -> None:
    """The state's fields as their schema has them, and as which node's they count."""
    app, staged_id = deps.app(), change.staged_id
    found = history.open_history(app, change.thread_id, limit=1)
    values, problem = None, ""
    try:
        with st.spinner("Reading the state …"):
            values = reading.state(app, change.thread_id, change.checkpoint_id).values
    except InterlockError as exc:
        problem = str(exc)
    form = staged.build_edit(found.workflow, values)
    modes = staged_change.read_modes(form, staged_id)
    placed, rest = forms.place_problems(form.fields_in(modes), left_over())
    placed |= {p.path: p.message for p in rest if p.path == staged.WHOLE}
    staged_change.draw_edit(form, staged_id=staged_id, problems=placed)
    draw_problem(problem)
    nodes = list_nodes(change)
    if len(nodes) > 1:
        staged_change.draw_node(nodes, staged_id=staged_id, label="As if this node had written it")

    def read() -> ForkRequest:
        now = staged_change.read_modes(form, staged_id)
        edits = staged.read_edits(form, now, *staged_change.read_edit(form, now, staged_id))
        return request_of(change, edits=edits)

    draw_end(change, read, [p for p in rest if p.path != staged.WHOLE])


def draw_redecide(change: Change, detail: PointDetail) -> None:
    """The question once more, to be answered another way; the answers given beside it are kept."""
    taken = points.find_decisions(detail.decisions, detail.cards)
    choices = staged.list_cards(detail.cards, taken.get(change.checkpoint_id, ()))
    if not choices:
        st.caption("No question of the graph was decided at this point.")
        draw_end(change, lambda: request_of(change), left_over())
        return
    chosen = st.selectbox(
        "Decision to change",
        list(choices),
        format_func=choices.__getitem__,
        key=keys.staged_part("card", change.staged_id),
        persist_state="session",
    )
    card = observing.get_card(deps.app(), chosen).approval
    question = question_of(card)
    form = answer_forms.build(question, is_high_risk=True)
    # Drafts of its own: what the inbox once kept for this card was another decision.
    key = (f"{change.staged_id}-{card.approval_id}", card.version)
    draw_text(question.text or card.title)
    mode = read_mode(form, *key)
    placed, rest = answer_intents.place_problems(form, left_over(), mode)
    draw_answer(form, key, placed)
    buttons = form.buttons_in(mode)
    verb_key = keys.staged_part("verb", key[0])
    st.radio(
        "Decide",
        [button.name for button in buttons],
        index=None,
        format_func={button.name: button.label for button in buttons}.__getitem__,
        key=verb_key,
        horizontal=True,
        on_change="ignore",
        persist_state="session",
    )

    def read() -> ForkRequest:
        name = held_at(verb_key)
        if not name:
            raise InvalidInput(NO_VERB, problems=[FieldProblem("", NO_VERB)])
        verb = next(button.verb for button in buttons if button.name == name)
        intent = answer_intents.read_intent(form, verb, read_drafts(form, *key))
        return request_of(change, approval_id=card.approval_id, intent=intent)

    draw_end(change, read, rest)


def draw_end(
    change: Change, read: Callable[[], ForkRequest], problems: Sequence[FieldProblem]
) -> None:
    staged_change.draw_end(
        staged_id=change.staged_id,
        problems=problems,
        on_apply=lambda: apply(change, read),
        on_discard=discard,
    )


def request_of(change: Change, **given: Any) -> ForkRequest:
    """The change as the service takes it."""
    node = held_at(keys.staged_part("node", change.staged_id)) or None
    return ForkRequest(verb=change.verb, checkpoint_id=change.checkpoint_id, as_node=node, **given)


def list_nodes(change: Change) -> tuple[str, ...]:
    if change.verb not in RUNS_AS_NODE:
        return ()
    found = history.open_history(deps.app(), change.thread_id)
    tree = grow(found.points)
    return staged.list_nodes(change.verb, tree, change.checkpoint_id, found.workflow)


def left_over() -> tuple[FieldProblem, ...]:
    """What was wrong with the last try."""
    found: tuple[FieldProblem, ...] = st.session_state.get(PROBLEMS, ())
    return found


def held_at(key: str) -> str:
    """The text a widget holds."""
    return str(st.session_state.get(key) or "").strip()
