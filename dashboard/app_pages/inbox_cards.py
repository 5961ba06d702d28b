"""The inbox's list, and which of its cards is open: what is filtered, picked, next in turn."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.model.approvals import ApprovalSummary
from interlock.core.services import observing
from interlock.dashboard import deps, keys
from interlock.dashboard.components import inbox_session as session
from interlock.dashboard.components.inbox_list import draw_list, draw_new
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.live import live
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import inbox

EVERY = "All workflows"
PENDING_COUNT = 200  # among them the next card is looked for
LIST, DETAIL = "inbox-list-part", "inbox-detail-part"  # the two fragments of the page


def pick_row(key: str, ids: Sequence[str], marked: str | None) -> None:
    wanted = read_picked(key, ids, marked)
    if wanted is not None:
        session.pick(wanted)
        session.turn_list()
        st.rerun([LIST, DETAIL])


def show_new(shelf: str) -> None:
    session.let_in(shelf, deps.app().clock.now())


@st.fragment(key=LIST)
def draw_cards() -> None:
    live("inbox", "workflows", key=keys.live("inbox-list"))
    app = deps.app()
    now = app.clock.now()
    workflows = observing.list_workflow_names(app)
    with st.container(key=keys.inbox_list(), gap="small"):
        shelf = st.segmented_control(
            "Cards",
            list(inbox.SHELVES),
            default="pending",
            required=True,
            format_func=inbox.SHELF_NAMES.__getitem__,
            key=keys.inbox_status(),
            label_visibility="collapsed",
        )
        shelf = shelf or "pending"
        chosen = st.selectbox(
            "Workflow",
            [EVERY, *(w.name for w in workflows)],
            key=keys.inbox_workflow(),
            label_visibility="collapsed",
        )
        workflow = None if chosen == EVERY else chosen
        shown = f"{shelf}-{workflow}"
        page = int(st.session_state.get(keys.inbox_page(shown), 1))
        view = find_cards(shelf, workflow, page)
        if inbox.may_let_in(view):
            session.let_in(shown, now)
            view = find_cards(shelf, workflow, page)
        session.keep_order(view.ids)
        draw_new(view, on_show=lambda: show_new(shown))
        draw_list(view, turn=session.turn(), on_pick=pick_row)
        if view.page_count > 1:
            st.pagination(view.page_count, key=keys.inbox_page(shown))


def find_cards(shelf: str, workflow: str | None, page: int) -> inbox.InboxList:
    app = deps.app()
    now = app.clock.now()
    statuses = inbox.SHELVES[shelf]
    cards = observing.list_inbox_rows(
        app,
        statuses=statuses,
        workflow=workflow,
        limit=inbox.PAGE_COUNT,
        offset=(page - 1) * inbox.PAGE_COUNT,
        newest_first=shelf != "pending",
    )
    newest: Sequence[ApprovalSummary] = ()
    if shelf == "pending":
        newest = observing.list_inbox_rows(
            app, workflow=workflow, limit=inbox.NEW_LIMIT_COUNT + 1, newest_first=True
        )
    return inbox.build(
        cards,
        newest=newest,
        seen_until=session.seen_until(f"{shelf}-{workflow}", now),
        total=observing.count_inbox(app, statuses=statuses, workflow=workflow),
        shelf=shelf,
        wanted_id=session.picked(),
        is_filtered=workflow is not None,
        workflows=observing.list_workflow_names(app),
        now=now,
    )


def choose_card() -> str | None:
    """The chosen card, which stays chosen; where there is none the next one in turn."""
    wanted = session.picked()
    if wanted is None:
        pending = [
            a.approval_id for a in observing.list_inbox_rows(deps.app(), limit=PENDING_COUNT)
        ]
        wanted = inbox.choose_next(session.order(), pending, session.after())
        if session.after() is not None:
            session.note_coming(wanted)
    if wanted is not None:
        session.pick(wanted)
    return wanted


@st.fragment
def draw_nothing() -> None:
    live("inbox", "workflows", key=keys.live("inbox-empty"))
    app = deps.app()
    if observing.count_inbox(app):
        st.rerun()
    draw_empty(inbox.say_nothing_chosen(observing.list_workflow_names(app)))
