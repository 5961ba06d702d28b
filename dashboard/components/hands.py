"""Who has a card: one quiet row beneath its title, and the menu that passes it on."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from interlock.core.model.claims import MAX_NOTE
from interlock.dashboard import keys
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.state import Note
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.hands import HandsView

OnAct = Callable[[str, str], None]


def draw_hands(
    view: HandsView | None, approval_id: str, *, note: Note | None, on_act: OnAct
) -> None:
    """
    Draw the row.

    Args:
        view: What it says; None draws nothing.
        approval_id: The card.
        note: What came of the last act.
        on_act: Called with the act (`claim`, `release`, `take-over`, `pass`) and the card.
    """
    draw_note(note)
    if view is None:
        return
    with st.container(
        key=keys.hands(approval_id), horizontal=True, vertical_alignment="center", gap="small"
    ):
        said = [view.text, view.open_text]
        text = md_escape(" · ".join(part for part in said if part)) or "\N{NO-BREAK SPACE}"
        st.caption(f":material/back_hand: {text}", help=view.exact or None, width="stretch")
        for is_there, name, label, icon in (
            (view.can_claim, "claim", "Claim", "front_hand"),
            (view.can_release, "release", "Release", "undo"),
            (view.can_take_over, "take-over", "Take over", "swap_horiz"),
        ):
            if is_there:
                st.button(
                    label,
                    key=keys.hands_act(name, approval_id),
                    icon=f":material/{icon}:",
                    on_click=on_act,
                    args=(name, approval_id),
                    type="tertiary",
                )
        if view.people:
            _draw_menu(view, approval_id, on_act)
        if view.moves:
            with st.popover(
                "",
                icon=":material/route:",
                type="tertiary",
                key=keys.hands_act("moves", approval_id),
                help="How it changed hands",
            ):
                for move in view.moves:
                    st.caption(md_escape(move))


def _draw_menu(view: HandsView, approval_id: str, on_act: OnAct) -> None:
    with st.popover(
        view.verb,
        icon=":material/forward_to_inbox:",
        type="tertiary",
        key=keys.hands_act("menu", approval_id),
    ):
        st.selectbox(
            "To",
            view.people,
            index=None,
            key=keys.hands_field("to", approval_id),
            placeholder="Choose a person",
        )
        st.text_input(
            "Why" if view.needs_note else "Note (optional)",
            key=keys.hands_field("note", approval_id),
            max_chars=MAX_NOTE,
            placeholder="What they have to know",
        )
        st.button(
            view.verb,
            key=keys.hands_act("pass", approval_id),
            on_click=on_act,
            args=("forward" if view.needs_note else "assign", approval_id),
        )
