"""The list of runs: its tabs, its search, its address, and acts upon a group of failed runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.model.runs import Failure, RunStatus
from interlock.core.services import observing
from interlock.dashboard import keys

FOREIGN = "Boom](http://evil/a)"


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning, *at.error]
    return " | ".join(box.value for box in boxes).replace("\\", "")


def names(at):
    return at.segmented_control(key=keys.runs_status()).options


@pytest.fixture
def failed(seed):
    """Two runs that failed alike, one that failed otherwise, and one that is done."""
    seed.workflow()
    lost = Failure("ConnectionError", "no route")
    made = [
        seed.run(RunStatus.FAILED, error=lost, input={"topic": "volcanoes"}),
        seed.run(RunStatus.FAILED, error=lost, created_at=seed.at - timedelta(hours=1)),
        seed.run(RunStatus.FAILED, error=Failure(FOREIGN, "no"), workflow="essay"),
    ]
    seed.run(RunStatus.DONE)
    return made


def test_each_tab_says_how_many_are_behind_it(failed, open_page):
    at = open_page("runs")
    assert not at.exception
    assert names(at) == ["All 4", "Running 0", "Waiting 0", "Done 1", "Failed 3", "Cancelled 0"]


def test_the_address_holds_what_is_chosen_and_brings_it_back(failed, open_page):
    at = open_page("runs")
    at.segmented_control(key=keys.runs_status()).set_value("failed").run()
    at.text_input(key=keys.runs_search()).set_value("volcanoes").run()
    at.selectbox(key=keys.runs_workflow()).set_value("refund_desk").run()
    assert not at.exception
    chosen = {name: at.query_params[name] for name in ("status", "q", "workflow")}
    assert chosen == {"status": "failed", "q": "volcanoes", "workflow": "refund_desk"}
    assert "Failed 1" in names(at)
    assert len(at.dataframe[0].value) == 1

    again = open_page("runs", **chosen)
    assert again.segmented_control(key=keys.runs_status()).value == "failed"
    assert again.text_input(key=keys.runs_search()).value == "volcanoes"
    assert again.selectbox(key=keys.runs_workflow()).value == "refund_desk"
    assert len(again.dataframe[0].value) == 1


def test_a_run_is_found_by_the_end_of_its_id(failed, open_page):
    at = open_page("runs", q=failed[2].run_id[-8:])
    assert list(at.dataframe[0].value["Workflow"]) == ["essay"]


def test_failed_runs_stand_by_their_error_and_one_error_can_be_shown_alone(failed, open_page):
    at = open_page("runs", status="failed")
    assert not at.exception
    assert "**ConnectionError** · 2 runs" in said(at)
    assert "[Boom](http" not in " ".join(m.value for m in at.markdown)
    at.button(key=keys.runs_group("show", "ConnectionError")).click().run()
    assert len(at.dataframe[0].value) == 2
    assert at.query_params["error"] == "ConnectionError"
    at.button(key=keys.runs_error_off()).click().run()
    assert len(at.dataframe[0].value) == 3


def test_a_group_is_retried_with_a_reason_and_reported(app, failed, open_page):
    at = open_page("runs", status="failed")
    at.text_input(key=keys.runs_group("reason", "ConnectionError")).set_value("the bank is back")
    at.button(key=keys.runs_group("retry", "ConnectionError")).click().run()
    assert not at.exception
    assert "Retried 2 runs that failed with ConnectionError." in said(at)
    assert "**ConnectionError**" not in said(at)
    queued = observing.list_runs(app, statuses=["queued"])
    assert [r.reason for r in queued] == ["the bank is back"] * 2
    at.button(key=keys.runs_report_off()).click().run()
    assert "Retried 2" not in said(at)


def test_a_group_is_cancelled_with_a_word_on_what_was_not(app, failed, open_page, monkeypatch):
    at = open_page("runs", status="failed")
    monkeypatch.setattr(
        "interlock.core.services.browsing.find_failed", lambda *_, **__: [failed[0].run_id, "gone"]
    )
    at.button(key=keys.runs_group("cancel", "ConnectionError")).click().run()
    assert not at.exception
    assert "Cancelled 1 of 2 runs" in said(at)
    assert "gone" in said(at)
    assert observing.get_run(app, failed[0].run_id).status is RunStatus.CANCELLED


def test_nonsense_in_the_address_is_left_aside(failed, open_page):
    at = open_page("runs", status="<b>", page="-3", error="none such", workflow="gone")
    assert not at.exception
    assert "No run fits these filters" in said(at)


def test_pages_turn_and_are_kept_in_the_address(seed, open_page, monkeypatch):
    monkeypatch.setattr("interlock.dashboard.views.runs.PAGE_COUNT", 2)
    for n in range(5):
        seed.run(RunStatus.DONE, created_at=seed.at - timedelta(minutes=n))
    at = open_page("runs", page="3")
    assert not at.exception
    assert len(at.dataframe[0].value) == 1
    at = open_page("runs", page="9")
    assert "There are no older runs" in said(at)
