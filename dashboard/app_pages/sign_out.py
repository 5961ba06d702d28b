"""The foot of the menu: who acts, and the way out."""

from __future__ import annotations

import streamlit as st

from interlock.core.errors import StoreUnavailable
from interlock.core.model.people import Person
from interlock.core.services import signing_in
from interlock.dashboard import deps, keys, state
from interlock.dashboard.views.people import say_who


def sign_out() -> None:
    try:
        app = deps.app()
        signing_in.sign_out(app)
    except StoreUnavailable:  # the foot says so, and one is still signed in
        return
    deps.forget(app.caller)
    state.leave()


def draw_person(who: Person) -> None:
    """Who acts here: signed in, or taken at their word."""
    st.caption(say_who(who))
    if not who.is_trusted:
        st.button(
            "Sign out",
            key=keys.sign_out(),
            icon=":material/logout:",
            on_click=sign_out,
            width="stretch",
        )
