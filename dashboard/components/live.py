"""
Makes a part of a page live: its fragment is drawn again as soon as one of its topics moves.

The socket carries no data; the fragment reads the database itself. While the socket is down for
longer than 3 s the part says so, and is redrawn every few seconds instead.
"""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from interlock.dashboard import state
from interlock.dashboard.http import broadcasting, heads

_HTML = """<div class="line">
<span class="word" role="status"></span>
</div>"""

_CSS = """.line {
  min-height: 1.1em; line-height: 1.1em; font-size: 0.75rem; text-align: right;
  font-family: var(--st-font); color: var(--st-gray-text-color);
}
.word[data-state="disconnected"] { color: var(--st-red-text-color); font-weight: 600; }
"""

_component = st.components.v2.component(
    "interlock_live",
    html=_HTML,
    css=_CSS,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


_OF_ONE = (heads.RUN_PREFIX, heads.CARD_PREFIX)


def live(*topics: str, key: str, refresh_s: float = 60.0, shows_word: bool = False) -> None:
    """
    Call it first inside an `@st.fragment`, before anything is read: what changes later is noticed.
    Where a click came in this part's name, the whole page is drawn instead.

    Args:
        topics: Those that `heads.is_topic` knows: "inbox", "runs", ... or "run:<id>".
        key: A key of its own for each live part.
        refresh_s: Seconds after which it is drawn again without a change, so that ages stay right,
            as long as the tab is seen; 0 never.
        shows_word: Whether it says "live" as well; "disconnected" it says always.

    Raises:
        ValueError: There is no such topic; the server would refuse the whole tab for it.
    """
    # An id may come from the address; there, whatever was typed is no mistake of ours.
    shared = [name for name in topics if not name.startswith(_OF_ONE)]
    unknown = [name for name in shared if not heads.is_topic(name)]
    if unknown:
        raise ValueError(f"No screen can follow {unknown}.")
    if state.take_drawing():
        st.rerun()
    _draw(topics, key=key, refresh_s=refresh_s, shows_word=shows_word)


def frame(*, key: str) -> None:
    """
    What live parts turn to when the server no longer knows their fragments, as after its restart.

    Call it once, outside of every fragment, and last: what it triggers draws the whole page, which is
    taken to be drawn when this is.
    """
    _draw((), key=key, is_frame=True)


def _draw(
    topics: tuple[str, ...],
    *,
    key: str,
    refresh_s: float = 0.0,
    shows_word: bool = False,
    is_frame: bool = False,
) -> None:
    data = {
        "topics": list(topics),
        "heads": broadcasting.heads_of(topics),
        "refresh_s": refresh_s,
        "shows_word": shows_word,
        "is_frame": is_frame,
        "drawn_at": time.time(),  # makes each drawing reach the browser, even one that changed nothing
    }
    _component(key=key, data=data, on_moved_change=_note_nothing)


def _note_nothing() -> None:
    """The drawing itself is the answer."""
