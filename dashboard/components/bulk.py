"""Many cards at once, drawn: boxes in the list, the contents that are about to be decided, the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from interlock.core.model.approvals import Verb
from interlock.dashboard import keys
from interlock.dashboard.components import bulk_session
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.figure_tables import draw_saves
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.pages import draw_pages
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views import bulk
from interlock.dashboard.views.bulk import BulkView, LeftOut, Report
from interlock.dashboard.views.card import CardView
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.inbox import CardRow, InboxList
from interlock.dashboard.views.words import HIGH_RISK

HIGH = "High risk is decided one by one."
OnCards = Callable[[Sequence[tuple[str, int]]], None]


def draw_checks(
    view: InboxList,
    *,
    on_check: Callable[[str, int], None],
    on_all: OnCards,
    on_none: Callable[[], None],
) -> None:
    """
    Draw the list with a box before each card.

    Args:
        view: The list.
        on_check: Called with a card and the version that is drawn when its box was clicked.
        on_all: Called with all cards of the page that can be chosen.
        on_none: Called to choose none.
    """
    free = [(row.approval_id, row.version) for row in view.rows if not _is_high(row)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            f"All {len(free)} on this page",
            key=keys.bulk_all(is_all=True),
            on_click=on_all,
            args=(free,),
            type="tertiary",
            disabled=not free,
        )
        st.button("None", key=keys.bulk_all(is_all=False), on_click=on_none, type="tertiary")
    with st.container(gap="small"):
        for row in view.rows:
            bulk_session.show_check(row.approval_id)
            left = f" · {row.left}" if row.left else ""
            risk = f" · {row.risk}" if row.risk else ""
            held = f" · {row.hands}" if row.hands else ""
            about = md_escape(f"{row.about} · waits {row.age}{risk}{left}{held}")
            st.checkbox(
                f"{md_escape(row.title)}  \n:gray[:small[{about}]]",
                key=keys.bulk_check(row.approval_id),
                on_change=on_check,
                args=(row.approval_id, row.version),
                disabled=_is_high(row),
                help=HIGH if _is_high(row) else None,
                width="stretch",
            )


def draw_chosen(
    view: BulkView,
    *,
    bar: DeltaGenerator,
    draw_fresh: Callable[[], None],
    on_drop: Callable[[str], None],
    on_anew: Callable[[str, int], None],
    on_turn: Callable[[int], None],
    on_decide: Callable[[BulkView, Verb], None],
) -> None:
    """
    Draw what was chosen, one content after the other, and the bar that decides all of them.

    Args:
        view: What was chosen.
        bar: Where the buttons go.
        draw_fresh: Draws the live line that says which of them have changed since.
        on_drop: Called with a card that is to be chosen no more.
        on_anew: Called with a card and the version that is to be chosen instead.
        on_turn: Called with the page of contents that is wanted.
        on_decide: Called with what was drawn and the word.
    """
    if not view.cards and not view.left_out:
        st.caption(bulk.NOTHING_CHOSEN)
        return
    st.subheader(view.chosen_text, anchor=False)
    draw_fresh()
    if view.left_out:
        with st.expander(view.left_out_text, icon=":material/block:", expanded=not view.cards):
            for left in view.left_out:
                _draw_left_out(left, on_drop=on_drop, on_anew=on_anew)
    for each in view.cards:
        _draw_content(each, view.proposals[each.approval_id], on_drop=on_drop)
    if view.page_count > 1:
        draw_pages(view.page, view.page_count, key_of=keys.bulk_page, on_turn=on_turn)
    if not view.picks:
        return
    kept: dict[str, Any] = {"on_change": "ignore", "persist_state": "session"}
    st.text_input(
        "One reason for all (optional)",
        key=keys.bulk_reason(),
        max_chars=2000,
        placeholder="Kept with each decision",
        **kept,
    )
    draw_problem(view.no_button_text)
    with bar:
        _draw_bar(view, on_decide)


def draw_report(
    report: Report,
    *,
    file_at: str,
    on_pick: Callable[[str, Sequence[str]], None],
    on_close: Callable[[], None],
) -> None:
    """Draw what came of each, which stays until it is left, and can be saved."""
    with st.container(key=keys.bulk_report(), gap="small"):
        st.subheader(report.headline, anchor=False)
        rows: list[Row] = [
            {"Outcome": row.look, "Card": row.title, "Why": row.why} for row in report.rows
        ]
        draw_table(
            rows,
            key=f"{keys.bulk_report()}-{keys.inbox_table(report.ids)}",
            ids=report.ids,
            on_pick=on_pick,
            columns={"Why": st.column_config.TextColumn("Why", width="large")},
            alt=f"What came of each card: {report.headline}",
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button("Close the report", key=keys.bulk_close(), on_click=on_close)
            draw_saves(
                lambda: report.sheet,
                name=report.sheet.name,
                about="Save this report",
                file_at=file_at,
                place="bulk",
            )


def _draw_content(card: CardView, proposed: str, *, on_drop: Callable[[str], None]) -> None:
    with st.container(key=keys.bulk_card(card.approval_id, card.version), border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{md_escape(card.title)}**", width="stretch")
            for look in (card.risk, card.timed):
                if look is not None:
                    draw_badge(look)
            _draw_drop(card.approval_id, on_drop)
        st.caption(md_escape(f"{card.about} · {card.asked}"), help=card.asked_at)
        for text in (card.words, card.facts):
            if text:
                draw_text(text)
        for part in card.parts:
            st.caption(md_escape(part.label))
            draw_value(part.value)
        for action in card.form.actions if card.form else ():
            st.caption(md_escape(action.name))
            if action.description and action.description != card.words:
                draw_text(action.description)
            draw_value(action.args)
        if proposed:
            st.caption("Answered with the word alone; the other fields stay as proposed")
            draw_text(proposed)


def _draw_left_out(
    left: LeftOut, *, on_drop: Callable[[str], None], on_anew: Callable[[str, int], None]
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(gap=None, width="stretch"):
            st.markdown(md_escape(left.title))
            st.caption(md_escape(left.why))
        if left.anew is not None:
            st.button(
                "Choose as it asks now",
                key=keys.bulk_anew(left.pick.approval_id),
                on_click=on_anew,
                args=(left.pick.approval_id, left.anew),
                type="tertiary",
            )
        _draw_drop(left.pick.approval_id, on_drop)


def _draw_drop(approval_id: str, on_drop: Callable[[str], None]) -> None:
    st.button(
        "",
        key=keys.bulk_drop(approval_id),
        icon=":material/close:",
        help="Choose it no more",
        on_click=on_drop,
        args=(approval_id,),
        type="tertiary",
    )


def _draw_bar(view: BulkView, on_decide: Callable[[BulkView, Verb], None]) -> None:
    with st.container(
        border=True,
        horizontal=True,
        horizontal_alignment="right",
        vertical_alignment="center",
        gap="small",
    ):
        st.caption(view.unseen_text or view.chosen_text, width="stretch")
        for button in view.buttons:
            assert button.verb is not None
            st.button(
                button.label,
                key=keys.bulk_verb(button.verb),
                icon=button.icon,
                on_click=on_decide,
                args=(view, button.verb),
                disabled=bool(view.unseen_text),
            )


def _is_high(row: CardRow) -> bool:
    return row.risk.startswith(HIGH_RISK)
