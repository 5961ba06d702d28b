"""A click that comes in another part's name is drawn all the same."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page_with_a_live_part() -> None:
    import streamlit as st

    from interlock.dashboard import state
    from interlock.dashboard.components.live import live

    @st.fragment
    def draw_part() -> None:
        if st.session_state.get("pressed"):
            st.session_state["pressed"] = False
            state.ask_for_drawing()  # as the callback of a button of the page does
        live("runs", key="part")
        st.caption(f"part of drawing {st.session_state['drawings']}")

    st.session_state["drawings"] = st.session_state.get("drawings", 0) + 1
    st.text(f"drawing {st.session_state['drawings']}")
    draw_part()


def test_the_page_is_drawn_once_more_and_not_again() -> None:
    page = AppTest.from_function(page_with_a_live_part, default_timeout=20).run()
    assert page.text[0].value == "drawing 1"

    page.session_state["pressed"] = True
    page.run()

    assert page.text[0].value == "drawing 3"
    assert page.caption[0].value == "part of drawing 3"
