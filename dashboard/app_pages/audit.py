from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.errors import NotFound
from interlock.core.model.audit_lists import AuditEntry, AuditFilter
from interlock.core.model.flags import Flag
from interlock.core.services import auditing, flagging
from interlock.core.services.context import App
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.audit import (
    draw_chain,
    draw_entry,
    draw_filters,
    draw_list,
    draw_saves,
    draw_turns,
)
from interlock.dashboard.components.live import live
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import audit

LOOKED = "audit-looked"  # what the last look at the chain found
REFRESH_S = 30.0


def choose(name: str) -> None:
    value = st.session_state[keys.audit_field(name)].strip()
    is_any = not value or value == audit.ANY.get(name)
    state.set_params(**{name: None if is_any else value, "before": None, "entry": None})


def pick(key: str, ids: Sequence[str]) -> None:
    chosen = read_picked(key, ids, marked=state.read_param("entry"))
    if chosen is not None:
        state.set_params(entry=chosen)


def turn(before: str | None) -> None:
    state.set_params(before=before, entry=None)


def check() -> None:
    st.session_state[LOOKED] = auditing.verify(deps.app(), by="screen", max_s=audit.CHECK_S)


def read_all(app: App, wanted: AuditFilter) -> Sequence[AuditEntry]:
    """Read when it is saved."""
    return tuple(auditing.read_all(app, wanted, limit=audit.MAX_SAVED))


def draw_chosen(app: App, seq: int) -> None:
    try:
        draw_entry(audit.build_entry(auditing.get_entry(app, seq), now=app.clock.now()))
    except NotFound as exc:
        st.caption(str(exc))


@st.fragment
def draw() -> None:
    live("inbox", "runs", "threads", key=keys.live("audit"), refresh_s=REFRESH_S)
    app = deps.app()
    now = app.clock.now()
    chain = audit.say_chain(st.session_state.get(LOOKED), auditing.find_last_look(app), now=now)
    draw_chain(chain, on_check=check)
    chosen = {name: state.read_param(name, "") or "" for name in audit.NAMES}
    wanted = audit.read_wanted(chosen, now=now)
    draw_filters(chosen, auditing.list_names(app), wanted, on_choose=choose)
    before = state.read_number("before", 0, minimum=0, maximum=2**31 - 1)
    page = auditing.list_entries(app, wanted.filter, limit=audit.PAGE_COUNT, before=before or None)
    count = auditing.count_entries(app, wanted.filter)
    view = audit.build(page, count, wanted=wanted.filter, is_first=not before, now=now)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch"):
            st.caption(view.summary)
        if flagging.is_on(app, Flag.EXPORTS):
            draw_saves(lambda: read_all(app, wanted.filter), file_at=f"{now:%Y%m%d-%H%M}")
    seq = state.read_number("entry", 0, minimum=0, maximum=2**31 - 1)
    left, right = st.columns([3, 2], gap="medium") if seq else (st.container(), None)
    with left:
        draw_list(view, selected=str(seq), on_pick=pick)
        draw_turns(view, is_first=not before, on_turn=turn)
    if right is not None:
        with right:
            draw_chosen(app, seq)


st.title("Audit", anchor=False)
draw()
