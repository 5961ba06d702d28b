"""The first page, drawn without a browser: what waits, what runs, what failed, and what to do first."""

from __future__ import annotations

from datetime import timedelta

from interlock.core.model.runs import Failure, RunStatus


def texts(at):
    return [*(m.value for m in at.markdown), *(c.value for c in at.caption)]


def test_an_empty_room_offers_the_first_launch(seed, open_page):
    seed.worker()
    seed.workflow()
    at = open_page("overview")
    assert not at.exception
    assert any("Nobody waits for a decision" in t for t in texts(at))
    assert at.metric[0].value == "0"


def test_what_waits_is_listed_oldest_first_and_drawn_inert(seed, open_page):
    seed.worker()
    seed.card(title="![x](evil/a.png)")
    seed.card(title="Second")
    at = open_page("overview")
    assert not at.exception
    assert at.metric[0].value == "2"
    titles = [t for t in texts(at) if t.startswith("**")]
    assert titles == [r"**\!\[x\]\(evil\/a\.png\)**", "**Second**"]


def test_what_runs_and_what_failed_is_there(app, seed, open_page):
    seed.worker()
    seed.run(RunStatus.RUNNING, workflow="essay")
    seed.run(
        RunStatus.FAILED,
        ended_at=seed.at - timedelta(minutes=5),
        error=Failure("ValueError", "no funds"),
    )
    at = open_page("overview")
    assert not at.exception
    assert any("ValueError" in t and "no funds" in t for t in texts(at))
    assert "essay" in texts(at)


def test_a_missing_worker_is_said(seed, open_page):
    seed.worker(heartbeat_at=seed.at - timedelta(minutes=3))
    at = open_page("overview")
    assert not at.exception
    assert any("No worker for 3 min" in e.value for e in at.error)
