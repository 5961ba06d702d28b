"""Breakers as tiles: how they stand, what comes to them, and the three things an operator may do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.core.model.breaker import Order
from interlock.dashboard import keys
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.charts import draw_chart
from interlock.dashboard.components.tables import let_break
from interlock.dashboard.views.breakers import Tile
from interlock.dashboard.views.escaping import md_escape

WIDTH = 312  # pixels: three side by side on a desk, one on a phone
CIRCLE_WIDTH = 76

OnOrder = Callable[[str, Order], None]


def draw_tiles(tiles: Sequence[Tile], *, on_order: OnOrder) -> None:
    """
    Draw the tiles.

    Args:
        tiles: What to draw.
        on_order: Called with a breaker's name and what an operator wants of it.
    """
    with st.container(horizontal=True, gap="small"):
        for tile in tiles:
            with st.container(
                key=keys.breaker_part(tile.name, "tile"), border=True, width=WIDTH, gap="small"
            ):
                _draw_tile(tile, on_order)


def _draw_tile(tile: Tile, on_order: OnOrder) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{md_escape(tile.name)}**", width="stretch", help=md_escape(tile.rules))
        draw_badge(tile.look, help_text=tile.exact)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width=CIRCLE_WIDTH):
            draw_chart(tile.circle, key=keys.breaker_part(tile.name, "circle"), has_table=False)
        with st.container(width="stretch"):
            draw_chart(tile.spark, key=keys.breaker_part(tile.name, "spark"), has_table=False)
    with st.container(gap=None):
        for line in (tile.state, tile.traffic, tile.counters):
            st.caption(md_escape(line))
        st.caption(f"Before {let_break(md_escape(tile.serves))}")
    with st.popover("Open, close or reset", key=keys.breaker_part(tile.name, "acts")):
        _draw_offers(tile, on_order)


def _draw_offers(tile: Tile, on_order: OnOrder) -> None:
    st.text_input(
        "Reason (optional)",
        key=keys.breaker_reason(tile.name),
        max_chars=2000,
        on_change="ignore",
    )
    for offer in tile.offers:
        st.button(
            offer.label,
            key=keys.breaker_order(tile.name, offer.order),
            icon=offer.icon,
            help=offer.why_not or offer.what,
            disabled=bool(offer.why_not),
            on_click=on_order,
            args=(tile.name, offer.order),
            width="stretch",
        )
