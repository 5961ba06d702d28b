"""The inbox while several cards are chosen: their contents, one word for all, what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from interlock.core.errors import InterlockError
from interlock.core.model.approvals import Verb
from interlock.core.services import bulk_deciding
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages import inbox_cards
from interlock.dashboard.components import bulk_session as chosen
from interlock.dashboard.components import inbox_session as session
from interlock.dashboard.components.bulk import draw_chosen, draw_report
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_aside
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import bulk, hiding
from interlock.dashboard.views.bulk import BulkView
from interlock.dashboard.views.notices import Notice


def draw_bulk(bar: DeltaGenerator) -> None:
    """The place of the one card: what is chosen, or what came of what was."""
    app = deps.app()
    with st.container(key=keys.inbox_detail(), gap="small"):
        report = chosen.report()
        if report is not None:
            draw_report(
                report, file_at=f"{app.clock.now():%Y%m%d-%H%M}", on_pick=open_one, on_close=close
            )
            return
        view = build()
        draw_chosen(
            view,
            bar=bar,
            draw_fresh=partial(draw_fresh, view),
            on_drop=drop,
            on_anew=choose_anew,
            on_turn=turn,
            on_decide=decide,
        )
        chosen.note_seen(view.seen)


def build() -> BulkView:
    """What is chosen, as it is now."""
    app = deps.app()
    found = bulk_deciding.look(app, chosen.picks(), name=deps.actor())
    if app.settings.mask_cards:
        found = hiding.hide_chosen(found)
    return bulk.build(found, page=chosen.page(), seen=chosen.seen(), now=app.clock.now())


@st.fragment
def draw_fresh(drawn: BulkView) -> None:
    """Says what has changed since the contents were drawn; they themselves stay where they are."""
    with st.container(gap=None):
        live("inbox", key=keys.live("bulk-fresh"))
        changed = bulk.say_changed(drawn, build())
        if changed:
            draw_aside(Notice("warning", changed))


def decide(drawn: BulkView, verb: Verb) -> None:
    """Decide exactly what was drawn; a second click gets what came of the first."""
    state.ask_for_drawing()
    app, actor = deps.app(), deps.actor()
    reason = str(st.session_state.get(keys.bulk_reason()) or "").strip()
    act = partial(bulk_deciding.decide_many, app, drawn.picks, verb, reason=reason, actor=actor)
    try:
        told = state.once(state.drawn_form(chosen.PLACE), act)
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
        return
    chosen.keep_report(bulk.build_report(told, drawn.left_out, now=app.clock.now()))
    chosen.clear()
    st.session_state.pop(keys.bulk_reason(), None)
    state.renew_form(chosen.PLACE)
    if session.picked() in [each.pick.approval_id for each in told if each.is_done]:
        session.pick(None)  # who goes back to one card finds one that waits
        chosen.begin()
    session.turn_list()


def close() -> None:
    chosen.keep_report(None)
    inbox_cards.redraw()


def open_one(key: str, ids: Sequence[str]) -> None:
    """Open a card of the report, which stays."""
    wanted = read_picked(key, ids)
    if wanted is not None:
        inbox_cards.open_card(wanted)


def drop(approval_id: str) -> None:
    chosen.drop(approval_id)
    inbox_cards.redraw()


def choose_anew(approval_id: str, version: int) -> None:
    chosen.choose_anew(approval_id, version)
    inbox_cards.redraw()


def turn(page: int) -> None:
    chosen.turn_page(page)
    inbox_cards.redraw()
