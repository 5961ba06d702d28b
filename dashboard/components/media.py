"""Pictures, sound, films and files an agent sent, from their own bytes; nothing is fetched (law 9)."""

from __future__ import annotations

import io

import streamlit as st
from PIL import Image

from interlock.core.model.media import Media
from interlock.dashboard.components.agent_text import draw_text
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.media import say_media

PIXELS_LIMIT_COUNT = 40_000_000  # a small file can unfold to a picture that no tab survives
IMAGE_WIDTH = 420  # pixels at most; full size is a click away


def draw_media(media: Media, *, key: str, label: str = "") -> None:
    """
    Draw one part: shown where its bytes are of a kind that is safe to show, else offered to be saved.

    Args:
        media: The part.
        key: Widget key of the button that saves it.
        label: Where it was found; foreign.
    """
    view = say_media(media)
    said = f"{view.caption}. {view.problem}" if view.problem else view.caption
    st.caption(md_escape(f"{label} · {said}" if label else said))
    if media.url:
        draw_text(view.url)
    if media.data is None:
        return
    if not _show(media):
        st.download_button(
            "Save it",
            media.data,
            file_name=media.name,
            mime="application/octet-stream",
            on_click="ignore",
            icon=":material/download:",
            key=key,
        )


def _show(media: Media) -> bool:
    """Show it; False where it is only to be saved."""
    if media.data is None or media.problem:
        return False
    if media.kind == "image":
        width = _width(media.data)
        if width is not None:
            st.image(media.data, width=min(width, IMAGE_WIDTH))
        return width is not None
    if media.kind == "audio":
        st.audio(media.data, format=media.mime)
    elif media.kind == "video":
        st.video(media.data, format=media.mime)
    return media.kind != "file"


def _width(data: bytes) -> int | None:
    """The width of a picture that can be drawn, read from its head alone."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return width if width * height <= PIXELS_LIMIT_COUNT else None
