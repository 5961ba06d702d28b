"""The tree of a thread on its page: filtered, folded, live, with what may be done at a point."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.errors import NotFound
from interlock.core.model.branching import Tree, grow
from interlock.core.model.folding import lay_out
from interlock.core.model.history import Point, PointFilter
from interlock.core.services import history
from interlock.core.services.history import History
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.history_change import FOLLOW, find_change, stage
from interlock.dashboard.app_pages.history_moves import (
    SHOWN,
    UNFOLDED,
    choose,
    chosen_points,
    draw_offers,
    draw_table,
    sift,
    unfold,
)
from interlock.dashboard.components import history_controls, history_tree, staged_change
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.views import history as trees
from interlock.dashboard.views import history_filters, points, staged
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.history_filters import FilterView


@st.fragment
def draw_tree(thread_id: str) -> None:
    live("runs", "inbox", key=keys.live(f"history-{thread_id}"))
    app = deps.app()
    before = state.read_param("before")
    try:
        found = history.open_history(app, thread_id, before=before)
    except NotFound as exc:  # pruned since the page was drawn
        draw_problem(str(exc))
        return
    wanted = history_filters.read({name: state.read_param(name) for name in FilterView.NAMES})
    shown = st.session_state.get(SHOWN)
    if found.head_id != shown and (shown is None or st.session_state.get(FOLLOW) == thread_id):
        st.session_state.pop(FOLLOW, None)
        st.rerun()
    fitting, count = found.points, found.count
    if not wanted.is_free:
        sifted = history.open_history(app, thread_id, wanted, before=before)
        fitting, count = sifted.points, sifted.count
    tree = grow(found.points)
    st.caption(md_escape(points.say_thread(found.thread)))
    if found.missing:
        st.warning(md_escape(found.missing), icon=":material/hourglass_empty:")
    if not found.points:
        st.caption(points.say_no_points(found.thread))
        return
    draw_filters(found, tree, wanted)
    draw_drawing(found, tree, wanted, fitting)
    draw_verbs(found, tree)
    st.caption(
        points.say_filter(wanted, count)
        or "A click shows a point; Shift and a click compares it with the one that is shown."
    )
    draw_table(found, fitting, is_open=not wanted.is_free)


def draw_filters(found: History, tree: Tree, wanted: PointFilter) -> None:
    nodes = points.list_nodes(tree, found.workflow.nodes if found.workflow else ())
    sources = sorted({entry.source for entry in tree.entries.values()})
    view = history_filters.build(wanted, nodes, sources, found.runs)
    history_controls.draw_filters(view, on_change=sift)


def draw_drawing(found: History, tree: Tree, wanted: PointFilter, fitting: Sequence[Point]) -> None:
    known = {point.checkpoint_id: point for point in found.points}
    at, second = chosen_points(found.head_id)
    layout = lay_out(
        tree,
        trees.tell(
            found.points,
            failures=points.find_failures(found.runs),
            chosen=[each for each in (at, second) if each],
        ),
        unfolded=st.session_state.get(UNFOLDED, ()),
    )
    col = state.read_param("col")
    first = trees.find_first_column(layout, state.read_number("col", 0, minimum=0) if col else None)
    view = trees.build(
        layout,
        known,
        points.find_decisions(found.decisions, found.cards),
        first_column=first,
        sight=trees.Sight(
            second=second,
            is_newest=state.read_param("before") is None,
            matched=None if wanted.is_free else frozenset(p.checkpoint_id for p in fitting),
        ),
        now=deps.app().clock.now(),
    )
    draw_offers(found, tree, view, at)
    history_tree.draw_tree(
        view,
        read_theme(),
        key=keys.history_tree(found.thread.thread_id),
        on_pick=lambda point, is_second: choose(point, is_second=is_second),
        on_open=unfold,
    )


def draw_verbs(found: History, tree: Tree) -> None:
    """What may be done at the chosen point; nothing is done yet."""
    at, _ = chosen_points(found.head_id)
    if at is None or find_change(found.thread.thread_id) is not None:
        return
    taken = points.find_decisions(found.decisions, found.cards)
    staged_change.draw_verbs(
        staged.offer(found, tree, at, taken),
        at=at,
        on_verb=lambda verb: stage(found.thread.thread_id, at, verb, found.head_id),
    )
