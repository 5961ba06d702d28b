"""What may become of a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from interlock.core.model import runs
from interlock.core.model.runs import Failure, Run, RunKind, RunOptions, RunStatus
from interlock.core.types import RunId, ThreadId


def run_with(status: RunStatus) -> Run:
    """A run that stands somewhere."""
    return Run(
        run_id=RunId("r"),
        thread_id=ThreadId("t"),
        workflow="w",
        kind=RunKind.START,
        status=status,
        input={},
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        created_by="Ada",
    )


def test_every_status_is_open_held_or_ended_and_only_one_of_them() -> None:
    groups = [runs.OPEN, runs.HELD, runs.ENDED]
    assert frozenset().union(*groups) == frozenset(RunStatus)
    assert sum(map(len, groups)) == len(RunStatus)


@pytest.mark.parametrize("status", RunStatus)
def test_run_knows_whether_somebody_has_to_act(status: RunStatus) -> None:
    run = run_with(status)
    assert run.is_open is (status in {"queued", "running"})
    assert run.is_held is (status in {"waiting", "paused"})


@pytest.mark.parametrize("status", RunStatus)
def test_only_a_run_that_has_not_ended_can_be_cancelled(status: RunStatus) -> None:
    ended = {"continued", "done", "failed", "cancelled"}
    assert runs.may_cancel(status) is (status not in ended)


@pytest.mark.parametrize("status", RunStatus)
def test_only_a_failed_or_cancelled_run_can_be_retried(status: RunStatus) -> None:
    assert runs.may_retry(status) is (status in {"failed", "cancelled"})


@pytest.mark.parametrize("status", RunStatus)
def test_a_run_that_asks_about_its_failure_can_be_retried_all_the_same(status: RunStatus) -> None:
    assert runs.may_retry(status, has_error=True) is (status in {"failed", "cancelled", "paused"})


def test_failure_survives_being_stored() -> None:
    failure = Failure(
        type="ValueError",
        message="no",
        stack="...",
        node="charge",
        attempt=2,
        snapshot={"n": [1]},
        versions={"langgraph": "1.2"},
    )
    assert Failure.from_json(json.loads(json.dumps(failure.as_json()))) == failure
    assert Failure.from_json(Failure(type="X", message="").as_json()) == Failure("X", "")


def test_no_failure_is_stored_as_nothing() -> None:
    assert Failure.from_json(None) is None


def test_options_survive_being_stored() -> None:
    options = RunOptions(break_before=("a",), break_after=("*",), recursion_limit=7)
    assert RunOptions.from_json(json.loads(json.dumps(options.as_json()))) == options


def test_options_stored_by_an_older_version_get_the_defaults() -> None:
    assert RunOptions.from_json({}) == RunOptions()
