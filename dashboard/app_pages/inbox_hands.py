"""Who has the chosen card: the row beneath its title, which is live, and its acts."""

from __future__ import annotations

import streamlit as st

from interlock.core.errors import InterlockError, InvalidInput
from interlock.core.services import assigning, handing
from interlock.core.types import ApprovalId
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.hands import draw_hands
from interlock.dashboard.views import hands


def draw_row(approval_id: str, *, is_open: bool, may_act: bool) -> None:
    """The row, within a part that is drawn again when the card or who has it open changes."""
    app = deps.app()
    found = handing.read(app, ApprovalId(approval_id))
    view = hands.build(
        found, me=deps.actor(), may_act=may_act, is_open=is_open, now=app.clock.now()
    )
    draw_hands(view, approval_id, note=state.take_note(place(approval_id)), on_act=act)


def place(approval_id: str) -> str:
    """Where what came of an act is said."""
    return f"hands-{approval_id}"


def act(name: str, approval_id: str) -> None:
    """Carry out a button of the row, in the name of whoever looks at it."""
    try:
        _carry_out(name, approval_id)
    except InterlockError as exc:
        problems = exc.problems if isinstance(exc, InvalidInput) else ()
        text = f"{exc.message} {'; '.join(p.message for p in problems)}".strip()
        state.leave_note(state.Note("refused", text), place(approval_id))


def _carry_out(name: str, approval_id: str) -> None:
    app, actor = deps.app(), deps.actor()
    if name in ("claim", "take-over"):
        assigning.claim(app, approval_id, actor=actor, take_over=name == "take-over")
    elif name == "release":
        assigning.unclaim(app, approval_id, actor=actor)
    else:
        to, note = _read("to", approval_id), _read("note", approval_id)
        if not to:
            raise InvalidInput("Choose who gets it.")
        if name == "forward":
            assigning.forward(app, approval_id, to=to, actor=actor, note=note)
        else:
            assigning.assign(app, approval_id, to=to, actor=actor, note=note)
        st.session_state.pop(keys.hands_field("note", approval_id), None)


def _read(name: str, approval_id: str) -> str:
    return str(st.session_state.get(keys.hands_field(name, approval_id)) or "")
