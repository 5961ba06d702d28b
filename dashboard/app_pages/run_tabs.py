"""The part of a run's page beneath its head: what it did, in tabs, of which only the open one is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.services import browsing, observing, reading
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components import run_tabs
from interlock.dashboard.components.agent_text import draw_text
from interlock.dashboard.components.decisions import draw_decisions
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.components.step_detail import draw_step
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import decisions, run, step_detail, steps, stream
from interlock.dashboard.views import state as states

if TYPE_CHECKING:
    from interlock.core.model.steps import Step
    from interlock.core.model.threads import Snapshot
    from interlock.core.services.observing import RunDetail

TABS = ("Steps", "Stream", "Logs", "State", "Decisions", "Events", "Input")
PAGE_COUNT = 300  # entries of a log that are drawn at first, and more at each wish
MOST_COUNT = 3000
STREAM_PAGE_COUNT = 2000  # entries of the stream that are read at once
STREAM_COUNT = 100_000  # entries that are read of a stream at most, the newest
READ_NOW = "run-read-state"
STREAM = "run-stream"
STEP = "run-step-read"


def draw_opened(detail: RunDetail) -> None:
    """Draw the tabs with what the open one shows."""
    run_id = detail.run.run_id
    tabs = st.tabs(TABS, key=keys.run_tabs(run_id), on_change="rerun")
    parts = dict(zip(TABS, tabs, strict=True))
    opened = next((name for name, tab in parts.items() if tab.open), TABS[0])
    with parts[opened]:
        if opened == "Steps":
            draw_steps(detail)
        elif opened == "Stream":
            run_tabs.draw_stream(stream.show(read_stream(run_id)))
        elif opened == "Logs":
            lines = stream.build_log(read_newest("log", run_id, stream.LOG_KINDS))
            run_tabs.draw_log(lines)
        elif opened == "State":
            draw_state(detail)
        elif opened == "Decisions":
            draw_record(detail)
        elif opened == "Events":
            rows = stream.build_rows(read_newest("events", run_id))
            run_tabs.draw_events(rows, key=f"events-{run_id}")
        else:
            draw_input(detail)


def draw_steps(detail: RunDetail) -> None:
    run_id, now = detail.run.run_id, deps.app().clock.now()
    rows = steps.build(detail.nodes, now=now)
    wanted = state.read_param("step")
    chosen = next((row for row in rows if row.key == wanted), None)
    run_tabs.draw_steps(
        rows,
        key=keys.run_steps([run_id, *(row.key for row in rows), chosen.key if chosen else ""]),
        chosen=chosen.key if chosen else None,
        on_pick=pick_step,
    )
    if chosen is None:
        if rows:
            st.caption("Choose a step to see what it was handed and what it gave out.")
        return
    node = next(n for n, row in zip(detail.nodes, rows, strict=True) if row.key == chosen.key)
    found, problem = read_step(detail, node)
    if problem:
        draw_problem(problem)
        st.button("Read it again", key=keys.run_step_again(node.task_id), on_click=forget_step)
    if found is not None:
        draw_step(
            step_detail.build(found, node, approvals=detail.approvals, decisions=detail.decisions)
        )


def pick_step(key: str, ids: Sequence[str]) -> None:
    state.set_params(
        step=read_picked(key, ids, state.read_param("step")) or state.read_param("step")
    )


def forget_step() -> None:
    st.session_state.pop(STEP, None)


def read_step(detail: RunDetail, node: NodeRun) -> tuple[Step | None, str]:
    """Ask a worker for a step, once for as long as it stands as it does."""
    kept = (detail.run.run_id, node.task_id, node.attempt, node.status, detail.run.status)
    known: tuple[object, Step | None, str] | None = st.session_state.get(STEP)
    if known is not None and known[0] == kept:
        return known[1], known[2]
    found, problem = None, ""
    try:
        with st.spinner("A worker reads the step …"):
            found = reading.step(deps.app(), detail.run.run_id, node.task_id)
    except InterlockError as exc:
        problem = str(exc)
        if node.status is NodeStatus.RUNNING:
            problem = f"{problem} It has just begun: try again."
    st.session_state[STEP] = (kept, found, problem)
    return found, problem


def read_stream(run_id: str) -> stream.Told:
    """What is known of the stream, and what came since, however much that is."""
    app = deps.app()
    told: stream.Told | None = st.session_state.get(STREAM)
    if told is None or told.run_id != run_id:
        head = observing.run_head(app, run_id) // observing.RANKS
        told = stream.Told(run_id=run_id, seq=max(0, head - STREAM_COUNT))
    while True:
        came = observing.list_events(
            app, run_id, after_seq=told.seq, limit=STREAM_PAGE_COUNT, kinds=stream.KINDS
        )
        told = stream.add(told, came)
        if len(came) < STREAM_PAGE_COUNT:
            break
    st.session_state[STREAM] = told
    return told


def read_newest(what: str, run_id: str, kinds: tuple[str, ...] = ()) -> list[RunEvent]:
    """The newest entries of the log; a button brings older ones."""
    wish = keys.run_older(what, run_id)
    count = min(int(st.session_state.get(f"{wish}-count", PAGE_COUNT)), MOST_COUNT)
    found = browsing.list_newest_events(deps.app(), run_id, limit=count + 1, kinds=kinds)
    if len(found) > count and count < MOST_COUNT:
        st.button(
            f"The newest {count} are shown. Show older ones",
            key=wish,
            on_click=show_older,
            args=(f"{wish}-count", count),
        )
    elif len(found) > count:
        st.caption(f"The newest {count} are shown.")
    return found[-count:]


def show_older(key: str, count: int) -> None:
    st.session_state[key] = count + PAGE_COUNT


def draw_record(detail: RunDetail) -> None:
    now = deps.app().clock.now()
    rows = decisions.build_rows(detail.decisions, detail.approvals, now=now, votes=detail.votes)
    if not rows:
        st.caption("Nobody has decided anything on this thread.")
    draw_decisions(rows)


def draw_state(detail: RunDetail) -> None:
    run_id = detail.run.run_id
    snapshot, problem = detail.snapshot, ""
    if snapshot is None:
        st.button("Read the thread's state now", key=f"{READ_NOW}-{run_id}")
    if snapshot is None and st.session_state.get(f"{READ_NOW}-{run_id}"):
        snapshot, problem = read_state(detail.run.thread_id)
    view = None if snapshot is None else states.build(snapshot)
    run_tabs.draw_state(view, problem, key=keys.run_state_form(run_id))


def read_state(thread_id: str) -> tuple[Snapshot | None, str]:
    try:
        return reading.state(deps.app(), thread_id), ""
    except InterlockError as exc:
        return None, str(exc)


def draw_input(detail: RunDetail) -> None:
    view = run.build(detail, observing.overview(deps.app()), now=deps.app().clock.now())
    st.caption(view.options)
    draw_text(view.input_text or "(no input: it went on from where the thread stood)")
