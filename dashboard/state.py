"""
The state of a session: what is shareable lives in the URL, the rest is drafts, selection and one note.

Never facts: a session may be lost at any moment and is rebuilt from the URL and the database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import streamlit as st

from interlock.core.types import new_id

_NOTE = "interlock-note"
_PICKED = "interlock-picked"
_DRAWN = "interlock-drawn"
_UNDRAWN = "interlock-undrawn"
_LEAVING = "interlock-leaving"
_ACTS_COUNT = 1000  # acts that are remembered; a second click comes long before so many others
_ACT_S = 30.0  # for a first click to be carried out

T = TypeVar("T")
_acts: dict[str, Future[Any]] = {}
_acts_lock = threading.Lock()

NoteKind = Literal["done", "refused", "conflict"]


@dataclass(frozen=True)
class Note:
    """What came of the last act, shown once by the page that is drawn next; `text` may hold several lines."""

    kind: NoteKind
    text: str
    detail: str = ""
    run_id: str | None = None


def read_param(name: str, default: str | None = None) -> str | None:
    """A parameter of the URL; empty counts as missing."""
    value = st.query_params.get(name)
    return value or default


def read_choice(name: str, allowed: Collection[str], default: str) -> str:
    """A parameter that must be one of `allowed`; anything else, typed by whoever, becomes the default."""
    value = read_param(name)
    return value if value is not None and value in allowed else default


def read_number(name: str, default: int, *, minimum: int = 1, maximum: int = 1_000_000) -> int:
    """A whole number from the URL, within its bounds; nonsense becomes the default."""
    value = read_param(name)
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 9:
        return default
    return min(max(int(value), minimum), maximum)


def set_params(**params: str | None) -> None:
    """Change parameters of the URL, leaving the others; None removes one."""
    for name, value in params.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def leave_note(note: Note, place: str = "") -> None:
    """Leave word for the next drawing of a place, the page itself by default; a later one replaces it."""
    st.session_state[f"{_NOTE}{place}"] = note


def take_note(place: str = "") -> Note | None:
    """The note that was left there, once."""
    note: Note | None = st.session_state.pop(f"{_NOTE}{place}", None)
    return note


def ask_for_drawing() -> None:
    """Remember that a button was pressed, and that its part of the page has not been drawn since."""
    st.session_state[_UNDRAWN] = True


def take_drawing() -> bool:
    """
    Whether a button was pressed and its part not drawn since; asked once, by whichever part is drawn.

    A click in the instant in which a field is left or a live part asks to be drawn comes in the name of
    that part, and only that one would be drawn.
    """
    return bool(st.session_state.pop(_UNDRAWN, False))


def leave() -> None:
    """Remember that one signs out here, so that the page is left for where one signs in."""
    st.session_state[_LEAVING] = True


def take_leave() -> bool:
    """Whether one has signed out here; asked once."""
    return bool(st.session_state.pop(_LEAVING, False))


def pick(place: str, object_id: str | None) -> None:
    """Remember which object is chosen in a place, by id."""
    picked: dict[str, str | None] = st.session_state.setdefault(_PICKED, {})
    picked[place] = object_id


def picked(place: str) -> str | None:
    """The id chosen in a place, if any."""
    chosen: dict[str, str | None] = st.session_state.get(_PICKED, {})
    return chosen.get(place)


def drawn_form(place: str) -> str:
    """Which drawing of a form this is, for `once`; the same until `renew_form`."""
    drawn: str = st.session_state.setdefault(f"{_DRAWN}-{place}", new_id())
    return drawn


def renew_form(place: str) -> None:
    """What the form asks for next is another act."""
    st.session_state.pop(f"{_DRAWN}-{place}", None)


def once(drawn: str, act: Callable[[], T]) -> T:
    """
    Carry out what one drawing of a form asks for, at most once; a second click gets the first one's result.

    Streamlit runs the callbacks of two fast clicks at the same time, and takes the session away from the
    first. So `act` must not use the session, and failing leaves it open for another try.
    """
    with _acts_lock:
        first = _acts.get(drawn)
        own: Future[T] = Future()
        if first is None:
            _acts[drawn] = own
            while len(_acts) > _ACTS_COUNT:
                del _acts[next(iter(_acts))]
    if first is not None:
        result: T = first.result(timeout=_ACT_S)
        return result
    try:
        own.set_result(act())
    except BaseException as exc:
        with _acts_lock:
            _acts.pop(drawn, None)
        own.set_exception(exc)
        raise
    return own.result()
