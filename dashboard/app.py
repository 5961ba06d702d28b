"""
The frame around every page: the title of the tab, the navigation, and who acts. Draws nothing else.

Runs again for every interaction, so it reads one number; what must stay fresh is a live fragment.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from interlock.core import ciphers
from interlock.core.errors import KeyMissing, SignedOut, StoreUnavailable
from interlock.core.services import alerting, attaching, demonstrating, durability, observing
from interlock.dashboard import deps, keys, palette, state
from interlock.dashboard.app_pages.bell_part import draw_bell
from interlock.dashboard.app_pages.hold_switch import draw_switch
from interlock.dashboard.app_pages.outage import draw_going_on, draw_outage
from interlock.dashboard.app_pages.sign_out import draw_person
from interlock.dashboard.app_pages.tour_strip import draw_strip
from interlock.dashboard.components.links import page_path
from interlock.dashboard.components.live import frame, live
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.components.signed_out import draw_signed_out
from interlock.dashboard.views.alerts import title_of_menu
from interlock.dashboard.views.attached import say_shortly
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.flow import find_foot_notice

_HERE = Path(__file__).parent
_PAGES = _HERE / "app_pages"
_MARK = _HERE / "static" / "mark.svg"
_INBOX = "inbox"
_ALERTS = "alerts"
_NUMBERED = {_INBOX: "Inbox", _ALERTS: "Alerts"}  # the menu says how many; the tab's title does not
_AWAY = "interlock-away"  # why the database does not answer
_OUT = "interlock-out"  # why nobody known asks
_WAITING = "interlock-waiting"  # how many the menu says
_CALLING = "interlock-calling"  # the same of alerts
_PLAYS = "interlock-plays"  # whether a demonstration does; real work never becomes one


def main() -> None:
    """Set the frame, then run the page that the URL names."""
    st.set_page_config(page_title="Interlock", page_icon=str(_MARK), layout="wide")
    page = _draw_menu(st.session_state.get(_WAITING, 0), st.session_state.get(_CALLING, 0))
    st.logo(str(_MARK), size="medium")
    with st.sidebar:
        tour = st.container(key=keys.tour_strip(), gap="small")
        with st.container(key=keys.sidebar_foot(), gap="small"):
            _draw_foot(_NUMBERED.get(page.url_path, page.title))
            end = st.container()
    if st.session_state.get(_PLAYS):
        with tour:
            draw_strip()
    reason, out = st.session_state.get(_AWAY), st.session_state.get(_OUT)
    if out is not None:
        draw_signed_out(out, key=keys.signed_out("page"))
    elif reason is None:
        _run(page)
    else:
        draw_outage(reason)
    with end:  # drawn last: once it is there, so is the page
        frame(key=keys.live("whole-page"))


def _run(page: st.Page) -> None:
    """Run the page; where it stops at a key that is missing, say which: a page's own error says nothing."""
    try:
        page.run()
    except Exception:
        if told := ciphers.noted():
            st.error(md_escape(told), icon=":material/key_off:")
        raise


def _draw_menu(waiting: int, calling: int) -> st.Page:
    """The pages, the inbox and the alerts with how many call; which of them the URL names."""
    st.session_state[_WAITING] = waiting
    st.session_state[_CALLING] = calling
    plays = bool(st.session_state.get(_PLAYS))
    pages = {
        "": [
            _page("overview", "Overview", "dashboard", default=True),
            _page(_INBOX, f"Inbox ({waiting})" if waiting else "Inbox", "inbox"),
            _page("launch", "Launch", "rocket_launch"),
            _page("runs", "Runs", "list_alt"),
            _page("history", "Time machine", "history"),
            _page("what_if", "What if", "call_split", visibility="hidden"),
            _page("run", "Run", "timeline", visibility="hidden"),
            _page("batch", "Batch", "table_rows", visibility="hidden"),
        ],
        "Health": [
            _page("figures", "Metrics", "monitoring"),  # /metrics is what Prometheus reads
            _page("report", "Report", "print", visibility="hidden"),
            _page("breakers", "Breakers", "electric_bolt"),
            _page("caches", "Caches", "cached"),
            _page(_ALERTS, title_of_menu(calling), "notifications"),
            _page("notices", "Notices", "campaign"),
        ],
        "Setup": [
            _page("workflows", "Workflows", "account_tree"),
            _page("audit", "Audit", "policy"),
            _page("people", "People", "group"),
            _page("system", "System", "dns"),
            _page(
                "demonstration",
                "Demonstration",
                "tour",
                visibility="visible" if plays else "hidden",
            ),
        ],
    }
    return st.navigation(pages, expanded=True)  # else it is cut, and grows at a click


def _page(name: str, title: str, icon: str, **options: Any) -> st.Page:
    """One page: its file, its address and its picture."""
    return st.Page(
        _PAGES / f"{name}.py", title=title, icon=f":material/{icon}:", url_path=name, **options
    )


@st.fragment
def _draw_foot(title: str) -> None:
    live(
        "inbox", "workers", "alerts", "people", key=keys.live("foot"), refresh_s=0, shows_word=True
    )
    st.session_state.pop(_AWAY, None)
    st.session_state.pop(_OUT, None)
    try:
        who = deps.person(deps.app())
        overview = observing.overview(deps.app())
        calling = alerting.count_calling(deps.app())
        durability.remember(deps.app())
        is_news = _PLAYS not in st.session_state
        if is_news:
            st.session_state[_PLAYS] = demonstrating.read(deps.app()) is not None
    except SignedOut as exc:  # an open page keeps what was typed
        st.session_state[_OUT] = exc.message
        draw_signed_out(exc.message, key=keys.signed_out("foot"), leaves=state.take_leave())
        return
    except StoreUnavailable as exc:  # an open page stays as it is, marked; a new one says so
        st.session_state[_AWAY] = str(exc)
        st.error("The database does not answer.", icon=":material/cloud_off:")
        draw_going_on()
        return
    count = f"({overview.waiting}) " if overview.waiting else ""
    st.set_page_config(page_title=f"{count}{title} · Interlock", page_icon=str(_MARK))
    if overview.waiting:
        look = palette.WAITING
        st.page_link(page_path("inbox"), label=f"{overview.waiting} waiting", icon=look.icon)
    else:
        st.caption("Nothing waits for a human.")
    with suppress(KeyMissing):  # the page says so
        draw_bell()
    draw_notice(find_foot_notice(overview))
    draw_switch(overview)
    if deps.app().settings.attach is not None:
        st.caption(say_shortly(attaching.find_source(deps.app())))
    draw_person(who)
    shown = (st.session_state.get(_WAITING), st.session_state.get(_CALLING))
    if (overview.waiting, calling) != shown or (is_news and st.session_state[_PLAYS]):
        _draw_menu(
            overview.waiting, calling
        )  # last, as what is drawn belongs to the page that is named


main()
