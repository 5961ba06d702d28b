from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.services import alert_watching, alerting
from interlock.core.services.context import App
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.alert_tiles import draw_alerts, draw_silences
from interlock.dashboard.components.figure_tables import draw_saves
from interlock.dashboard.components.links import page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.components.pages import draw_pages
from interlock.dashboard.components.tables import draw_table, read_picked
from interlock.dashboard.views import alerts, saved
from interlock.dashboard.views.sheets import Sheet

WANTED = "alerts-wanted"
REFRESH_S = 30.0  # ages and countdowns


def carry_out(act: Callable[[], object], said: str) -> None:
    try:
        act()
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        state.leave_note(state.Note("done", said))


def read_text(alert_id: str, field: str) -> str:
    return (st.session_state.get(keys.alert_field(alert_id, field)) or "").strip()


def acknowledge(alert_id: str) -> None:
    note = read_text(alert_id, "note")
    carry_out(
        lambda: alerting.acknowledge(deps.app(), alert_id, actor=deps.actor(), reason=note),
        "You look after it. It stays here until its cause has gone.",
    )


def silence(alert_id: str) -> None:
    span = st.session_state.get(keys.alert_field(alert_id, "for")) or alerts.DEFAULT_SILENCE
    is_whole = bool(st.session_state.get(keys.alert_field(alert_id, "whole")))
    carry_out(
        lambda: alerting.silence(
            deps.app(),
            alert_id,
            for_s=alerts.SILENCES[span].total_seconds(),
            actor=deps.actor(),
            reason=read_text(alert_id, "reason"),
            whole_rule=is_whole,
        ),
        f"Silenced for {span}.",
    )


def end_silence(silence_id: str) -> None:
    carry_out(
        lambda: alerting.end_silence(deps.app(), silence_id, actor=deps.actor()),
        "The silence has ended.",
    )


def turn(page: int) -> None:
    state.set_params(page=str(page) if page > 1 else None)


def pick(key: str, ids: Sequence[str]) -> None:
    st.session_state[WANTED] = read_picked(key, ids)


def read_all(app: App) -> Sheet:
    """Read when it is saved."""
    found = alerting.list_alerts(app, ended_count=saved.MAX_ROWS)
    return saved.save_alerts([*found.open, *found.ended])


@st.fragment
def draw() -> None:
    live("alerts", key=keys.live("alerts"), refresh_s=REFRESH_S)
    app = deps.app()
    page = state.read_number("page", 1)
    found = alerting.list_alerts(
        app, ended_count=alerts.PAGE_COUNT + 1, ended_offset=(page - 1) * alerts.PAGE_COUNT
    )
    view = alerts.build(found, rules=alert_watching.rules_in_force(app))
    draw_note(state.take_note())
    st.caption(view.summary or view.nothing)
    draw_alerts(view.tiles, on_ack=acknowledge, on_silence=silence)
    if view.silences:
        st.subheader("Kept quiet", anchor=False)
        draw_silences(view.silences, on_end=end_silence)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.subheader("Ended", anchor=False, width="stretch")
        draw_saves(
            partial(read_all, app),
            name="alerts",
            about="Save the alerts, those that hold and those that have ended,",
            file_at=f"{found.at:%Y%m%d-%H%M}",
            place="alerts",
        )
    st.caption(view.nothing_ended)
    if view.ended:
        draw_table(
            view.ended,
            key=keys.alerts_history(view.ended_ids),
            ids=view.ended_ids,
            on_pick=pick,
            is_whole=True,
            alt="Alerts that have ended, newest first",
        )
    if page > 1 or view.has_more:
        draw_pages(page, page + int(view.has_more), key_of=keys.alerts_page, on_turn=turn)
    with st.expander("The rules"):
        draw_table(view.rules, key=keys.alerts_rules(), is_whole=True, alt="The rules of alerts")
    st.caption(view.as_of)
    link = view.ended_links.get(st.session_state.pop(WANTED, None) or "")
    if link is not None:
        st.switch_page(page_path(link.page), query_params=dict(link.params))


st.title("Alerts", anchor=False)
draw()
