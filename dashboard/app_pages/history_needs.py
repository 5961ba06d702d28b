"""What a staged change takes: fields of the state, another answer, a node, a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.core.errors import FieldProblem, InterlockError, InvalidInput
from interlock.core.model.branching import grow
from interlock.core.model.payloads import question_of
from interlock.core.model.rewinding import RUNS_AS_NODE, RewindVerb
from interlock.core.services import history, observing, reading
from interlock.core.services.forking import ForkRequest
from interlock.core.services.history import PointDetail
from interlock.core.types import ThreadId
from interlock.dashboard import deps, keys
from interlock.dashboard.app_pages.history_change import (
    Change,
    apply,
    discard,
    held_at,
    left_over,
    request_of,
)
from interlock.dashboard.components import staged_change
from interlock.dashboard.components.agent_text import draw_text
from interlock.dashboard.components.answer_drafts import read_drafts, read_mode
from interlock.dashboard.components.answer_fields import draw_answer
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.views import answer_forms, answer_intents, forms, points, staged

NO_VERB = "choose what is decided"


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


def list_nodes(change: Change) -> tuple[str, ...]:
    if change.verb not in RUNS_AS_NODE:
        return ()
    found = history.open_history(deps.app(), change.thread_id)
    tree = grow(found.points)
    return staged.list_nodes(change.verb, tree, change.checkpoint_id, found.workflow)
