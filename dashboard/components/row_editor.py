"""A list of flat objects as a table that can be edited, a column a field."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from interlock.dashboard.views.forms import ABSENT, FormField

_NUMBERS = {"integer": "Int64", "number": "Float64"}


def draw_rows(
    field: FormField, *, label: str, help_text: str | None, key: str, is_live: bool = False
) -> None:
    st.markdown(label, help=help_text)
    given: Any = [] if field.given is ABSENT else field.given
    frame: Any = pd.DataFrame(given, columns=[f.name for f in field.fields])
    for column in field.fields:
        if column.widget in _NUMBERS:
            frame[column.name] = frame[column.name].astype(_NUMBERS[column.widget])
    st.data_editor(
        frame,
        key=key,
        num_rows="dynamic",
        placeholder="",
        hide_index=True,
        column_config={f.name: _configure(f) for f in field.fields},
        on_change="rerun" if is_live else "ignore",
    )


def _configure(column: FormField) -> Any:
    """A column of its kind; a new row starts with the field's default."""
    default: Any = None if column.given is ABSENT else column.given
    shared: dict[str, Any] = {
        "label": column.label,
        "help": column.help or None,
        "default": default,
        "required": False,
    }
    if column.widget in _NUMBERS:
        step = 1 if column.widget == "integer" else None
        low, high = column.minimum, column.maximum
        return st.column_config.NumberColumn(**shared, min_value=low, max_value=high, step=step)
    if column.options == (True, False) or column.widget == "checkbox":
        return st.column_config.CheckboxColumn(**shared)
    if column.options:
        return st.column_config.SelectboxColumn(**shared, options=list(column.options))
    return st.column_config.TextColumn(**shared, max_chars=column.max_chars)
