"""What changed lately, a line each; the words are people's own and drawn inert."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.sight import ChangeRow


def draw_changes(changes: Sequence[ChangeRow]) -> None:
    st.subheader("What changed", anchor=False)
    if not changes:
        st.caption("Decisions, trips of breakers and what else people do stand here.")
    for change in changes:
        st.caption(f"{change.ago} · {md_escape(change.text)}", help=change.at)
