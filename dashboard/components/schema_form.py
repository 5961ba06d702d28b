"""
The fields of a form, each beside its problem, and what they hold.

The fields do not rerun the page when they change: a click on a button below is never lost to a
redrawing, and what was typed comes with whatever is pressed next. Live ones redraw the fragment they
stand in, which must then hold no button, and move none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from interlock.core.types import Json
from interlock.dashboard.components.notices import draw_hidden, draw_problem
from interlock.dashboard.components.row_editor import draw_rows
from interlock.dashboard.views.escaping import find_hidden, md_escape, show_hidden
from interlock.dashboard.views.formatting import one_line, to_json_text
from interlock.dashboard.views.forms import ABSENT, FormField, walk
from interlock.dashboard.views.rows import keep_edits

KeyOf = Callable[[str], str]
RADIO_LIMIT_COUNT = 4  # a longer choice becomes a list that unfolds
AREA_HEIGHT = 110
JSON_HEIGHT = 130
AREA_HEIGHT_LIMIT = 400  # pixels; what is longer scrolls
LINE_HEIGHT = 24
LINE_COUNT = 70  # characters of a line, about

TYPING_PAUSE = "400ms"  # after which a live text counts as typed

_KEPT: dict[str, Any] = {"on_change": "ignore", "persist_state": "session"}
_LIVE: dict[str, Any] = {"on_change": "rerun", "persist_state": "session"}


def draw_fields(
    fields: Sequence[FormField],
    key_of: KeyOf,
    problems: Mapping[str, str] | None = None,
    *,
    is_live: bool = False,
) -> None:
    """
    Draw fields in order.

    Args:
        fields: The form.
        key_of: The widget key of a path.
        problems: What is wrong, by path.
        is_live: Whether a change redraws the fragment around them.
    """
    for field in fields:
        if field.widget == "group":
            with st.container(border=True, gap="small"):
                st.markdown(f"**{md_escape(field.label)}**", help=_help(field))
                draw_fields(field.fields, key_of, problems, is_live=is_live)
            continue
        _draw_field(field, key_of(field.path), is_live=is_live)
        draw_hidden(_find_hidden(field))
        draw_problem((problems or {}).get(field.path))


def read_fields(fields: Sequence[FormField], key_of: KeyOf) -> dict[str, object]:
    """What the widgets hold, by path; those never drawn are left out and count as untouched."""
    held: dict[str, object] = {}
    for field in walk(fields):
        key = key_of(field.path)
        if key in st.session_state:
            value = st.session_state[key]
            held[field.path] = keep_edits(value) if field.widget == "rows" else value
    return held


def _draw_field(field: FormField, key: str, *, is_live: bool) -> None:
    kept = _LIVE if is_live else _KEPT
    shared: dict[str, Any] = {"label": _label(field), "help": _help(field), "key": key, **kept}
    start: Any = field.start
    match field.widget:
        case "text":
            pause = TYPING_PAUSE if is_live else False
            st.text_input(**shared, value=start, max_chars=field.max_chars, live=pause)
        case "area" | "messages":
            st.text_area(
                **shared, value=start, max_chars=field.max_chars, height=_height(start, AREA_HEIGHT)
            )
        case "json":
            height = _height(start, JSON_HEIGHT)
            st.text_area(**shared, value=start, height=height, placeholder="JSON")
        # Without limits: a widget keeps a number beyond them to itself, and the one before would be
        # sent beside the one that is seen. The schema refuses it, with a word.
        case "integer":
            st.number_input(**shared, value=start, step=1)
        case "number":
            # %.15g shows every digit that the number has; the default would hide all but two.
            st.number_input(**shared, value=start, step=None, format="%.15g")
        case "checkbox":
            st.checkbox(**shared, value=start)
        case "choice":
            _draw_choice(field, shared)
        case "choices":
            st.multiselect(
                **shared, options=_numbers(field), default=start, format_func=_names(field)
            )
        case "rows":
            draw_rows(field, label=_label(field), help_text=_help(field), key=key, is_live=is_live)
        case "date":
            st.date_input(**shared, value=start, format="YYYY-MM-DD")
        case "time":
            st.time_input(**shared, value=start, step=60)
        case _:
            st.datetime_input(**shared, value=start, format="YYYY-MM-DD", step=60)


def _draw_choice(field: FormField, shared: dict[str, Any]) -> None:
    options: dict[str, Any] = {"options": _numbers(field), "index": field.start}
    say = _names(field)
    must_be_clearable = not field.is_required or field.is_nullable
    if len(field.options) > RADIO_LIMIT_COUNT or must_be_clearable:
        st.selectbox(**shared, **options, format_func=say, placeholder="Choose")
    else:  # the labels of a radio are Markdown, those of the lists are not
        st.radio(**shared, **options, format_func=lambda n: md_escape(say(n)), horizontal=True)


def _height(start: object, least: int) -> int:
    """As high as the text it starts with, as far as a screen allows: read before it is approved."""
    lines = start.split("\n") if isinstance(start, str) else []
    count = sum(1 + len(line) // LINE_COUNT for line in lines)
    return min(max(least, (count + 1) * LINE_HEIGHT), AREA_HEIGHT_LIMIT)


def _find_hidden(field: FormField) -> str:
    """What a field starts with and does not show; a list of options shows it itself."""
    if field.widget == "rows":
        held = "" if field.given is ABSENT else to_json_text(field.given, indent=None)
        return find_hidden(held)
    return find_hidden(field.start) if isinstance(field.start, str) else ""


def _numbers(field: FormField) -> list[int]:
    return list(range(len(field.options)))


def _names(field: FormField) -> Callable[[int], str]:
    return lambda number: _say_option(field.options[number])


def _say_option(option: Json) -> str:
    if isinstance(option, bool):
        return "Yes" if option else "No"
    return show_hidden(one_line(option))


def _label(field: FormField) -> str:
    is_filled = field.given is not ABSENT
    mark = "" if field.is_required or is_filled else " (optional)"
    return f"{md_escape(field.label)}{mark}"


def _help(field: FormField) -> str | None:
    return md_escape(field.help) if field.help else None
