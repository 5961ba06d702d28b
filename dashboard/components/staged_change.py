"""A staged change: a coloured rule, what would happen, what it takes, and the two buttons that end it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from interlock.core.errors import FieldProblem
from interlock.core.model.history import EditMode
from interlock.core.model.rewinding import RewindVerb
from interlock.dashboard import keys
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.schema_form import JSON_HEIGHT, draw_fields, read_fields
from interlock.dashboard.components.tables import draw_table
from interlock.dashboard.views.escaping import md_escape, show_hidden
from interlock.dashboard.views.forms import FormField
from interlock.dashboard.views.staged import WHOLE, EditForm, Offer, PreviewView

MODES = {EditMode.REPLACE: "Replace", EditMode.APPEND: "Append"}
_KEPT: dict[str, Any] = {"on_change": "ignore", "persist_state": "session"}

OnVerb = Callable[[RewindVerb], None]
Act = Callable[[], None]


def draw_verbs(offers: Sequence[Offer], *, at: str, on_verb: OnVerb) -> None:
    """What may be done at a point; a button only stages it."""
    with st.container(horizontal=True, gap="small"):
        for each in offers:
            st.button(
                each.label,
                key=keys.history_verb(each.verb, at),
                icon=each.icon,
                disabled=bool(each.why_not),
                help=md_escape(each.why_not) if each.why_not else None,
                on_click=on_verb,
                args=(each.verb,),
            )


def draw_head(title: str, place: str) -> None:
    """The rule across the page says that this is no longer a look, and that nothing has happened."""
    st.subheader(md_escape(title), anchor=False, divider="yellow")
    st.markdown(f"**Nothing has happened yet.** :gray[{md_escape(place)}]")


def draw_preview(view: PreviewView, *, key: str) -> None:
    for problem in view.problems:
        st.error(md_escape(problem), icon=":material/block:")
    st.markdown(f"**{md_escape(view.certain)}**")
    with st.container(gap=None):
        for warning in view.warnings:
            st.markdown(f":orange[:material/warning:] {md_escape(warning)}")
    if view.nodes:
        rows = [
            {
                "Node": row.node,
                "Times": row.times,
                "Runs": row.is_certain,
                "Side effects": row.effects,
            }
            for row in view.nodes
        ]
        right = st.column_config.TextColumn("Times", alignment="right", width="small")
        draw_table(
            rows,
            key=key,
            columns={"Times": right},
            is_whole=len(rows) <= 8,
            alt="Nodes that run again, and those that ran after this point the last time",
        )
    st.markdown("\n".join(f"- {md_escape(each)}" for each in view.consequences))


def draw_node(nodes: Sequence[str], *, staged_id: str, label: str) -> None:
    """Which node is meant, where several could be."""
    st.selectbox(
        label,
        list(nodes),
        index=None,
        format_func=show_hidden,
        key=keys.staged_part("node", staged_id),
        placeholder="The only one that it can be",
        help="Needed only where several could be meant.",
        persist_state="session",
    )


def draw_edit(form: EditForm, *, staged_id: str, problems: Mapping[str, str]) -> None:
    """The fields of the state that shall change; the others stay as they are."""
    if not form.replacing:
        st.text_area(
            "New values as JSON",
            key=keys.staged_part("json", staged_id),
            height=JSON_HEIGHT,
            placeholder='{"field": "value"}',
            **_KEPT,
        )
        draw_problem(problems.get(WHOLE))
        return
    key = keys.staged_part("fields", staged_id)
    st.multiselect(
        "Fields to change",
        list(form.paths),
        format_func=show_hidden,
        key=key,
        persist_state="session",
    )
    draw_problem(problems.get(WHOLE))
    for path in st.session_state.get(key, ()):
        st.segmented_control(
            f"How {md_escape(path)} changes",
            list(MODES),
            default=None
            if keys.staged_mode(staged_id, path) in st.session_state
            else EditMode.REPLACE,
            required=True,
            format_func=MODES.__getitem__,
            key=keys.staged_mode(staged_id, path),
            help="Replace takes the place of what is there. Append hands it to the field's reducer.",
            persist_state="session",
        )
        (field,) = form.fields_in({path: read_mode(staged_id, path)})
        draw_fields([field], key_of(staged_id, path), problems)


def read_mode(staged_id: str, path: str) -> EditMode:
    """How a field is changed."""
    held = st.session_state.get(keys.staged_mode(staged_id, path))
    return EditMode(held) if held else EditMode.REPLACE


def read_modes(form: EditForm, staged_id: str) -> dict[str, EditMode]:
    """The chosen fields with how each is changed."""
    chosen = st.session_state.get(keys.staged_part("fields", staged_id), ())
    return {path: read_mode(staged_id, path) for path in chosen if path in form.paths}


def read_edit(
    form: EditForm, modes: Mapping[str, EditMode], staged_id: str
) -> tuple[dict[str, object], str]:
    """What the widgets of the chosen fields hold, and the JSON where there are none."""
    held: dict[str, object] = {}
    for path, mode in modes.items():
        fields: tuple[FormField, ...] = form.fields_in({path: mode})
        held |= read_fields(fields, key_of(staged_id, path))
    return held, st.session_state.get(keys.staged_part("json", staged_id)) or ""


def key_of(staged_id: str, path: str) -> Callable[[str], str]:
    """Keys of a field's widgets: a value to append is another draft than one to replace with."""
    mode = read_mode(staged_id, path)
    return lambda inner: keys.staged_field(staged_id, f"{mode}:{inner}")


def draw_end(
    *, staged_id: str, problems: Sequence[FieldProblem], on_apply: Act, on_discard: Act
) -> None:
    """The reason and the two buttons."""
    st.text_input(
        "Reason",
        key=keys.staged_part("reason", staged_id),
        max_chars=2000,
        placeholder="Kept with the fork and in the audit",
        **_KEPT,
    )
    for problem in problems:
        draw_problem(str(problem))
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Apply",
            key=keys.staged_part("apply", staged_id),
            type="primary",
            icon=":material/check:",
            on_click=on_apply,
        )
        st.button("Discard", key=keys.staged_part("discard", staged_id), on_click=on_discard)
