"""A button that opens the browser's print dialogue; it sends nothing to the server."""

from __future__ import annotations

import streamlit as st

_HTML = """<button class="print" type="button">
Print</button>"""

_CSS = """.print {
  font: inherit; font-family: var(--st-font); color: var(--st-text-color); cursor: pointer;
  background: transparent; border: 1px solid var(--st-border-color); border-radius: 0.375rem;
  padding: 0.3rem 0.9rem;
}
@media print { .print { display: none; } }
"""

_JS = """export default function ({ parentElement }) {
  const button = parentElement.querySelector(".print");
  const print = () => window.print();
  button.addEventListener("click", print);
  return () => button.removeEventListener("click", print);
}
"""

_component = st.components.v2.component("interlock_print", html=_HTML, css=_CSS, js=_JS)


def draw_print_button(*, key: str) -> None:
    _component(key=key)
