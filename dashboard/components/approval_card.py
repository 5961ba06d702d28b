"""One card in full: what is asked, what can be filled in, and the bar with its buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from interlock.core.errors import FieldProblem
from interlock.core.model.approvals import Verb
from interlock.dashboard import keys
from interlock.dashboard.components import answer_drafts
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.answer_fields import draw_answer
from interlock.dashboard.components.badges import draw_badge
from interlock.dashboard.components.card_rows import draw_card_rows
from interlock.dashboard.components.deadlines import OnExtend, draw_deadline
from interlock.dashboard.components.decisions import draw_decisions
from interlock.dashboard.components.links import draw_link, page_path
from interlock.dashboard.components.media import draw_media
from interlock.dashboard.components.notices import draw_notice, draw_problem
from interlock.dashboard.components.routing import OnAgree, draw_route, draw_votes
from interlock.dashboard.views.answer_forms import AnswerForm, Button, Mode
from interlock.dashboard.views.answer_intents import place_problems
from interlock.dashboard.views.card import CardView
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import clip, format_plural
from interlock.dashboard.views.notices import Link

OnDecide = Callable[[CardView, Verb | None], None]
OnNext = Callable[[str], None]
TITLE_COUNT = 60  # of the bar: one line on a wide screen, two on a phone


def draw_card(
    card: CardView,
    *,
    bar: DeltaGenerator,
    problems: Sequence[FieldProblem],
    draw_fresh: Callable[[], None],
    draw_beside: Callable[[], None],
    on_decide: OnDecide,
    on_next: OnNext,
    on_extend: OnExtend,
    on_agree: OnAgree,
) -> None:
    """
    Draw the card.

    Args:
        card: What to draw.
        bar: Where its buttons go: within reach however long the card is.
        problems: What was wrong with the last try on this version.
        draw_fresh: Draws the live line that says who decided it and what became of it.
        draw_beside: Draws what is folded beneath the card.
        on_decide: Called with the card as it was drawn and the verb of the button.
        on_next: Called with the id of a card that is closed, to leave it.
        on_extend: Called with the card as it was drawn, to give it so much more time.
        on_agree: Called with the card as it was drawn and the name of whoever voted before.
    """
    with st.container(key=keys.card(card.approval_id), border=True, gap="small"):
        with st.container(gap=None):
            _draw_head(card)
            draw_fresh()
        draw_deadline(card, on_extend=on_extend)
        draw_route(card)
        if card.form is None:
            _draw_closed(card, on_next)
        _draw_asked(card)
        draw_votes(card, on_agree=on_agree)
        draw_notice(card.unchecked)
        if card.form is not None:
            mode = _draw_form(card, card.form, problems)
            with bar:
                _draw_bar(card, card.form.buttons_in(mode), len(problems), on_decide)
        draw_beside()
        _draw_more(card)


def _draw_head(card: CardView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(md_escape(card.title), anchor=False, width="stretch")
        if card.risk is not None:
            draw_badge(card.risk)
        if card.durability is not None:
            draw_badge(card.durability, help_text=card.durability_text)
        if card.timed is not None:
            draw_badge(card.timed)
        draw_badge(card.look)
    left = f" · {card.left}" if card.left and card.timed is None else ""
    st.caption(
        md_escape(f"{card.about} · {card.asked}{left}"),
        help=f"{card.asked_at}, card {card.approval_id}",
    )


def _draw_closed(card: CardView, on_next: OnNext) -> None:
    st.button(
        "Next waiting card",
        key=keys.verb("next", card.approval_id, card.version),
        icon=":material/arrow_forward:",
        on_click=on_next,
        args=(card.approval_id,),
    )


def _draw_asked(card: CardView) -> None:
    """What the agent says, on its own ground."""
    if card.words:
        draw_text(card.words)
    if card.facts:
        draw_text(card.facts)
    for part in card.parts:
        st.caption(md_escape(part.label))
        draw_value(part.value)
    for at, piece in enumerate(card.media):
        key = f"{keys.card_part('media', card.approval_id)}-{at}"
        draw_media(piece.media, key=key, label=piece.label)


def _draw_form(
    card: CardView,
    form: AnswerForm,
    problems: Sequence[FieldProblem],
) -> Mode:
    """Draw what can be filled in; how the answer is written at the moment."""
    key = (card.approval_id, card.version)
    mode = answer_drafts.read_mode(form, *key)
    placed, rest = place_problems(form, problems, mode)
    with st.container(key=keys.card_form(*key), gap="small"):
        if card.is_high_risk:
            _draw_reason(form, key)
        draw_answer(form, key, placed)
        if not card.is_high_risk:
            _draw_reason(form, key)
        for problem in rest:
            draw_problem(str(problem))
    return mode


def _draw_bar(
    card: CardView, buttons: Sequence[Button], problem_count: int, on_decide: OnDecide
) -> None:
    with st.container(
        key=keys.decision_row(card.approval_id, card.version),
        border=True,
        horizontal=True,
        horizontal_alignment="right",
        vertical_alignment="center",
        gap="small",
    ):
        with st.container(width="stretch", gap=None):
            if problem_count:
                draw_problem(f"Nothing was sent: {format_plural(problem_count, 'problem')} above")
            elif card.routing.blocked:
                st.caption(f":material/lock: {md_escape(card.routing.blocked)}")
            else:
                st.caption(md_escape(clip(card.title, TITLE_COUNT)))
        with st.container(
            horizontal=True, horizontal_alignment="right", width="content", gap="small"
        ):
            for button in buttons:
                _draw_button(button, card, on_decide)


def _draw_reason(form: AnswerForm, key: tuple[str, int]) -> None:
    kept: dict[str, Any] = {"on_change": "ignore", "persist_state": "session"}
    st.text_input(
        "Reason (a revision takes one)" if Verb.REVISE in form.verbs else "Reason (optional)",
        key=keys.reason(*key),
        max_chars=2000,
        help="Kept with the decision, and sent to the workflow." if form.reason_sent else None,
        placeholder="Kept with the decision",
        **kept,
    )


def _draw_button(button: Button, card: CardView, on_decide: OnDecide) -> None:
    kind: Literal["primary", "secondary"] = "primary" if button.is_primary else "secondary"
    st.button(
        button.label,
        key=keys.verb(button.name, card.approval_id, card.version),
        icon=button.icon,
        type=kind,
        on_click=on_decide,
        args=(card, button.verb),
        disabled=bool(card.routing.blocked),
        help=card.routing.blocked or None,
    )


def _draw_more(card: CardView) -> None:
    if card.shows_payload:
        with st.expander("What the workflow sent, as it is", icon=":material/data_object:"):
            draw_value(card.payload)
    if card.record:
        with st.expander("Decisions on this card", icon=":material/history:"):
            draw_decisions(card.record)
    if card.siblings:
        st.caption("Also open on this thread")
        draw_card_rows(card.siblings, place="siblings")
    st.page_link(
        page_path("run"),
        label="Its run",
        icon=":material/timeline:",
        query_params={"run_id": card.run_id},
    )
    draw_link(card.history)
    draw_link(Link("What if: try two answers on copies", "what_if", {"card": card.approval_id}))
