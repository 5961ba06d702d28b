from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from interlock.core.errors import FieldProblem, InterlockError, InvalidInput
from interlock.core.model.workflows import Workflow
from interlock.core.services import launching, observing
from interlock.core.types import Json
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components import launch_form
from interlock.dashboard.components.agent_text import draw_text
from interlock.dashboard.components.links import draw_empty, page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note, draw_notice
from interlock.dashboard.components.schema_form import read_fields
from interlock.dashboard.views import launch
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.flow import find_flow_notice
from interlock.dashboard.views.forms import ABSENT

SEEDS = "launch-seeds"  # per workflow: how often its form was filled anew, and with what
PROBLEMS = "launch-problems"
STARTED = "launch-started"
WANTED = "workflow"


def read_seed(name: str) -> tuple[int, Any]:
    """How often a form was filled anew, and with which input."""
    seed: tuple[int, Any] = st.session_state.get(SEEDS, {}).get(name, (0, ABSENT))
    return seed


def fill(name: str, value: Json) -> None:
    """Fill the form anew with an input."""
    turn, _ = read_seed(name)
    st.session_state.setdefault(SEEDS, {})[name] = (turn + 1, value)
    keep_problems(name, ())


def keep_problems(name: str, problems: Sequence[FieldProblem]) -> None:
    st.session_state.setdefault(PROBLEMS, {})[name] = tuple(problems)


def read_input(form: launch.LaunchForm, mode: str, turn: int) -> Json:
    if mode == "form":
        key_of = launch_form.field_key(form.workflow, turn)
        return launch.read_form(form, read_fields(form.fields, key_of))
    key = launch_form.json_key(form.workflow, turn)
    return launch.read_json(st.session_state.get(key, form.json_text))


def switch(form: launch.LaunchForm, turn: int) -> None:
    """Carry what is typed over to the other way of writing it."""
    key = keys.launch_json_switch(form.workflow)
    mode = st.session_state.get(key)
    try:
        if mode == "json":
            key_of = launch_form.field_key(form.workflow, turn)
            fill(form.workflow, launch.read_partly(form, read_fields(form.fields, key_of)))
            return
        value = read_input(form, "json", turn)
    except InvalidInput as exc:
        keep_problems(form.workflow, exc.problems)
        st.session_state[key] = "form" if mode == "json" else "json"
        return
    if launch.can_show(form, value):
        fill(form.workflow, value)
    else:
        st.session_state[key] = "json"
        problem = FieldProblem("", "the form has no field for a part of this; launch it as JSON")
        keep_problems(form.workflow, [problem])


def start(form: launch.LaunchForm, mode: str, turn: int, drawn: str) -> None:
    app = deps.app()
    options = launch_form.read_options(form)
    keep_problems(form.workflow, ())
    try:
        request = launching.Launch(
            workflow=form.workflow,
            input=read_input(form, mode, turn),
            context=launch.read_context(form, options["context"] or ""),
            thread_id=options["thread_id"] or None,
            break_before=tuple(options["break_before"] or ()),
            break_after=tuple(options["break_after"] or ()),
            recursion_limit=options["recursion_limit"],
            priority=options["priority"] or 0,
        )
        actor = deps.actor()
        run = state.once(drawn, lambda: launching.launch(app, request, actor=actor))
    except InvalidInput as exc:
        keep_problems(form.workflow, exc.problems or (FieldProblem("", str(exc)),))
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        st.session_state[STARTED] = run.run_id


def choose(workflows: Sequence[Workflow]) -> Workflow | None:
    choices = launch.list_choices(workflows)
    key = keys.launch_workflow()
    wanted = launch.choose(choices, state.read_param(WANTED))
    names = [c.name for c in choices]
    if wanted is None:
        return None
    name = st.selectbox(
        "Workflow",
        names,
        index=names.index(wanted.name),
        key=key,
        on_change=lambda: state.set_params(**{WANTED: st.session_state[key]}),
    )
    return next(w for w in workflows if w.name == name)


@st.fragment
def draw_nothing() -> None:
    live("workflows", key=keys.live("launch-empty"))
    if observing.list_workflow_names(deps.app()):
        st.rerun()
    draw_empty(launch.say_none())


@st.fragment
def draw_workers() -> None:
    live("workers", key=keys.live("launch-workers"))
    draw_notice(find_flow_notice(observing.overview(deps.app())))


def draw_recent(workflow: str) -> None:
    recent = launch.list_recent(observing.list_recent_inputs(deps.app(), workflow))
    if not recent:
        return
    with st.popover("Earlier inputs", icon=":material/history:"):
        for index, item in enumerate(recent):
            st.button(
                md_escape(item.label),
                key=keys.launch_recent(workflow, index),
                on_click=fill,
                args=(workflow, item.value),
                width="stretch",
            )


def draw_form(workflow: Workflow) -> None:
    turn, seed = read_seed(workflow.name)
    form = launch.build(workflow, seed)
    with st.container(horizontal=True, vertical_alignment="center"):
        mode = launch_form.draw_switch(form, on_switch=lambda: switch(form, turn))
        draw_recent(workflow.name)
    problems = st.session_state.get(PROBLEMS, {}).get(workflow.name, ())
    rest = launch_form.draw_input(form, mode, turn, problems)
    launch_form.draw_options(form, deps.app().settings.recursion_limit)
    launch_form.draw_problems(rest)
    st.button(
        "Launch",
        key=keys.launch_submit(workflow.name),
        icon=":material/rocket_launch:",
        type="primary",
        on_click=start,
        args=(form, mode, turn, state.drawn_form(STARTED)),
    )
    if workflow.input_schema is not None:
        with st.expander("What the input must look like (JSON Schema)"):
            st.json(workflow.input_schema, expanded=1)


def draw() -> None:
    workflow = choose(observing.list_workflows(deps.app()))
    if workflow is None:
        draw_nothing()
        return
    if workflow.description:
        st.text(workflow.description)
    if workflow.error is not None:
        st.error("This workflow could not be loaded. The others work.")
        draw_text(workflow.error)
        return
    draw_form(workflow)


if st.session_state.get(STARTED):
    started = st.session_state.pop(STARTED)
    state.renew_form(STARTED)
    st.switch_page(page_path("run"), query_params={"run_id": started})
st.title("Launch", anchor=False)
draw_note(state.take_note())
draw_workers()
draw()
