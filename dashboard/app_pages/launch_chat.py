"""The part of the launch page where a workflow is talked to, message by message on one thread."""

from __future__ import annotations

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.model.runs import OPEN
from interlock.core.services import conversing, launching, observing
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.launch_requests import make_request
from interlock.dashboard.components import chat as drawing
from interlock.dashboard.components import launch_form
from interlock.dashboard.components.live import live
from interlock.dashboard.components.schema_form import read_fields
from interlock.dashboard.views import chat, launch

THREAD = "thread_id"  # of the URL: a conversation can be linked to
SENDING = "launch-chat-message"
EVENTS_COUNT = 1000


def send(form: launch.LaunchForm, turn: int) -> None:
    """Send what was typed as the next message of the thread; refused, it is given back."""
    app, actor = deps.app(), deps.actor()
    text = st.session_state[keys.launch_chat(form.workflow)]
    held = read_fields(form.fields, launch_form.field_key(form.workflow, turn))
    try:
        value = launch.read_form(form, {**held, launch.MESSAGES: text})
        request = make_request(form, value, thread_id=state.read_param(THREAD))
        drawn = state.drawn_form(SENDING)
        run = state.once(drawn, lambda: launching.launch(app, request, actor=actor))
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc), detail=text))
    else:
        state.renew_form(SENDING)
        state.set_params(**{THREAD: run.thread_id})


def begin_anew() -> None:
    state.set_params(**{THREAD: None})


@st.fragment
def draw_talk(thread_id: str, workflow: str) -> None:
    app = deps.app()
    talk = conversing.read_talk(app, thread_id)
    topics = ("runs", "inbox") if talk is None else ("runs", "inbox", f"run:{talk.run.run_id}")
    live(*topics, key=keys.live(f"chat-{thread_id}"))
    talk = conversing.read_talk(app, thread_id)
    if talk is None or talk.workflow != workflow:
        st.caption("This thread has no conversation with this workflow. Begin a new one.")
        return
    events = (
        observing.list_events(app, talk.run.run_id, kinds=("message",), limit=EVENTS_COUNT)
        if talk.run.status in OPEN
        else []
    )
    drawing.draw_chat(chat.build(talk, events))


def draw_chat(form: launch.LaunchForm, turn: int) -> None:
    thread_id = state.read_param(THREAD)
    if thread_id is None:
        st.caption("Each message is a run; they go on with one thread.")
    else:
        draw_talk(thread_id, form.workflow)
    st.chat_input(
        "Your message",
        key=keys.launch_chat(form.workflow),
        on_submit=send,
        args=(form, turn),
    )
    if thread_id is not None:
        st.button(
            "New conversation",
            key=keys.launch_chat_anew(form.workflow),
            icon=":material/add_comment:",
            on_click=begin_anew,
        )
    launch_form.draw_options(form, deps.app().settings.recursion_limit, has_thread=False)
