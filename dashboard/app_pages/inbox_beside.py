"""The live and the folded parts around the chosen card: none of them draws its form again."""

from __future__ import annotations

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.model.approvals import ApprovalSummary
from interlock.core.services import explaining
from interlock.dashboard import deps, keys
from interlock.dashboard.app_pages.inbox_hands import draw_row
from interlock.dashboard.components.aftermath import draw_aftermath
from interlock.dashboard.components.card_context import draw_folded, draw_why
from interlock.dashboard.components.graph import draw_graph
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.run_tabs import draw_steps
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.http.heads import CARD_PREFIX
from interlock.dashboard.views import aftermath, card_context, graph, steps


@st.fragment
def draw_fresh(approval_id: str, version: int, *, is_open: bool, may_act: bool) -> None:
    """
    Says when the card was decided, also elsewhere, and what became of it, and who has it; the form stays
    as it is.
    """
    app = deps.app()
    known = explaining.aftermath(app, approval_id).newest
    topics = [f"run:{known.run_id}", "runs"] if known else []
    with st.container(gap=None):  # both keep their places while they say nothing
        card = f"{CARD_PREFIX}{approval_id}"
        live("inbox", card, *topics, key=keys.live(f"fresh-{approval_id}"))
        seen = explaining.aftermath(app, approval_id)
        view = aftermath.build(seen, version, now=app.clock.now())
        draw_row(approval_id, is_open=is_open and not seen.newest, may_act=may_act)
        draw_aftermath(view, approval_id=approval_id, is_warning=is_open)


def draw_beside(card: ApprovalSummary) -> None:
    """Why it is asked, where in the graph, and the steps before it: each read when it is opened."""
    draw_why_asked(card)
    draw_where(card)
    draw_steps_before(card)


@st.fragment
def draw_why_asked(card: ApprovalSummary) -> None:
    key = keys.card_part("why", card.approval_id)
    draw_folded("Why it is asked", icon=":material/forum:", key=key, draw=lambda: _draw_why(card))


@st.fragment
def draw_where(card: ApprovalSummary) -> None:
    key = keys.card_part("graph", card.approval_id)
    draw_folded(
        "Where in the graph",
        icon=":material/account_tree:",
        key=key,
        draw=lambda: _draw_graph(card),
    )


@st.fragment
def draw_steps_before(card: ApprovalSummary) -> None:
    key = keys.card_part("steps", card.approval_id)
    draw_folded(
        "Steps of the run", icon=":material/checklist:", key=key, draw=lambda: _draw_steps(card)
    )


def _draw_why(card: ApprovalSummary) -> None:
    app = deps.app()
    try:
        snapshot = explaining.state_when_asked(app, card)
    except InterlockError as exc:
        draw_problem(str(exc))
        return
    why = card_context.build_why(snapshot.values, max_media_bytes=app.settings.max_media_bytes)
    draw_why(why, key=keys.card_part("said", card.approval_id))


def _draw_graph(card: ApprovalSummary) -> None:
    live("inbox", "runs", key=keys.live(f"graph-{card.approval_id}"))
    found = explaining.background(deps.app(), card)
    states = graph.read_states(found.nodes, found.approvals)
    draw_graph(graph.build(found.workflow, states, read_theme()))


def _draw_steps(card: ApprovalSummary) -> None:
    live("inbox", "runs", key=keys.live(f"steps-{card.approval_id}"))
    app = deps.app()
    rows = steps.build(explaining.background(app, card).nodes, now=app.clock.now())
    draw_steps(rows, key=f"{keys.card_part('steps', card.approval_id)}-table")
