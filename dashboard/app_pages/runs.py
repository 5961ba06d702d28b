from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from interlock.core.model.run_lists import RunFilter, Told
from interlock.core.services import browsing, observing, running
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.failure_groups import draw_groups, draw_report
from interlock.dashboard.components.figure_tables import draw_saves
from interlock.dashboard.components.links import draw_empty, page_path
from interlock.dashboard.components.live import live
from interlock.dashboard.components.pages import draw_pages
from interlock.dashboard.components.runs_table import draw_runs
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import failures, runs, saved
from interlock.dashboard.views.escaping import md_escape, show_hidden
from interlock.dashboard.views.formatting import format_count

WANTED = "runs-wanted"
REPORT = "runs-report"
GROUP = "runs-group-chosen"
EVERY = "All workflows"

Act = Callable[..., tuple[Told, ...]]


def pick(key: str, ids: Sequence[str]) -> None:
    st.session_state[WANTED] = read_picked(key, ids)


def turn(page: int) -> None:
    state.set_params(page=str(page) if page > 1 else None)


def choose_group() -> None:
    state.set_params(status=st.session_state[keys.runs_status()], error=None, page=None)


def choose_workflow() -> None:
    chosen = st.session_state[keys.runs_workflow()]
    state.set_params(workflow=None if chosen == EVERY else chosen, page=None)


def choose_degraded() -> None:
    state.set_params(degraded="1" if st.session_state[keys.runs_degraded()] else None, page=None)


def search() -> None:
    state.set_params(q=st.session_state[keys.runs_search()].strip() or None, page=None)


def show_error(error_type: str | None) -> None:
    state.set_params(error=error_type, page=None)


def close_report() -> None:
    st.session_state.pop(REPORT, None)


def act_on(error_type: str, verb: str, act: Act) -> None:
    app, actor = deps.app(), deps.actor()
    reason = st.session_state.get(keys.runs_group("reason", error_type)) or ""
    wanted = read_filter("failed", error_type)

    def carry_out() -> tuple[Told, ...]:
        found = browsing.find_failed(app, wanted, limit=failures.ACT_COUNT)
        return act(app, found, actor=actor, reason=reason)

    told = state.once(state.drawn_form(GROUP), carry_out)
    state.renew_form(GROUP)
    st.session_state[REPORT] = failures.report(verb, error_type, told)


def retry(error_type: str) -> None:
    act_on(error_type, "Retried", running.retry_many)


def cancel(error_type: str) -> None:
    act_on(error_type, "Cancelled", running.cancel_many)


def read_filter(group: str, error_type: str | None) -> RunFilter:
    return RunFilter(
        statuses=runs.STATUS_GROUPS[group],
        workflow=state.read_param("workflow"),
        error_type=error_type,
        words=state.read_param("q", "") or "",
        is_degraded=state.read_param("degraded") == "1",
    )


def draw_filters(group: str, names: Sequence[str], wanted: RunFilter) -> None:
    counts = browsing.count_runs(deps.app(), wanted)
    st.session_state[keys.runs_status()] = group  # always: the browser's Back makes it forget
    st.segmented_control(
        "Status",
        list(runs.STATUS_GROUPS),
        required=True,
        format_func=lambda name: runs.name_group(name, counts),
        key=keys.runs_status(),
        label_visibility="collapsed",
        on_change=choose_group,
        wrap=True,
    )
    chosen = wanted.workflow or EVERY
    with st.container(horizontal=True, vertical_alignment="bottom"):
        put(keys.runs_search(), wanted.words)
        st.text_input(
            "Search",
            key=keys.runs_search(),
            placeholder="Words of the input, an id or its end, who launched it, the error",
            label_visibility="collapsed",
            icon=":material/search:",
            max_chars=200,
            on_change=search,
            width="stretch",
        )
        put(keys.runs_workflow(), chosen)
        st.selectbox(
            "Workflow",
            list(dict.fromkeys([EVERY, *names, chosen])),
            key=keys.runs_workflow(),
            label_visibility="collapsed",
            on_change=choose_workflow,
            width=240,
        )
        put(keys.runs_degraded(), wanted.is_degraded)
        st.toggle(
            "Degraded",
            key=keys.runs_degraded(),
            help="Only runs in which a fallback served in a node's place",
            on_change=choose_degraded,
        )


def put(key: str, value: Any) -> None:
    """The URL says what is chosen; the field follows it."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


@st.fragment
def draw() -> None:
    live("runs", "workflows", key=keys.live("runs"))
    app = deps.app()
    now = app.clock.now()
    workflows = observing.list_workflow_names(app)
    group = state.read_choice("status", runs.STATUS_GROUPS, "all")
    error = state.read_param("error") if group == "failed" else None
    wanted = read_filter(group, error)
    draw_filters(group, [w.name for w in workflows], read_filter(group, None))
    draw_report(st.session_state.get(REPORT), on_close=close_report)
    if group == "failed":
        groups = browsing.group_failed(app, read_filter(group, None))
        draw_groups(
            failures.build_rows(groups, now=now),
            shown=error,
            on_show=show_error,
            on_retry=retry,
            on_cancel=cancel,
        )
    if error is not None:
        st.button(
            f"Only {md_escape(show_hidden(error))}",
            key=keys.runs_error_off(),
            icon=":material/close:",
            help="Show the other errors, too",
            on_click=show_error,
            args=(None,),
        )
    page = state.read_number("page", 1)
    found = browsing.list_runs(
        app, wanted, limit=runs.PAGE_COUNT + 1, offset=(page - 1) * runs.PAGE_COUNT
    )
    view = runs.build(
        found,
        group=group,
        is_filtered=bool(wanted.workflow or wanted.words or error or wanted.is_degraded),
        page=page,
        workflows=workflows,
        now=now,
    )
    if view.empty:
        draw_empty(view.empty)
    else:
        draw_runs(view, on_pick=pick)
    if not view.empty:
        draw_saves(
            lambda: saved.save_runs(browsing.list_runs(app, wanted, limit=saved.MAX_ROWS)),
            name="runs",
            about=f"Save the runs that fit these filters, {format_count(saved.MAX_ROWS)} at most,",
            file_at=f"{now:%Y%m%d-%H%M}",
            place="runs",
        )
    if page > 1 or view.has_more:
        draw_pages(page, page + int(view.has_more), key_of=keys.runs_page, on_turn=turn)
    if st.session_state.get(WANTED):
        st.switch_page(page_path("run"), query_params={"run_id": st.session_state.pop(WANTED)})


st.title("Runs", anchor=False)
draw()
