"""
What stands where nobody known asks: that one is signed out, and the way back to this very page.

A link of Streamlit's would open another tab; this one stays in its own.
"""

from __future__ import annotations

import streamlit as st

from interlock.dashboard.views.escaping import md_escape

_HTML = '<a class="way" href="/sign-in" target="_self">Sign in</a>'

_CSS = """.way {
  display: inline-block; font-family: var(--st-font); color: var(--st-link-color); font-weight: 600;
}
"""

_JS = """export default function ({ data, parentElement }) {
  const way = parentElement.querySelector(".way")
  if (data.leaves) return window.location.assign("/sign-in?out=1")
  const aim = () => {
    way.href = "/sign-in?next=" + encodeURIComponent(location.pathname + location.search)
  }
  way.addEventListener("click", aim)
  return () => way.removeEventListener("click", aim)
}
"""

_component = st.components.v2.component("interlock_signed_out", html=_HTML, css=_CSS, js=_JS)


def draw_signed_out(reason: str, *, key: str | None = None, leaves: bool = False) -> None:
    """
    Args:
        reason: Why, as whoever looked found it.
        key: A key of its own, where several may stand on one page.
        leaves: Whether the browser goes to where one signs in by itself, as after signing out here.
    """
    if not leaves:
        told = f"{reason} Nothing is carried out until you sign in again."
        st.warning(md_escape(told), icon=":material/logout:")
    _component(key=key, data={"leaves": leaves})
