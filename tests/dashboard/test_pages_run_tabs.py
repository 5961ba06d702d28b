"""What the tabs of a run's page show beyond their first look: a chosen step, older entries, a stream."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.errors import NoWorker
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import RunStatus
from interlock.core.model.steps import Handed, Step
from interlock.core.services import reading
from interlock.core.store import engine, events, nodes
from interlock.dashboard import keys


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning, *at.error]
    return " | ".join(box.value for box in boxes).replace("\\", "")


@pytest.fixture
def run(app, seed):
    """A run with two attempts of a task."""
    seed.worker()
    seed.workflow()
    found = seed.run(RunStatus.RUNNING, started_at=seed.at - timedelta(seconds=5))
    with engine.write(app.engine) as conn:
        nodes.upsert_many(
            conn,
            [
                NodeRun(
                    run_id=found.run_id,
                    thread_id=found.thread_id,
                    workflow=found.workflow,
                    task_id="task-1",
                    attempt=attempt,
                    delivery=1,
                    node="review",
                    path="review",
                    namespace="review:task-1",
                    step=1,
                    status=status,
                    started_at=seed.at - timedelta(seconds=4),
                )
                for attempt, status in ((1, NodeStatus.ERROR), (2, NodeStatus.RUNNING))
            ],
        )
    return found


def tell(app, seed, run, *told, first=1):
    with engine.write(app.engine) as conn:
        events.insert_many(
            conn,
            [
                RunEvent(run_id=run.run_id, seq=n, kind=kind, path="draft", at=seed.at, data=data)
                for n, (kind, data) in enumerate(told, start=first)
            ],
        )


def open_tab(at, run, name):
    at.session_state[keys.run_tabs(run.run_id)] = name
    at.run()
    assert not at.exception
    return at


def test_a_chosen_step_is_read_once_and_shown_with_its_input_and_output(
    run, open_page, monkeypatch
):
    asked = []

    def step(_app, run_id, task_id):
        asked.append((run_id, task_id))
        return Step(
            task_id=task_id,
            handed=Handed.INPUT,
            input="![x](http://evil/a)",
            has_output=True,
            output={"total": 7},
            leads_to=("charge",),
            questions=("Pay?",),
        )

    monkeypatch.setattr(reading, "step", step)
    at = open_page("run", run_id=run.run_id)
    assert "Choose a step" in said(at)
    at = open_page("run", run_id=run.run_id, step="task-1.1.1")
    assert not at.exception
    at.run()
    assert asked == [(run.run_id, "task-1")]
    assert "**review, step 1, attempt 1**" in said(at)
    assert "Leads to charge" in said(at)
    assert "![" not in said(at)
    codes = [code.value for code in at.code]
    assert "![x](http://evil/a)" in codes
    assert "Pay?" in codes


def test_a_step_that_a_later_run_ran_again_leads_to_that_run(run, open_page, monkeypatch):
    step = Step(task_id="task-1", handed=Handed.INPUT, input={"n": 1}, again_in="later")
    monkeypatch.setattr(reading, "step", lambda *_: step)
    at = open_page("run", run_id=run.run_id, step="task-1.1.1")
    assert not at.exception
    assert "The run later ran it again" in said(at)
    links = [link.proto for link in at.get("page_link")]
    assert any(x.label == "Open that run" and "run_id=later" in x.query_string for x in links)


def test_a_step_that_cannot_be_read_says_why_and_can_be_read_again(run, open_page, monkeypatch):
    asked = []

    def step(*_):
        asked.append(1)
        raise NoWorker("A worker is needed to read this step, and none is alive.")

    monkeypatch.setattr(reading, "step", step)
    at = open_page("run", run_id=run.run_id, step="task-1.1.2")
    assert not at.exception
    assert "none is alive" in said(at)
    assert "just begun" in said(at)
    at.button(key=keys.run_step_again("task-1")).click().run()
    assert len(asked) == 2


def test_a_step_of_the_address_that_is_not_there_is_left_aside(run, open_page):
    assert "Choose a step" in said(open_page("run", run_id=run.run_id, step="nonsense"))


def test_older_entries_come_at_a_wish(app, seed, run, open_page, monkeypatch):
    monkeypatch.setattr("interlock.dashboard.app_pages.run_tabs.PAGE_COUNT", 3)
    monkeypatch.setattr("interlock.dashboard.app_pages.run_tabs.MOST_COUNT", 6)
    log = [("log", {"stream": "stdout", "text": f"line {n}"}) for n in range(1, 9)]
    tell(app, seed, run, *log)
    at = open_tab(open_page("run", run_id=run.run_id), run, "Logs")
    assert [line.split()[-1] for line in at.code[0].value.splitlines()] == ["6", "7", "8"]
    at.button(key=keys.run_older("log", run.run_id)).click().run()
    assert len(at.code[0].value.splitlines()) == 6
    assert "The newest 6 are shown." in said(at)
    at = open_tab(at, run, "Events")
    assert list(at.dataframe[0].value["Seq"]) == ["8", "7", "6"]


def test_an_empty_log_says_what_would_fill_it(run, open_page):
    at = open_tab(open_page("run", run_id=run.run_id), run, "Logs")
    assert "Nothing was printed or logged" in said(at)


def test_a_page_adds_what_came_while_it_was_away(app, seed, run, open_page, monkeypatch):
    monkeypatch.setattr("interlock.dashboard.app_pages.run_tabs.STREAM_PAGE_COUNT", 2)
    pieces = [("message", {"id": "m", "text": f"{n} ", "done": False}) for n in range(1, 6)]
    tell(app, seed, run, *pieces)
    at = open_tab(open_page("run", run_id=run.run_id), run, "Stream")
    assert [code.value for code in at.code] == ["1 2 3 4 5 "]
    assert "writing" in said(at)
    tell(
        app,
        seed,
        run,
        ("message", {"id": "m", "text": "6 ", "done": False}),
        ("status", {"status": "running"}),
        ("custom", {"n": 1}),
        first=6,
    )
    at.run()
    assert at.code[0].value == "1 2 3 4 5 6 "
    assert "cut off before its end" in said(at)
    assert '{"n": 1}' in at.code[1].value
