from __future__ import annotations

import streamlit as st

from interlock.core.services import operators
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.people_accounts import draw_adding, draw_changing
from interlock.dashboard.app_pages.people_passes import (
    draw_making,
    draw_passes,
    draw_password,
)
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note, draw_notice
from interlock.dashboard.components.tables import draw_table
from interlock.dashboard.views import people

REFRESH_S = 30.0  # ages


@st.fragment
def draw_accounts() -> None:
    live("people", key=keys.live("people-accounts"), refresh_s=REFRESH_S)
    app = deps.app()
    found = operators.list_operators(app)
    draw_note(state.take_note("people-accounts"))
    if not found:
        st.caption("There are no accounts yet.")
        return
    draw_table(
        people.build_accounts(found, app.clock.now()),
        key=keys.people_table("accounts"),
        is_whole=True,
        alt="Accounts, with role, groups, tenants, how they sign in, and when they last did",
    )


st.title("People", anchor=False)
draw_notice(people.build_notice(operators.read_sign_in(deps.app())))
if people.may_administer(deps.person(deps.app())):
    st.subheader("Accounts", anchor=False)
    draw_accounts()
    draw_changing()
    draw_adding()
st.subheader("Signed in", anchor=False)
draw_passes("sessions")
draw_password()
st.subheader("Tokens", anchor=False)
draw_passes("tokens")
draw_making()
