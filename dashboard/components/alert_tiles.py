"""Alerts as tiles, what is most urgent first, and the silences; both return what an operator wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.links import draw_link
from interlock.dashboard.views.alerts import DEFAULT_SILENCE, SILENCES, AlertTile, SilenceRow
from interlock.dashboard.views.escaping import md_escape

MAX_REASON_CHARS = 2000
OnAct = Callable[[str], None]


def draw_alerts(tiles: Sequence[AlertTile], *, on_ack: OnAct, on_silence: OnAct) -> None:
    """
    Draw the alerts.

    Args:
        tiles: In order.
        on_ack: Called with the id of an alert that somebody looks after.
        on_silence: Called with the id of one that is to be kept quiet.
    """
    for tile in tiles:
        with st.container(border=True, key=keys.alert(tile.alert_id), gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                draw_badge(tile.look)
                st.markdown(f"**{md_escape(tile.title)}**", width="stretch")
            st.caption(md_escape(tile.line), help=md_escape(tile.exact))
            st.markdown(md_escape(tile.advice))
            if tile.seen_to:
                st.markdown(f":gray[:material/person_check: {md_escape(tile.seen_to)}]")
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                if tile.link is not None:
                    with st.container(key=keys.alert_link(tile.alert_id), width="content"):
                        draw_link(tile.link, icon=":material/arrow_outward:")
                if tile.can_acknowledge:
                    _draw_acknowledging(tile.alert_id, on_ack)
                _draw_silencing(tile.alert_id, on_silence)


def _draw_acknowledging(alert_id: str, on_ack: OnAct) -> None:
    with st.popover(
        "Acknowledge",
        key=keys.alert_act(alert_id, "form-ack"),
        icon=":material/person_check:",
    ):
        _ask_words(alert_id, "note", "What you do about it (optional)")
        _offer(alert_id, "ack", "I look after it", on_ack)


def _draw_silencing(alert_id: str, on_silence: OnAct) -> None:
    with st.popover(
        "Silence",
        key=keys.alert_act(alert_id, "form-silence"),
        icon=":material/notifications_off:",
    ):
        st.selectbox(
            "For",
            list(SILENCES),
            index=list(SILENCES).index(DEFAULT_SILENCE),
            key=keys.alert_field(alert_id, "for"),
            on_change="ignore",
        )
        st.checkbox(
            "The whole rule, whatever it is about",
            key=keys.alert_field(alert_id, "whole"),
            on_change="ignore",
        )
        _ask_words(alert_id, "reason", "Reason (optional)")
        _offer(alert_id, "silence", "Tell nobody until then", on_silence)


def _ask_words(alert_id: str, name: str, label: str) -> None:
    st.text_input(
        label,
        key=keys.alert_field(alert_id, name),
        max_chars=MAX_REASON_CHARS,
        on_change="ignore",
    )


def _offer(alert_id: str, act: str, label: str, on_act: OnAct) -> None:
    st.button(
        label,
        key=keys.alert_act(alert_id, act),
        on_click=on_act,
        args=(alert_id,),
        width="stretch",
    )


def draw_silences(rows: Sequence[SilenceRow], *, on_end: OnAct) -> None:
    for row in rows:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(gap=None, width="stretch"):
                st.markdown(md_escape(row.what))
                st.caption(md_escape(row.line))
            st.button(
                "End now",
                key=keys.silence_end(row.silence_id),
                icon=":material/notifications_active:",
                on_click=on_end,
                args=(row.silence_id,),
            )
