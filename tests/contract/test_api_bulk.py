"""Many cards decided over the HTTP API, through its own door."""

from __future__ import annotations

import httpx
import pytest

from interlock.core.model.approvals import Kind
from interlock.core.model.runs import RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.dashboard import deps
from interlock.dashboard.http.api import app as api


@pytest.fixture
async def client(sqlite_url, frozen, tmp_path, monkeypatch, make):
    """A client of the API on three cards, the last of high risk."""
    opened = engines.open_engine(sqlite_url)
    built = App(Settings(data_dir=tmp_path, operator="ann"), opened, LocalQueue(), frozen)
    monkeypatch.setattr(deps, "app", lambda: built)
    with engines.write(opened) as conn:
        for number in range(3):
            place = {"thread_id": f"t{number}", "run_id": f"r{number}"}
            make.put_run(conn, place["run_id"], thread_id=f"t{number}", status=RunStatus.WAITING)
            given = {"kind": Kind.VALUE, "schema": None, "risk": "high" if number == 2 else ""}
            make.put_approval(conn, f"a{number}", **place, **given)
    transport = httpx.ASGITransport(app=api.build())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8501") as asked:
        yield asked
    opened.dispose()


async def test_each_card_is_told_of(client):
    cards = [{"approval_id": f"a{number}", "version": 1} for number in range(3)]
    asked = {"verb": "approve", "reason": "ok", "cards": cards}
    told = await client.post("/approvals/decisions", json=asked)
    assert told.status_code == 200
    assert [each["outcome"] for each in told.json()["cards"]] == ["done", "done", "refused"]
    assert told.json()["counts"]["done"] == 2
    again = await client.post("/approvals/decisions", json=asked)
    assert again.json()["counts"] == {
        "done": 0,
        "counted": 0,
        "done before": 2,
        "refused": 1,
        "not tried": 0,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"verb": "approve", "cards": []},
        {"verb": "approve", "cards": [{"approval_id": "a0"}]},
        {"verb": "answer", "cards": [{"approval_id": "a0", "version": 1}]},
        {"verb": "approve", "cards": [{"approval_id": f"x{n}", "version": 1} for n in range(201)]},
    ],
    ids=["none", "no version", "typed", "too many"],
)
async def test_what_does_not_fit_is_422(client, body):
    assert (await client.post("/approvals/decisions", json=body)).status_code == 422


async def test_a_card_goes_from_hand_to_hand(client):
    held = await client.post("/approvals/a0/claim", json={"note": "mine"})
    assert (held.status_code, held.json()["claimed_by"]) == (200, "ann")
    given = await client.post(
        "/approvals/a0/forward", json={"to": "ben", "note": "yours", "for": "4h"}
    )
    assert (given.json()["claimed_by"], given.json()["assigned_by"]) == ("ben", "ann")
    decision = {"verb": "approve", "version": 1}
    refused = await client.post("/approvals/a0/decision", json=decision)
    assert (refused.status_code, refused.json()["winner"]["claimed_by"]) == (409, "ben")
    listed = await client.get("/approvals", params={"claimed_by": "ben"})
    assert [each["approval_id"] for each in listed.json()["items"]] == ["a0"]
    assert listed.json()["items"][0]["claim"]["claimed_by"] == "ben"
    free = await client.get("/approvals", params={"unclaimed": True})
    assert [each["approval_id"] for each in free.json()["items"]] == ["a1", "a2"]
    assert (await client.post("/approvals/a0/unclaim", json={})).json()["claim"] is None
    assert (await client.post("/approvals/a0/unclaim", json={})).status_code == 409
    assigned = await client.post("/approvals/a0/assign", json={"to": "cleo"})
    assert assigned.json()["claimed_by"] == "cleo"
    hands = (await client.get("/approvals/a0/hands")).json()
    assert [move["verb"] for move in hands["moves"]] == ["assign", "unclaim", "forward", "claim"]
    assert (await client.get("/approvals/gone/hands")).status_code == 404


async def test_a_span_that_is_none_is_422(client):
    told = await client.post("/approvals/a0/assign", json={"to": "ben", "for": "soon"})
    assert told.status_code == 422
