"""
The inbox by keys: each presses a real button of the page, so a key can do nothing that a click cannot.

The keys are shown, and can be switched off, which the browser keeps. They are silent while somebody
types, for a card that has only just come up, and while a key is held down.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.views.keyboard import Keyboard

_HTML = """<div class="line">
<span class="said" role="status"></span>
<span class="keys">
<span><kbd>J</kbd> <kbd>K</kbd> next, previous</span>
<span data-for="approve"><kbd>A</kbd> <span data-word="approve_word">approve</span></span>
<span data-for="reject"><kbd>X</kbd> <span data-word="reject_word">reject</span></span>
<span data-for="revise"><kbd>V</kbd> request revision</span>
<span data-for="form"><kbd>E</kbd> first field</span>
<span data-for="submit"><kbd class="mod">Ctrl</kbd> <kbd>Enter</kbd> main button</span>
<span class="more"><kbd>/</kbd> search</span>
<span class="more"><kbd>N</kbd> show new cards</span>
<span class="more"><kbd>Esc</kbd> leave a field</span>
<span><kbd>?</kbd> all keys</span>
</span>
<label><input type="checkbox" checked> Keys</label>
</div>"""

_CSS = """.line {
  display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; justify-content: flex-end; align-items: baseline;
  min-height: 1.4em; font-size: 0.75rem; font-family: var(--st-font); color: var(--st-gray-text-color);
}
.said { flex: 1 1 auto; color: var(--st-text-color); }
.keys { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; justify-content: flex-end; }
.keys[data-ready=""] [data-for]:not([data-for="form"]) { opacity: 0.5; }
.keys.off, .keys [hidden] { display: none; }
.keys:not(.all) .more { display: none; }
kbd {
  font-family: inherit; font-size: 0.7rem; padding: 0 0.3em; border-radius: 0.2em;
  border: 1px solid var(--st-border-color);
}
label { cursor: pointer; display: inline-flex; align-items: center; gap: 0.3em; }
input { margin: 0; accent-color: var(--st-primary-color); }
@media (max-width: 640px), (hover: none) { .line { display: none; } }
"""

_component = st.components.v2.component(
    "interlock_keyboard",
    html=_HTML,
    css=_CSS,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def keyboard(view: Keyboard, *, drawn: int) -> None:
    """
    Take keys for a card, in place of those for the card before.

    Args:
        view: What the keys press.
        drawn: Another number at each drawing: what was asked for by a key has been answered.
    """
    page = {
        "next": keys.inbox_step(1),
        "previous": keys.inbox_step(-1),
        "search": keys.inbox_filter("text"),
        "show_new": keys.inbox_show_new(),
        "detail": keys.inbox_detail(),
        "bar": keys.decision_bar(),
    }
    _component(key=keys.inbox_keyboard(), data={**asdict(view), **page, "drawn": drawn})
