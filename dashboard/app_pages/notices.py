from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.core.errors import InterlockError, NotAllowed
from interlock.core.services import notice_desk
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.figures import draw_figures
from interlock.dashboard.components.links import page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.components.pages import draw_pages
from interlock.dashboard.components.tables import draw_table, read_picked
from interlock.dashboard.views import told
from interlock.dashboard.views.escaping import md_escape

WANTED = "notices-wanted"
REFRESH_S = 30.0


def carry_out(act: Callable[[], object], said: str) -> None:
    try:
        act()
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        state.leave_note(state.Note("done", said))


def send_test(name: str) -> None:
    carry_out(
        lambda: notice_desk.send_test(deps.app(), name, actor=deps.actor()),
        "A test is on its way; it stands in the list below.",
    )


def try_again(ids: Sequence[str]) -> None:
    app, actor = deps.app(), deps.actor()
    carry_out(
        lambda: [notice_desk.try_again(app, each, actor=actor) for each in ids],
        "They are tried again.",
    )


def choose() -> None:
    chosen = st.session_state[keys.told_status()]
    state.set_params(show=chosen if chosen and chosen != told.ALL else None, page=None)


def turn(page: int) -> None:
    state.set_params(page=str(page) if page > 1 else None)


def pick(key: str, ids: Sequence[str]) -> None:
    st.session_state[WANTED] = read_picked(key, ids)


def draw_rules(view: told.ToldView) -> None:
    st.subheader("The rules", anchor=False)
    if not view.rules:
        st.caption(view.no_rules)
        return
    draw_table(
        view.rules,
        key=keys.told_rules(),
        is_whole=True,
        alt="Who is told of what, where to, and whether that works",
    )
    for line in view.problems:
        st.text(line)
    with st.container(horizontal=True, gap="small"):
        for name in view.rule_names:
            st.button(
                f"Test {md_escape(name)}",
                key=keys.told_test(name),
                icon=":material/send:",
                on_click=send_test,
                args=(name,),
            )


def draw_messages(view: told.ToldView, shown: str, page: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.subheader("Messages", anchor=False, width="stretch")
        if view.given_up:
            st.button(
                told.say_again(len(view.given_up)),
                key=keys.told_again(),
                icon=":material/replay:",
                on_click=try_again,
                args=(view.given_up,),
            )
        st.segmented_control(
            "Which",
            list(told.FILTERS),
            default=shown,
            key=keys.told_status(),
            label_visibility="collapsed",
            on_change=choose,
        )
    if not view.rows:
        st.caption(view.summary)
    else:
        draw_table(
            view.rows,
            key=keys.told_table(view.ids),
            ids=view.ids,
            on_pick=pick,
            is_whole=True,
            alt="Messages, newest first: to whom, of what, and whether they arrived",
        )
    if page > 1 or view.has_more:
        draw_pages(page, page + int(view.has_more), key_of=keys.told_page, on_turn=turn)
    st.caption(view.as_of)


@st.fragment
def draw() -> None:
    live("notices", key=keys.live("notices"), refresh_s=REFRESH_S)
    app = deps.app()
    page = state.read_number("page", 1)
    shown = state.read_choice("show", told.FILTERS, told.ALL)
    draw_note(state.take_note())
    try:
        found = notice_desk.list_notices(
            app,
            statuses=told.FILTERS[shown],
            limit=told.PAGE_COUNT + 1,
            offset=(page - 1) * told.PAGE_COUNT,
        )
    except NotAllowed as exc:
        st.caption(md_escape(str(exc)))
        return
    view = told.build(found, shown=shown)
    draw_figures(view.figures)
    draw_rules(view)
    draw_messages(view, shown, page)
    link = view.links.get(st.session_state.pop(WANTED, None) or "")
    if link is not None:
        st.switch_page(page_path(link.page), query_params=dict(link.params))


st.title("Notices", anchor=False)
draw()
