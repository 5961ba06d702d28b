"""
The frame around every page: the title of the tab, the navigation, and who acts. Draws nothing else.

Runs again for every interaction, so it reads one number; what must stay fresh is a live fragment.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from interlock.core.services import alerting, observing
from interlock.dashboard import deps, keys, palette
from interlock.dashboard.app_pages.hold_switch import draw_switch
from interlock.dashboard.components.links import page_path
from interlock.dashboard.components.live import frame, live
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.views.alerts import title_of_menu
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.flow import find_foot_notice

_HERE = Path(__file__).parent
_PAGES = _HERE / "app_pages"
_MARK = _HERE / "static" / "mark.svg"
_INBOX = "inbox"
_ALERTS = "alerts"
_NUMBERED = {_INBOX: "Inbox", _ALERTS: "Alerts"}  # the menu says how many; the tab's title does not
_WAITING = "interlock-waiting"  # how many the menu says
_CALLING = "interlock-calling"  # the same of alerts


def main() -> None:
    """Set the frame, then run the page that the URL names."""
    st.set_page_config(page_title="Interlock", page_icon=str(_MARK), layout="wide")
    page = _draw_menu(st.session_state.get(_WAITING, 0), st.session_state.get(_CALLING, 0))
    st.logo(str(_MARK), size="medium")
    with st.sidebar, st.container(key=keys.sidebar_foot(), gap="small"):
        _draw_foot(_NUMBERED.get(page.url_path, page.title))
        end = st.container()
    page.run()
    with end:  # drawn last: once it is there, so is the page
        frame(key=keys.live("whole-page"))


def _draw_menu(waiting: int, calling: int) -> st.Page:
    """The pages, the inbox and the alerts with how many call; which of them the URL names."""
    st.session_state[_WAITING] = waiting
    st.session_state[_CALLING] = calling
    inbox = f"Inbox ({waiting})" if waiting else "Inbox"
    pages = [
        st.Page(
            _PAGES / "overview.py",
            title="Overview",
            icon=":material/dashboard:",
            url_path="overview",
            default=True,
        ),
        st.Page(_PAGES / "inbox.py", title=inbox, icon=":material/inbox:", url_path=_INBOX),
        st.Page(
            _PAGES / "launch.py",
            title="Launch",
            icon=":material/rocket_launch:",
            url_path="launch",
        ),
        st.Page(_PAGES / "runs.py", title="Runs", icon=":material/list_alt:", url_path="runs"),
        st.Page(
            _PAGES / "run.py",
            title="Run",
            icon=":material/timeline:",
            url_path="run",
            visibility="hidden",
        ),
        st.Page(
            _PAGES / "batch.py",
            title="Batch",
            icon=":material/table_rows:",
            url_path="batch",
            visibility="hidden",
        ),
    ]
    pages += [
        st.Page(
            _PAGES / "figures.py",
            title="Metrics",
            icon=":material/monitoring:",
            url_path="figures",  # /metrics is what Prometheus reads
        ),
        st.Page(
            _PAGES / "report.py",
            title="Report",
            icon=":material/print:",
            url_path="report",
            visibility="hidden",
        ),
        st.Page(
            _PAGES / "breakers.py",
            title="Breakers",
            icon=":material/electric_bolt:",
            url_path="breakers",
        ),
        st.Page(
            _PAGES / "caches.py",
            title="Caches",
            icon=":material/cached:",
            url_path="caches",
        ),
    ]
    pages += [
        st.Page(
            _PAGES / "alerts.py",
            title=title_of_menu(calling),
            icon=":material/notifications:",
            url_path=_ALERTS,
        ),
    ]
    pages += [
        st.Page(
            _PAGES / "workflows.py",
            title="Workflows",
            icon=":material/account_tree:",
            url_path="workflows",
        ),
    ]
    pages += [
        st.Page(_PAGES / "system.py", title="System", icon=":material/dns:", url_path="system"),
    ]
    return st.navigation(pages)


@st.fragment
def _draw_foot(title: str) -> None:
    live("inbox", "workers", "alerts", key=keys.live("foot"), refresh_s=0, shows_word=True)
    overview = observing.overview(deps.app())
    calling = alerting.count_calling(deps.app())
    count = f"({overview.waiting}) " if overview.waiting else ""
    st.set_page_config(page_title=f"{count}{title} · Interlock", page_icon=str(_MARK))
    if overview.waiting:
        look = palette.WAITING
        st.page_link(page_path("inbox"), label=f"{overview.waiting} waiting", icon=look.icon)
    else:
        st.caption("Nothing waits for a human.")
    draw_notice(find_foot_notice(overview))
    draw_switch(overview)
    st.caption(f"You act as {md_escape(deps.actor())}.")
    shown = (st.session_state.get(_WAITING), st.session_state.get(_CALLING))
    if (overview.waiting, calling) != shown:
        _draw_menu(
            overview.waiting, calling
        )  # last, as what is drawn belongs to the page that is named


main()
