"""Adding and changing accounts. Not live: what is typed stays until it is sent."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.model.people import Operator, Role
from interlock.core.services import operators
from interlock.core.services.operators import Change
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.views import people
from interlock.dashboard.views.escaping import md_escape

ROLES = [role.value for role in Role]
GROUPS = "Groups of approvers"
TENANTS = "Tenants whose workflows they see; none is all"


def carry_out(act: Callable[[], object], said: str, place: str) -> bool:
    """Do it, and leave word of what came of it."""
    try:
        act()
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)), place)
        return False
    state.leave_note(state.Note("done", said), place)
    return True


def read(form: str, field: str, name: str = "") -> str:
    return str(st.session_state.get(keys.people_field(form, field, name)) or "")


def add() -> None:
    name, password = read("add", "name").strip(), read("add", "password")
    is_done = carry_out(
        lambda: operators.add(
            deps.app(),
            name,
            role=Role(read("add", "role")),
            groups=people.split_words(read("add", "groups")),
            tenants=people.split_words(read("add", "tenants")),
            password=password or None,
            actor=deps.actor(),
        ),
        f"{name} has an account.",
        "people-add",
    )
    st.session_state[keys.people_field("add", "password")] = ""
    if is_done:
        for field in ("name", "groups", "tenants"):
            st.session_state[keys.people_field("add", field)] = ""
        state.ask_for_drawing()  # who was added can be changed, and have tokens


def change(account: Operator, tag: str) -> None:
    is_local = account.source == "local"
    wanted = Change(
        role=Role(read("change", "role", tag)) if is_local else None,
        groups=people.split_words(read("change", "groups", tag)) if is_local else None,
        tenants=people.split_words(read("change", "tenants", tag)),
        password=read("change", "password", tag) or None,
    )
    alter(account, wanted, f"{account.name} is changed, from their next command on.")


def alter(account: Operator, wanted: Change, said: str) -> None:
    carry_out(
        lambda: operators.change(deps.app(), account.name, wanted, actor=deps.actor()),
        said,
        "people-change",
    )


@st.fragment
def draw_adding() -> None:
    if state.take_drawing():
        st.rerun()
    draw_note(state.take_note("people-add"))
    with (
        st.expander("Add somebody"),
        st.form(keys.people_field("add", "form"), border=False, enter_to_submit=False),
    ):
        st.text_input("Name", key=keys.people_field("add", "name"), max_chars=200)
        st.selectbox("Role", ROLES, key=keys.people_field("add", "role"))
        st.text_input(GROUPS, key=keys.people_field("add", "groups"))
        st.text_input(TENANTS, key=keys.people_field("add", "tenants"))
        st.text_input(
            "Password, of 12 characters or more; without one they can have tokens alone",
            key=keys.people_field("add", "password"),
            type="password",
            autocomplete="new-password",
        )
        st.form_submit_button("Add", key=keys.people_act("add"), on_click=add)


@st.fragment
def draw_changing() -> None:
    found = {each.name: each for each in operators.list_operators(deps.app())}
    draw_note(state.take_note("people-change"))
    if not found:
        return
    with st.expander("Change an account"):
        name = st.selectbox(
            "Account", list(found), key=keys.people_choice("accounts"), index=None, width=400
        )
        if name is not None and name in found:
            _draw_change(found[name])


def _draw_change(account: Operator) -> None:
    tag = f"{account.name} {account.updated_at.isoformat()}"  # what was changed meanwhile is shown anew
    is_local = account.source == "local"
    if not is_local:
        st.caption(people.ELSEWHERE)
    with st.form(keys.people_field("change", "form", tag), border=False, enter_to_submit=False):
        if is_local:
            st.selectbox(
                "Role",
                ROLES,
                index=ROLES.index(account.role.value),
                key=keys.people_field("change", "role", tag),
            )
            st.text_input(
                GROUPS,
                value=", ".join(account.groups),
                key=keys.people_field("change", "groups", tag),
            )
        st.text_input(
            TENANTS,
            value=", ".join(account.tenants),
            key=keys.people_field("change", "tenants", tag),
        )
        if is_local:
            st.text_input(
                "Another password; their sessions end",
                key=keys.people_field("change", "password", tag),
                type="password",
                autocomplete="new-password",
            )
        st.form_submit_button(
            "Save",
            key=keys.people_act("change", account.name),
            on_click=change,
            args=(account, tag),
        )
    word, told = ("Close", "closed") if account.is_active else ("Open", "open")
    st.button(
        f"{word} the account of {md_escape(account.name)}",
        key=keys.people_act("close" if account.is_active else "open", account.name),
        help="Their sessions and tokens end at once." if account.is_active else None,
        on_click=alter,
        args=(
            account,
            Change(is_active=not account.is_active),
            f"The account of {account.name} is {told}.",
        ),
    )
