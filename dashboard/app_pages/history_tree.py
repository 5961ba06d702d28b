"""The tree of a thread on its page: filtered, folded, paged; choosing a point in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.core.model.branching import Tree, grow
from interlock.core.model.folding import Span, lay_out
from interlock.core.model.history import Point, PointFilter
from interlock.core.services import history
from interlock.core.services.history import History
from interlock.core.types import CheckpointId
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.history_staged import FOLLOW, find_change, stage
from interlock.dashboard.components import history_controls, history_tree, staged_change
from interlock.dashboard.components.live import live
from interlock.dashboard.components.point_panes import draw_points
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.views import history as trees
from interlock.dashboard.views import history_filters, points, staged
from interlock.dashboard.views.history_filters import FilterView

SHOWN = "history-shown-head"
UNFOLDED = "history-unfolded"
SECOND = "history-picks-second"  # whether a click in the tree chooses the second point
ROWS_COUNT = 300  # of the table

Act = Callable[[], None]


def choose(checkpoint_id: str, *, is_second: bool) -> None:
    """Look at a point, or compare with it."""
    if is_second or st.session_state.get(SECOND):
        state.set_params(**{"with": checkpoint_id})
    else:
        state.set_params(at=checkpoint_id)
    state.ask_for_drawing()


def pick_row(key: str, ids: Sequence[str]) -> None:
    chosen = read_picked(key, ids, state.read_param("at"))
    if chosen is not None:
        choose(chosen, is_second=False)


def unfold(span: Span) -> None:
    st.session_state[UNFOLDED] = {*st.session_state.get(UNFOLDED, ()), span}


def fold() -> None:
    st.session_state.pop(UNFOLDED, None)


def sift(*, is_off: bool = False) -> None:
    params = dict.fromkeys(FilterView.NAMES) if is_off else history_controls.read_filters()
    state.set_params(**params)


def go_to(before: str | None) -> None:
    state.set_params(before=before, col=None)


def slide(column: int) -> None:
    state.set_params(col=str(column))


def follow() -> None:
    state.set_params(at=None)
    state.ask_for_drawing()


@st.fragment
def draw_tree(thread_id: str) -> None:
    live("runs", "inbox", key=keys.live(f"history-{thread_id}"))
    app = deps.app()
    before = state.read_param("before")
    found = history.open_history(app, thread_id, before=before)
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
    draw_filters(found, tree, wanted)
    if not found.points:
        st.caption("This thread has no checkpoints yet. They come here as its run makes steps.")
        return
    draw_drawing(found, tree, wanted, fitting)
    draw_verbs(found, tree)
    st.caption(points.say_filter(wanted, count) or "Choose a point to see its state.")
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


def chosen_points(
    head_id: CheckpointId | None,
) -> tuple[CheckpointId | None, CheckpointId | None]:
    """The point that is looked at and the one it is compared with, if the address names one."""
    at, second = state.read_param("at") or head_id, state.read_param("with")
    return (CheckpointId(at) if at else None), (CheckpointId(second) if second else None)


def draw_offers(found: History, tree: Tree, view: trees.TreeView, at: CheckpointId | None) -> None:
    """How much there is, and the buttons that go elsewhere in it; each keeps its place."""
    before = state.read_param("before")
    oldest = found.points[-1].checkpoint_id
    is_oldest = len(found.points) == found.total or not tree.missing
    first, width = view.first_column, trees.COLUMNS_COUNT
    earlier, later = points.neighbours(tree, at)
    has_moved = state.read_param("at") is None and st.session_state.get(SHOWN) != found.head_id

    def to(column: int) -> Act:
        return lambda: slide(column)

    def step(point: CheckpointId | None) -> Act | None:
        return None if point is None else lambda: choose(point, is_second=False)

    offers: dict[str, tuple[str, str, Act | None]] = {
        "before": ("Before", "chevron_left", step(earlier)),
        "after": ("After", "chevron_right", step(later)),
        "moved": ("Newest", "last_page", follow if has_moved or at != found.head_id else None),
        "fold": ("Fold", "unfold_less", fold if st.session_state.get(UNFOLDED) else None),
    }
    if view.all_count > width:
        offers["left"] = ("Left", "arrow_back", to(max(0, first - width)) if first else None)
        is_last = first + width >= view.all_count
        offers["right"] = ("Right", "arrow_forward", None if is_last else to(first + width))
    if before is not None or not found.is_whole:
        offers["older"] = ("Older", "history", None if is_oldest else lambda: go_to(oldest))
        offers["newest"] = ("Latest", "update", (lambda: go_to(None)) if before else None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        extent = points.say_extent(found.points, found.total, found.spans, is_newest=before is None)
        moved = " · the thread has moved on" if has_moved else ""
        st.caption(f"{extent}{moved}", width="stretch")
        history_controls.draw_go(offers)


def draw_table(found: History, fitting: Sequence[Point], *, is_open: bool) -> None:
    """The same in words; read from the top it is what a screen reader gets."""
    thread_id = found.thread.thread_id
    key = keys.history_part("table", thread_id, "filtered" if is_open else "")
    part = st.expander(
        "As a table", icon=":material/table:", key=key, expanded=is_open, on_change="rerun"
    )
    if not part.open:
        return
    rows = points.build_table(
        fitting[:ROWS_COUNT],
        points.find_decisions(found.decisions, found.cards),
        now=deps.app().clock.now(),
    )
    at, _ = chosen_points(found.head_id)
    with part:
        if not rows:
            st.caption("No point fits. Choose other filters, or all points.")
            return
        ids = [row.checkpoint_id for row in rows]
        draw_points(
            rows,
            key=keys.history_table([*ids, str(at)]),
            chosen=at,
            on_pick=pick_row,
        )
        if len(fitting) > ROWS_COUNT:
            st.caption(f"The newest {ROWS_COUNT} are listed; filter for others.")
