"""A notice about the page, in the weight it deserves; foreign words in it are drawn inert."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard.state import Note
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.notices import Notice

_ICONS = {
    "info": ":material/info:",
    "warning": ":material/warning:",
    "error": ":material/error:",
    "done": ":material/check_circle:",
    "refused": ":material/block:",
    "conflict": ":material/sync_problem:",
}


def draw_notice(notice: Notice | None) -> None:
    if notice is None:
        return
    box = {"info": st.info, "warning": st.warning, "error": st.error}[notice.weight]
    box(_keep_code(notice.text), icon=_ICONS[notice.weight])
    if notice.detail:
        st.code(notice.detail, language=None, wrap_lines=True)


def draw_aside(notice: Notice | None) -> None:
    """A notice that stands beside something else: quiet, unless it is a warning."""
    if notice is not None and notice.weight == "info":
        st.caption(f"{_ICONS['info']} {_keep_code(notice.text)}")
    else:
        draw_notice(notice)


def draw_note(note: Note | None) -> None:
    """What came of the last act: quiet if it was done, plain if it was not."""
    if note is None:
        return
    icon = _ICONS[note.kind]
    if note.kind == "done":
        st.markdown(f":gray[{icon} {md_escape(note.text)}]")
    else:
        st.warning(md_escape(note.text), icon=icon)
    if note.detail:
        st.code(note.detail, language=None, wrap_lines=True)


def draw_problem(text: str | None) -> None:
    """What is wrong with the field above."""
    if text:
        st.markdown(f":red[:material/error: {md_escape(text)}]")


def draw_hidden(text: str) -> None:
    """What the field above holds without showing it, the hidden characters by their names."""
    if text:
        st.markdown(
            f":orange[:material/visibility_off: Holds hidden characters: {md_escape(text)}]"
        )


def _keep_code(text: str) -> str:
    """Our own notices may name a command in backticks; everything else in them is plain."""
    parts = text.split("`")
    return "".join(f"`{p}`" if i % 2 else md_escape_keeping_space(p) for i, p in enumerate(parts))


def md_escape_keeping_space(text: str) -> str:
    """Escape a part of a sentence; the spaces at its ends belong to the sentence."""
    lead = text[: len(text) - len(text.lstrip())]
    tail = text[len(text.rstrip()) :] if text.strip() else ""
    return f"{lead}{md_escape(text)}{tail}"
