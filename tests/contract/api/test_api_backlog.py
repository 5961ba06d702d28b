"""What a program is told while the queue is full, and that its decisions go through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.model.runs import RunStatus
from interlock.core.store import runs
from interlock.dashboard import deps

LAUNCH = {"input": {"amount": 7}}


@pytest.fixture
def narrow(app, monkeypatch):
    """A queue of one run."""
    made = replace(app, settings=app.settings.model_copy(update={"max_queue": 1}))
    monkeypatch.setattr(deps, "process_app", lambda: made)


@pytest.mark.usefixtures("refunds", "narrow")
async def test_a_launch_is_refused_until_there_is_room_and_the_same_request_then_passes(
    client, put, frozen
):
    first = (await client.post("/workflows/refunds/runs", json=LAUNCH)).json()
    once = {"idempotency-key": "order-991"}
    refused = await client.post("/workflows/refunds/runs", json=LAUNCH, headers=once)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:interlock:queue-full")
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert refused.json()["retry_at"] > frozen.now().isoformat()
    put(runs.move, first["run_id"], from_=[RunStatus.QUEUED], to=RunStatus.RUNNING)
    again = await client.post("/workflows/refunds/runs", json=LAUNCH, headers=once)
    assert again.status_code == 202


@pytest.mark.usefixtures("refunds", "narrow")
async def test_a_decision_is_taken_while_launches_are_refused(client, card):
    await client.post("/workflows/refunds/runs", json=LAUNCH)
    refused = await client.post("/workflows/refunds/runs", json=LAUNCH)
    body = {"verb": "reject", "version": card.version}
    decided = await client.post(f"/approvals/{card.approval_id}/decision", json=body)
    assert (refused.status_code, decided.status_code) == (503, 200)
