"""The audit: whether it holds, what it is filtered by, the list, one entry. All text in it is drawn inert."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from interlock.core.model.audit_files import WRITERS, Format
from interlock.core.model.audit_lists import ORIGINS, AuditEntry
from interlock.dashboard import keys
from interlock.dashboard.components.agent_text import draw_value
from interlock.dashboard.components.links import draw_empty, draw_link
from interlock.dashboard.components.notices import draw_aside, draw_problem
from interlock.dashboard.components.point_panes import draw_diff
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views import audit
from interlock.dashboard.views.audit import AuditList, ChainView, EntryView, Wanted
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import format_count

OnPick = Callable[[str, Sequence[str]], None]
_MORE = ("object", "origin", "since", "until")  # filters that are asked for less often
_MIMES = {Format.CSV: "text/csv", Format.JSONL: "application/x-ndjson"}
_LABELS = {Format.CSV: "CSV", Format.JSONL: "JSON lines"}


def draw_chain(view: ChainView, *, on_check: Callable[[], None]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch"):
            draw_aside(view.notice)
        st.button(
            "Check the chain",
            key=keys.audit_check(),
            icon=":material/link:",
            help="Compute every seal again, for at most ten seconds",
            on_click=on_check,
        )
    for problem in view.problems:
        st.markdown(f":red[:material/error: {md_escape(problem)}]")


def draw_filters(
    chosen: Mapping[str, str],
    names: tuple[Sequence[str], Sequence[str]],
    wanted: Wanted,
    *,
    on_choose: Callable[[str], None],
) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _draw_text("q", "Text", "Of the reason, of before or after", chosen, on_choose)
        _draw_choice("actor", "Who", names[0], chosen, on_choose)
        _draw_choice("action", "What", names[1], chosen, on_choose)
    is_open = any(chosen.get(name) for name in _MORE)
    with (
        st.expander("More filters", icon=":material/tune:", expanded=is_open),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        _draw_text("object", "To what", "run:<id>, or run: for all runs", chosen, on_choose)
        _draw_choice("origin", "From where", ORIGINS, chosen, on_choose)
        _draw_text("since", "Since", "2d or 2026-11-22", chosen, on_choose, width=180)
        _draw_text("until", "Until", "2026-11-22T18:00", chosen, on_choose, width=180)
    for name, problem in wanted.problems.items():
        draw_problem(f"{name.capitalize()}: {problem}")


def draw_list(view: AuditList, *, selected: str, on_pick: OnPick) -> None:
    if view.empty is not None:
        draw_empty(view.empty)
        return
    rows: list[Row] = [
        {
            "When": row.at,
            "Who": row.actor,
            "What": row.action,
            "To what": row.object,
            "Why": row.reason,
            "From": row.origin,
            "Entry": row.seq,
        }
        for row in view.rows
    ]
    if rows:
        draw_table(
            rows,
            key=keys.audit_table(view.ids),
            ids=view.ids,
            selected=view.ids.index(selected) if selected in view.ids else None,
            on_pick=on_pick,
            columns={
                "Entry": st.column_config.TextColumn("Entry", alignment="right", width="small"),
                "Why": st.column_config.TextColumn("Why", width="medium"),
            },
            is_whole=True,
            alt=f"{view.summary}, the latest first",
        )
    if view.note:
        st.caption(view.note)


def draw_turns(view: AuditList, *, is_first: bool, on_turn: Callable[[str | None], None]) -> None:
    """The ways to older entries and back to the latest."""
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Latest",
            key=keys.audit_page("latest"),
            icon=":material/first_page:",
            disabled=is_first,
            on_click=on_turn,
            args=(None,),
        )
        st.button(
            "Older",
            key=keys.audit_page("older"),
            icon=":material/chevron_right:",
            disabled=not view.older,
            on_click=on_turn,
            args=(view.older,),
        )


def draw_saves(read: Callable[[], Sequence[AuditEntry]], *, file_at: str) -> None:
    """Save what fits the filters; `read` is called when a button is pressed, by a thread that draws nothing."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        for format_ in Format:
            st.download_button(
                _LABELS[format_],
                partial(_write, format_, read),
                file_name=f"interlock-audit-{file_at}.{format_}",
                mime=_MIMES[format_],
                key=keys.audit_save(format_),
                type="tertiary",
                icon=":material/download:",
                on_click="ignore",
                help=f"Save the latest {format_count(audit.MAX_SAVED)} entries that fit; "
                "`interlock audit export` writes all",
            )


def draw_entry(view: EntryView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(md_escape(view.headline), anchor=False, width="stretch")
        if view.link is not None:
            draw_link(view.link)
    with st.container(gap=None):
        for name, text in view.facts:
            st.markdown(f":gray[{name}:] {md_escape(text)}")
    if view.diff is not None:
        draw_diff(view.diff, key="audit-diff")
    for name, value in view.values:
        st.caption(name)
        draw_value(value)
    if view.diff is None and not view.values:
        st.caption("Nothing was written down of what was before or after.")
    with st.expander("Seal", icon=":material/link:"):
        for name, text in view.seal:
            st.caption(name)
            st.code(text, language=None, wrap_lines=True)


def _draw_text(
    name: str,
    label: str,
    placeholder: str,
    chosen: Mapping[str, str],
    on_choose: Callable[[str], None],
    *,
    width: int | None = None,
) -> None:
    key = keys.audit_field(name)
    _put(key, chosen.get(name, ""))
    st.text_input(
        label,
        key=key,
        placeholder=placeholder,
        max_chars=audit.MAX_CHARS,
        on_change=on_choose,
        args=(name,),
        width="stretch" if width is None else width,
    )


def _draw_choice(
    name: str,
    label: str,
    known: Sequence[str],
    chosen: Mapping[str, str],
    on_choose: Callable[[str], None],
) -> None:
    key = keys.audit_field(name)
    value = chosen.get(name, "")
    _put(key, value or audit.ANY[name])
    st.selectbox(
        label,
        audit.options(name, known, value),
        key=key,
        format_func=audit.name_origin if name == "origin" else str,
        on_change=on_choose,
        args=(name,),
        width=180,
    )


def _put(key: str, value: str) -> None:
    """The URL says what is chosen; the field follows it."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def _write(format_: Format, read: Callable[[], Sequence[AuditEntry]]) -> str:
    return "".join(WRITERS[format_](read()))
