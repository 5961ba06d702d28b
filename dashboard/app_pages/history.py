from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.errors import NotFound
from interlock.core.model.thread_lists import ThreadFilter
from interlock.core.services import attaching, history, observing, threads_listing
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.history_moves import SHOWN
from interlock.dashboard.app_pages.history_parts import draw_panes
from interlock.dashboard.app_pages.history_staged import draw_staged
from interlock.dashboard.app_pages.history_tree import draw_tree
from interlock.dashboard.components.history_controls import draw_threads
from interlock.dashboard.components.links import draw_empty, draw_link, page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import attached, threads
from interlock.dashboard.views.notices import Empty, Link

WANTED = "history-wanted"
EVERY = "All workflows"


def pick(key: str, ids: Sequence[str]) -> None:
    st.session_state[WANTED] = read_picked(key, ids)


def find() -> None:
    words = st.session_state[keys.history_find("words")].strip()
    workflow = st.session_state[keys.history_find("workflow")]
    state.set_params(q=words or None, workflow=None if workflow == EVERY else workflow, after=None)


def page_on(thread_id: str | None) -> None:
    state.set_params(after=thread_id)


def draw_find(words: str, workflow: str | None) -> None:
    names = [w.name for w in observing.list_workflow_names(deps.app())]
    chosen = workflow or EVERY
    for key, value in (("words", words), ("workflow", chosen)):
        if st.session_state.get(keys.history_find(key)) != value:
            st.session_state[keys.history_find(key)] = value
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Search",
            key=keys.history_find("words"),
            placeholder="An id of a thread or its end, words of an input, who launched it",
            label_visibility="collapsed",
            icon=":material/search:",
            max_chars=200,
            on_change=find,
            width="stretch",
        )
        st.selectbox(
            "Workflow",
            list(dict.fromkeys([EVERY, *names, chosen])),
            key=keys.history_find("workflow"),
            label_visibility="collapsed",
            on_change=find,
            width=240,
        )


@st.fragment
def draw_list() -> None:
    """The threads, of which one is opened."""
    live("runs", "inbox", "workflows", key=keys.live("history-threads"))
    app = deps.app()
    words, workflow = state.read_param("q", "") or "", state.read_param("workflow")
    draw_find(words, workflow)
    after = state.read_param("after")
    wanted = ThreadFilter(workflow=workflow, words=words)
    try:
        found = threads_listing.list_threads(
            app, wanted, limit=threads.PAGE_COUNT + 1, before=after
        )
    except NotFound:  # it was pruned since
        found = []
    view = threads.build(
        found,
        is_filtered=bool(words or workflow or after),
        workflows=observing.list_workflow_names(app),
        now=app.clock.now(),
    )
    if view.empty is not None:
        draw_empty(view.empty)
    else:
        draw_threads(view, on_pick=pick)
    with st.container(horizontal=True):
        if after is not None:
            st.button("The newest", key=keys.history_find("newest"), on_click=page_on, args=(None,))
        if view.next_id is not None:
            st.button(
                "Older threads",
                key=keys.history_find("older"),
                on_click=page_on,
                args=(view.next_id,),
            )
    if st.session_state.get(WANTED):
        st.switch_page(page_path("history"), query_params={"thread": st.session_state.pop(WANTED)})


def draw(thread_id: str | None) -> None:
    if thread_id is None:
        st.title("Time machine", anchor=False)
        draw_list()
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Time machine", anchor=False, width="stretch")
        draw_link(Link("All threads", "history"))
    try:
        _, head_id = history.list_points(deps.app(), thread_id, limit=1)
    except NotFound:
        draw_empty(Empty("There is no such thread.", Link("All threads", "history")))
        return
    thread = attaching.find_thread(deps.app(), thread_id)
    draw_notice(attached.say_of_thread(thread, is_open=False))
    st.session_state[SHOWN] = head_id
    draw_tree(thread_id)
    draw_staged(thread_id)
    at = state.read_param("at") or head_id
    if at is None or head_id is None:
        return
    try:
        history.read_point(deps.app(), thread_id, at)
    except NotFound:  # it may have been pruned
        newest = Link("Its newest point", "history", {"thread": thread_id})
        draw_empty(Empty("There is no such point in this thread.", newest))
        return
    draw_panes(thread_id, at, head_id)


draw(state.read_param("thread"))
