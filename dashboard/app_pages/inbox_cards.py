"""The inbox's list, and which of its cards is open: what is filtered, picked, next in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from interlock.core.model.inbox_filters import InboxFilter, Sort
from interlock.core.services import handing, observing, sifting
from interlock.core.services.context import App
from interlock.core.types import ApprovalId
from interlock.dashboard import deps, keys
from interlock.dashboard.components import bulk_session as chosen
from interlock.dashboard.components import inbox_session as session
from interlock.dashboard.components.bulk import draw_checks
from interlock.dashboard.components.figure_tables import draw_saves
from interlock.dashboard.components.inbox_list import (
    draw_clear,
    draw_filters,
    draw_list,
    draw_new,
    draw_steps,
)
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.live import live
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import hands, inbox, inbox_filters, saved
from interlock.dashboard.views.formatting import format_count
from interlock.dashboard.views.inbox_filters import Sieve
from interlock.dashboard.views.sheets import Sheet

LIST, DETAIL = "inbox-list-part", "inbox-detail-part"  # the two fragments of the page
EVERYTHING = InboxFilter()  # that waits


@st.fragment(key=LIST)
def draw_cards() -> None:
    live("inbox", "workflows", key=keys.live("inbox-list"))
    app = deps.app()
    with st.container(key=keys.inbox_list(), gap="small"):
        before = read_sieve()
        nodes = sifting.list_nodes(app, read(before))
        workflows = [w.name for w in observing.list_workflow_names(app)]
        draw_filters(
            before,
            workflows=workflows,
            nodes=nodes,
            on_change=look_again,
            on_clear=clear_filters,
            on_several=choose_several,
            is_several=chosen.is_choosing(),
            is_known=is_known(),
        )
        sieve = read_sieve()  # with what the browser brought along
        view = find_cards(sieve)
        if inbox.may_let_in(view):
            session.let_in(sieve.name, app.clock.now())
            view = find_cards(sieve)
        session.keep_order(view.ids)
        draw_new(view, on_show=lambda: session.let_in(sieve.name, app.clock.now()))
        is_choosing = chosen.is_choosing() and view.empty is None
        if is_choosing:
            draw_checks(view, on_check=check, on_all=check_all, on_none=check_none)
        else:
            draw_list(view, turn=session.turn(), on_pick=pick_row, on_clear=clear_filters)
        shown = name_list(sieve)
        draw_steps(
            view,
            page_key=lambda turn: keys.inbox_page(shown, turn),
            on_step=None if is_choosing else take_step,
            on_turn=lambda page: session.turn_page(shown, page),
        )
        if view.rows:
            now = app.clock.now()
            draw_saves(
                partial(read_cards, app, read(sieve), sieve.sort),
                name="cards",
                about=f"Save the cards of this list, {format_count(saved.MAX_ROWS)} at most,",
                file_at=f"{now:%Y%m%d-%H%M}",
                place="cards",
            )


def read_sieve() -> Sieve:
    """What the list is sifted by; whoever signed in sees first what is theirs to decide."""
    return session.read_sieve(is_known=is_known())


def is_known() -> bool:
    """Whether somebody signed in, so that cards may be theirs."""
    return not deps.person(deps.app()).is_trusted


def read(sieve: Sieve, *, shelf: str | None = None) -> InboxFilter:
    """What it means now, for whoever looks at it."""
    app = deps.app()
    return sieve.read(app.clock.now(), shelf=shelf, person=deps.person(app))


def read_waiting(sieve: Sieve) -> InboxFilter:
    """What waits for whoever looks at it: of the same filter, and nobody else has it."""
    now = deps.app().clock.now()
    waiting = read(sieve, shelf=inbox_filters.PENDING)
    return replace(waiting, free_for=deps.actor(), as_of=now)


def read_cards(app: App, wanted: InboxFilter, sort: Sort) -> Sheet:
    """Read when it is saved."""
    return saved.save_cards(sifting.list_rows(app, wanted, sort=sort, limit=saved.MAX_ROWS))


def name_list(sieve: Sieve) -> str:
    """What has pages of its own: a list in one order."""
    return f"{sieve.name}\x1f{sieve.sort}"


def find_cards(sieve: Sieve) -> inbox.InboxList:
    """One page of the list; a page that is there no more becomes the last one."""
    app, shown = deps.app(), name_list(sieve)
    now = app.clock.now()
    page = session.page(shown)
    found = sift(sieve, page)
    wanted = session.picked()
    seen_until = session.seen_until(sieve.name, now)
    let_in = inbox.find_seen_until(found.newer, wanted, seen_until)
    last = inbox.count_pages(found.total)
    if page > last or let_in != seen_until:
        session.let_in(sieve.name, let_in)
        page = min(page, last)
        session.turn_page(shown, page)
        found = sift(sieve, page)
    return inbox.build(
        found,
        is_outside=is_outside(sieve, wanted, [row.approval_id for row in found.rows]),
        sieve=sieve,
        page=page,
        wanted_id=wanted,
        hands=say_hands([row.approval_id for row in found.rows]),
        workflows=observing.list_workflow_names(app),
        now=now,
    )


def say_hands(ids: Sequence[ApprovalId]) -> Mapping[str, str]:
    """Who has which of the listed cards, and who has them open."""
    me = deps.actor()
    found = handing.read_many(deps.app(), ids)
    return {each: hands.say_in_list(*held, me=me) for each, held in found.items()}


def is_outside(sieve: Sieve, wanted: str | None, listed: Sequence[str]) -> bool:
    """Whether the open card is one that the filter does not let through, on any page."""
    if wanted is None or wanted in listed or not sieve.said:
        return False
    app = deps.app()
    asked = replace(read(sieve), ids=(ApprovalId(wanted),))
    return not sifting.count(app, asked)


def sift(sieve: Sieve, page: int) -> sifting.Sifted:
    app = deps.app()
    now = app.clock.now()
    return sifting.sift(
        app,
        read(sieve),
        shelves=inbox_filters.SHELVES,
        seen_until=session.seen_until(sieve.name, now) if sieve.is_pending else None,
        sort=sieve.sort,
        limit=inbox.PAGE_COUNT,
        offset=(page - 1) * inbox.PAGE_COUNT,
        newer_limit=inbox.NEW_LIMIT_COUNT + 1,
    )


def pick_row(key: str, ids: Sequence[str], marked: str | None) -> None:
    wanted = read_picked(key, ids, marked)
    if wanted is not None:
        open_card(wanted)


def choose_several() -> None:
    """Begin to choose several cards of those that wait, or end it."""
    if chosen.is_choosing():
        chosen.end()
    else:
        chosen.begin()
    redraw()


def check(approval_id: str, version: int) -> None:
    chosen.check(approval_id, version)
    redraw()


def check_all(cards: Sequence[tuple[str, int]]) -> None:
    chosen.add(cards)
    redraw()


def check_none() -> None:
    chosen.clear()
    redraw()


def redraw() -> None:
    """Draw the list and the card again, from a callback."""
    st.rerun([LIST, DETAIL])


def look_again() -> None:
    """Another filter was chosen: where no card is open the next one may be another."""
    if session.picked() is None:
        redraw()


def clear_filters() -> None:
    session.clear_sieve()
    look_again()


def take_step(by: int) -> None:
    """Go to the card before or after the chosen one, over the end of a page, too."""
    ids = session.order()
    wanted = inbox.step(ids, session.picked(), by)
    if wanted is None and ids:
        sieve = read_sieve()
        page = session.page(name_list(sieve)) + by
        rows = sift(sieve, page).rows if page > 0 else ()
        if rows:
            session.turn_page(name_list(sieve), page)
            wanted = rows[0 if by > 0 else -1].approval_id
    if wanted is not None:
        open_card(wanted)


def open_card(approval_id: str) -> None:
    session.pick(approval_id)
    session.turn_list()
    redraw()


def choose_card() -> str | None:
    """The chosen card, which stays chosen; where there is none the next one in turn."""
    wanted = session.picked()
    if wanted is None:
        app = deps.app()
        sieve = read_sieve()
        waiting = read_waiting(sieve)
        sort = sieve.sort if sieve.is_pending else inbox_filters.DEFAULT_SORT
        pending = sifting.list_next(app, waiting, among=session.order(), sort=sort)
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
    sieve = read_sieve()
    if sifting.count(app, read_waiting(sieve)):
        st.rerun()
    others = sifting.count(app, EVERYTHING)
    held = sifting.count(app, read(sieve, shelf=inbox_filters.PENDING))
    workflows = observing.list_workflow_names(app)
    draw_empty(inbox.say_nothing_chosen(sieve, others, workflows, held=held))
    if sieve.said and others:
        draw_clear("nothing", on_clear=clear_filters)
