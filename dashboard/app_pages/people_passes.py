"""Sessions and tokens: one's own, or everybody's for an admin; making a token, and one's own password."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.model.people import CallerKind, Permission
from interlock.core.services import operators, signing_in, token_keeping
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.people_accounts import carry_out, read
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.components.tables import draw_table
from interlock.dashboard.views import people

Passes = Literal["sessions", "tokens"]
SECRET = "people-secret"  # noqa: S105 - where it is until it was shown once
REFRESH_S = 30.0
DAYS = 30
NONE = {"sessions": "Nobody is signed in by a browser.", "tokens": "There are no tokens."}
ALTS = {
    "sessions": "Who is signed in, with browser, address, since when, last seen and until when",
    "tokens": "Tokens, with what they are for, whose, what they may, when used and until when",
}


@st.fragment
def draw_passes(what: Passes) -> None:
    """The list, and ending one of them."""
    live("people", key=keys.live(f"people-{what}"), refresh_s=REFRESH_S)
    app = deps.app()
    now = app.clock.now()
    if what == "sessions":
        sessions = signing_in.list_sessions(app)
        rows = people.build_sessions(sessions, now, own=app.caller.id)
        choices = people.list_sessions(sessions, own=app.caller.id)
    else:
        tokens = token_keeping.list_tokens(app)
        rows, choices = people.build_tokens(tokens, now), people.list_good(tokens, now)
    draw_note(state.take_note(f"people-{what}"))
    if rows:
        draw_table(rows, key=keys.people_table(what), is_whole=True, alt=ALTS[what])
    else:
        st.caption(NONE[what])
    if not choices:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            f"End a {what[:-1]}",
            list(choices),
            index=None,
            format_func=lambda each: choices.get(each, each),
            key=keys.people_choice(what),
            width=480,
        )
        st.button("End it", key=keys.people_act(f"end-{what}"), on_click=end, args=(what,))


def end(what: Passes) -> None:
    chosen = st.session_state.get(keys.people_choice(what))
    if chosen is None:
        state.leave_note(state.Note("refused", "Choose one first."), f"people-{what}")
        return
    act = signing_in.end_session if what == "sessions" else token_keeping.end
    carry_out(
        lambda: act(deps.app(), chosen, actor=deps.actor()),
        "It has ended: its next command is refused.",
        f"people-{what}",
    )


@st.fragment
def draw_making() -> None:
    app = deps.app()
    who = deps.person(app)
    draw_note(state.take_note("people-token"))
    secret = st.session_state.pop(SECRET, None)
    if secret is not None:
        st.caption("This is shown once. Copy it now: it is kept nowhere.")
        st.code(secret, language=None, wrap_lines=True)
    scopes = people.list_scopes(who)
    with (
        st.expander("Make a token"),
        st.form(keys.people_field("token", "form"), border=False, enter_to_submit=False),
    ):
        st.text_input(
            "What it is for",
            key=keys.people_field("token", "label"),
            max_chars=token_keeping.MAX_LABEL,
        )
        if people.may_administer(who):
            names = [each.name for each in operators.list_operators(app) if each.is_active]
            st.selectbox(
                "Whose it is",
                names,
                index=names.index(who.name) if who.name in names else None,
                key=keys.people_field("token", "operator"),
            )
        st.multiselect(
            "What it may do",
            list(scopes),
            default=[Permission.SEE] if Permission.SEE in scopes else [],
            format_func=lambda each: scopes[each],
            key=keys.people_field("token", "scopes"),
        )
        st.number_input(
            "For how many days",
            min_value=1,
            max_value=token_keeping.MAX_DAYS,
            value=DAYS,
            key=keys.people_field("token", "days"),
        )
        st.form_submit_button("Make it", key=keys.people_act("token"), on_click=make)


def make() -> None:
    field = st.session_state
    try:
        made = token_keeping.make(
            deps.app(),
            read("token", "label"),
            scopes=field.get(keys.people_field("token", "scopes")) or (),
            days=float(field.get(keys.people_field("token", "days")) or DAYS),
            operator=read("token", "operator") or None,
            actor=deps.actor(),
        )
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)), "people-token")
        return
    field[keys.people_field("token", "label")] = ""
    field[SECRET] = made.secret


@st.fragment
def draw_password() -> None:
    """For whoever has signed in with one."""
    app = deps.app()
    who = deps.person(app)
    if app.caller.kind is not CallerKind.SESSION:
        return
    if not operators.get_operator(app, who.name).has_password:
        return
    draw_note(state.take_note("people-password"))
    with (
        st.expander("Change your password"),
        st.form(keys.people_field("password", "form"), border=False, enter_to_submit=False),
    ):
        for field, label, kind in (
            ("current", "The one you have", "current-password"),
            ("new", "Another one, of 12 characters or more", "new-password"),
            ("again", "Once more", "new-password"),
        ):
            st.text_input(
                label,
                key=keys.people_field("password", field),
                type="password",
                autocomplete=kind,
            )
        st.form_submit_button("Change it", key=keys.people_act("password"), on_click=change_own)


def change_own() -> None:
    current, new, again = (read("password", field) for field in ("current", "new", "again"))
    for field in ("current", "new", "again"):
        st.session_state[keys.people_field("password", field)] = ""
    if new != again:
        state.leave_note(state.Note("refused", "The two are not the same."), "people-password")
        return
    carry_out(
        lambda: signing_in.change_password(deps.app(), current, new, actor=deps.actor()),
        "It is changed. Your other sessions have ended.",
        "people-password",
    )
