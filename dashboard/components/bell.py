"""
Tells of new cards by a notification of the browser and by sound, while a page of ours is open.

Both are off until somebody switches them on, which the browser keeps. Nothing is sent anywhere: the browser
compares what it is drawn with what it was drawn before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.views.bell import BellCard

_HTML = """<div class="line">
<span class="about">New cards</span>
<label title="Show a notification of this browser when a card is asked"
><input type="checkbox" class="notify"> Notify</label>
<label title="Play a sound when a card is asked"><input type="checkbox" class="sound"> Sound</label>
<span class="said" role="status"></span>
</div>"""

_CSS = """.line {
  display: flex; flex-wrap: wrap; gap: 0.1rem 0.75rem; align-items: center; min-height: 1.4em;
  font-size: 0.875rem; font-family: var(--st-font); color: var(--st-gray-text-color);
}
.said { flex-basis: 100%; color: var(--st-text-color); }
.said:empty { display: none; }
label { cursor: pointer; display: inline-flex; align-items: center; gap: 0.3em; }
label:has(:disabled) { cursor: default; opacity: 0.5; }
input { margin: 0; accent-color: var(--st-primary-color); }
"""

_component = st.components.v2.component(
    "interlock_bell",
    html=_HTML,
    css=_CSS,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def bell(cards: Sequence[BellCard]) -> None:
    """Let the browser know the newest cards; what it has not seen before, it tells of."""
    _component(key=keys.bell(), data={"cards": [asdict(card) for card in cards]})
