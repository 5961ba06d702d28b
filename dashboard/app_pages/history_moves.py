"""Moving about in the tree of a thread: choosing a point, folding, paging; the tree as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.core.model.branching import Tree
from interlock.core.model.folding import Span
from interlock.core.model.history import Point
from interlock.core.services.history import History
from interlock.core.types import CheckpointId
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components import history_controls
from interlock.dashboard.components.point_panes import draw_points
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import history as trees
from interlock.dashboard.views import points
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
    state.set_params(at=None, before=None, col=None)
    state.ask_for_drawing()


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
    if at is not None and at not in tree.entries and not found.is_whole:
        # As texts are sorted this comes right after it, so that it is the newest of its page.
        offers["find"] = ("Show the chosen point", "my_location", lambda: go_to(f"{at}~"))
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
