from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from interlock.core.errors import FieldProblem, InterlockError, InvalidInput
from interlock.core.model.workflows import Workflow
from interlock.core.services import launching, observing
from interlock.core.types import Json
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.launch_chat import THREAD, draw_chat
from interlock.dashboard.app_pages.launch_file import STARTED as STARTED_BATCH
from interlock.dashboard.app_pages.launch_file import draw_file_mode, draw_recent_files
from interlock.dashboard.app_pages.launch_requests import make_request
from interlock.dashboard.components import launch_form
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.graph import draw_graph
from interlock.dashboard.components.links import draw_empty, page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note, draw_notice
from interlock.dashboard.components.schema_form import read_fields
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.views import graph, launch
from interlock.dashboard.views.escaping import md_escape, show_hidden
from interlock.dashboard.views.flow import find_flow_notice
from interlock.dashboard.views.forms import ABSENT

SEEDS = "launch-seeds"  # per workflow: how often its form was filled anew, and with what
PROBLEMS = "launch-problems"
STARTED = "launch-started"
WRITTEN = "launch-written-as"  # per workflow: form or JSON, whichever was last written in
WRITTEN_MODES = ("form", "json")
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
    """Carry what is typed over to the other way of writing it; chat and file write nothing there."""
    key = keys.launch_json_switch(form.workflow)
    mode = st.session_state.get(key)
    written = st.session_state.setdefault(WRITTEN, {})
    first = next(each for each in form.modes if each in WRITTEN_MODES)
    if mode not in WRITTEN_MODES or mode == written.get(form.workflow, first):
        return
    try:
        if mode == "json":
            key_of = launch_form.field_key(form.workflow, turn)
            fill(form.workflow, launch.read_partly(form, read_fields(form.fields, key_of)))
            written[form.workflow] = mode
            return
        value = read_input(form, "json", turn)
    except InvalidInput as exc:
        keep_problems(form.workflow, exc.problems)
        st.session_state[key] = "form" if mode == "json" else "json"
        return
    if launch.can_show(form, value):
        fill(form.workflow, value)
        written[form.workflow] = mode
    else:
        st.session_state[key] = "json"
        problem = FieldProblem("", "the form has no field for a part of this; launch it as JSON")
        keep_problems(form.workflow, [problem])


def start(form: launch.LaunchForm, mode: str, turn: int, drawn: str) -> None:
    app = deps.app()
    thread_id = launch_form.read_options(form)["thread_id"] or None
    keep_problems(form.workflow, ())
    try:
        request = make_request(form, read_input(form, mode, turn), thread_id=thread_id)
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
        on_change=lambda: state.set_params(**{WANTED: st.session_state[key], THREAD: None}),
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
        if mode == "file":
            draw_recent_files()
        elif mode != "chat":
            draw_recent(workflow.name)
    if mode == "file":
        draw_file_mode(workflow, form)
    elif mode == "chat":
        draw_chat(form, turn)
    else:
        draw_single(form, mode, turn)
    if workflow.input_schema is not None:
        with st.expander("What the input must look like (JSON Schema)"):
            draw_value(workflow.input_schema, expanded=1)


def draw_single(form: launch.LaunchForm, mode: str, turn: int) -> None:
    problems = st.session_state.get(PROBLEMS, {}).get(form.workflow, ())
    rest = launch_form.draw_input(form, mode, turn, problems)
    launch_form.draw_options(form, deps.app().settings.recursion_limit)
    launch_form.draw_problems(rest)
    st.button(
        "Launch",
        key=keys.launch_submit(form.workflow),
        icon=":material/rocket_launch:",
        type="primary",
        on_click=start,
        args=(form, mode, turn, state.drawn_form(STARTED)),
    )


def draw() -> None:
    workflow = choose(observing.list_workflows(deps.app()))
    if workflow is None:
        draw_nothing()
        return
    if workflow.description:
        st.text(show_hidden(workflow.description))
    if workflow.error is not None:
        st.error("This workflow could not be loaded. The others work.")
        draw_text(workflow.error)
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        draw_form(workflow)
    with right:
        draw_graph(graph.build(workflow, {}, read_theme()))


if st.session_state.get(STARTED):
    started = st.session_state.pop(STARTED)
    state.renew_form(STARTED)
    st.switch_page(page_path("run"), query_params={"run_id": started})
if started_batch := st.session_state.pop(STARTED_BATCH, None):
    state.renew_form(STARTED_BATCH)
    batch_id, left_out = started_batch
    told = {"left_out": str(left_out)} if left_out else {}
    st.switch_page(page_path("batch"), query_params={"batch_id": batch_id, **told})
st.title("Launch", anchor=False)
draw_note(state.take_note())
draw_workers()
draw()
