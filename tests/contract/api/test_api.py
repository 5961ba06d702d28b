"""The HTTP API on both databases, through its own door: what it answers, refuses, and does only once."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
import structlog
from sqlalchemy import func, select

from interlock.core.errors import StoreUnavailable
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.kept_answers import KEPT, LONGEST
from interlock.core.model.runs import RunStatus
from interlock.core.services import card_documents, documents, launching, observing, repeating
from interlock.core.store import (
    approvals,
    checkpoints,
    decisions,
    events,
    runs,
    snapshots,
)
from interlock.core.store import engine as engines
from interlock.core.store.schema import idempotency_keys
from interlock.dashboard import deps
from interlock.dashboard.http.api import incoming

both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


async def test_a_launch_is_202_and_says_where_to_look(client, app, refunds):
    told = await client.post("/workflows/refunds/runs", json={"input": {"amount": 7}})
    assert (told.status_code, told.json()["status"]) == (202, "queued")
    assert told.headers["location"] == f"/api/v1/runs/{told.json()['run_id']}"
    run = await client.get(f"/runs/{told.json()['run_id']}")
    assert (run.status_code, run.json()["created_by"]) == (200, "ann")


async def test_a_launch_waits_until_the_run_needs_a_human(client, app, refunds, make, put):
    def hold():
        run_id = observing.list_runs(app, limit=1)[0].run_id
        put(make.put_approval, run_id=run_id, thread_id="own")
        put(runs.move, run_id, from_={RunStatus.QUEUED}, to=RunStatus.WAITING)

    asked = {"input": {}, "thread_id": "own", "wait_s": 30}
    waiting = asyncio.create_task(client.post("/workflows/refunds/runs", json=asked))
    while not await asyncio.to_thread(observing.list_runs, app):
        assert not waiting.done()
    await asyncio.to_thread(hold)
    told = await waiting
    assert (told.status_code, told.json()["status"]) == (200, "waiting")
    assert [each["approval_id"] for each in told.json()["approvals"]] == ["a1"]


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/workflows/nobody/runs", {}, 404, "not-found"),
        ("/workflows/refunds/runs", {"input": {"amount": "x"}}, 422, "invalid-input"),
        ("/workflows/refunds/runs", {"inptu": {}}, 422, "invalid-input"),
        ("/workflows/refunds/runs", {"wait_s": 1e9}, 422, "invalid-input"),
        ("/runs/none/cancel", {}, 404, "not-found"),
        ("/approvals/none/decision", {"verb": "approve", "version": 1}, 404, "not-found"),
        ("/approvals/a1/decision", {"verb": "approve"}, 428, "version-required"),
        ("/approvals/a1/decision", {"version": 1}, 422, "invalid-input"),
        ("/threads/t9/rewind", {"checkpoint_id": "c", "dry_run": True}, 404, "not-found"),
        ("/breakers/none", {"order": "open"}, 404, "not-found"),
        ("/caches/clear", {}, 422, "invalid-input"),
        ("/nowhere", {}, 404, "bad-request"),
        ("/runs", {}, 405, "method-not-allowed"),
    ],
)
async def test_a_refusal_is_a_problem(client, refunds, card, path, body, status, kind):
    told = await client.post(path, json=body)
    assert told.status_code == status
    assert told.headers["content-type"] == "application/problem+json"
    document = told.json()
    assert document["status"] == status
    assert document["detail"]
    if path != "/nowhere":
        assert document["type"] == f"urn:interlock:{kind}"


@both
async def test_the_first_of_a_hundred_decisions_wins_and_the_others_are_told_of_it(
    client, app, card
):
    body = {"verb": "approve", "version": 1}
    told = await asyncio.gather(
        *(client.post("/approvals/a1/decision", json=body) for _ in range(100))
    )
    won = [answer for answer in told if answer.status_code == 200]
    lost = [answer for answer in told if answer.status_code == 409]
    assert (len(won), len(lost)) == (1, 99)
    run_id = won[0].json()["run_id"]
    assert {answer.json()["winner"]["run_id"] for answer in lost} == {run_id}
    assert {answer.json()["winner"]["actor"] for answer in lost} == {"ann"}
    with engines.read(app.engine) as conn:
        assert len(decisions.fetch_for_approval(conn, "a1")) == 1


async def test_a_decision_names_the_version_that_was_seen(client, card):
    seen = await client.get("/approvals/a1")
    assert seen.headers["etag"] == '"1"'
    stale = await client.post(
        "/approvals/a1/decision", json={"verb": "approve"}, headers={"if-match": '"2"'}
    )
    assert (stale.status_code, stale.json()["winner"]["version"]) == (409, 1)
    body = {"verb": "reject", "reason": "no"}
    made = await client.post("/approvals/a1/decision", json=body, headers={"if-match": '"1"'})
    assert (made.status_code, made.json()["status"]) == (200, "decided")
    assert set(made.json()) == {"approval_id", "status", "run_id"}


async def test_what_the_api_shows_is_what_the_command_line_prints(
    client, app, refunds, card, make, put
):
    for path, ours in [
        ("/workflows", [documents.of_workflow(w) for w in observing.list_workflows(app)]),
        ("/runs", [documents.of_run(r) for r in observing.list_runs(app)]),
        ("/approvals", [card_documents.of_listed(a, None) for a in observing.list_inbox(app)]),
    ]:
        assert (await client.get(path)).json() == {"items": ours, "next": None}
    detail = observing.run_detail(app, "r1")
    ours = documents.of_run_detail(detail.run, values=None, nodes=detail.nodes, warnings=[])
    assert (await client.get("/runs/r1")).json() == json.loads(json.dumps(ours))


@pytest.mark.parametrize(
    "query", ["", "status=queued&status=done", "search=ann", "workflow=refunds"]
)
async def test_pages_of_runs_lose_and_double_nothing_while_new_ones_come(client, put, make, query):
    for number in range(5):
        put(make.put_run, f"r{number}", thread_id=f"t{number}", created_at=make.at(number // 2))
    seen, cursor = [], None
    while True:
        pairs = [*httpx.QueryParams(query).multi_items(), ("limit", 2)]
        told = await client.get("/runs", params=[*pairs, *([("cursor", cursor)] if cursor else [])])
        assert told.status_code == 200, told.text
        seen += [run["run_id"] for run in told.json()["items"]]
        cursor = told.json()["next"]
        if cursor is None:
            break
        put(make.put_run, f"new{len(seen)}", thread_id=f"n{len(seen)}", created_at=make.at(900))
    assert seen == ["r4", "r3", "r2", "r1", "r0"]


@both
@pytest.mark.parametrize(
    ("sort", "statuses"),
    [("waiting", ["pending"]), ("newest", ["pending", "expired"]), ("risk", ["pending"])],
)
async def test_pages_of_cards_lose_nothing_while_cards_are_decided(
    client, put, make, sort, statuses
):
    risks = ["low", "high", "", "high", "medium"]
    for number, risk in enumerate(risks):
        put(
            make.put_approval,
            f"a{number}",
            interrupt_id=f"i{number}",
            thread_id=f"t{number}",
            risk=risk,
            asked_at=make.at(number // 2),
        )
    expected = [
        a["approval_id"]
        for a in (await client.get("/approvals", params={"sort": sort})).json()["items"]
    ]
    seen, cursor = [], None
    while True:
        params = {"sort": sort, "status": statuses, "limit": 2}
        told = (
            await client.get("/approvals", params=params | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [each["approval_id"] for each in told["items"]]
        cursor = told["next"]
        if cursor is None:
            break
        for each in told["items"]:
            with engines.write(deps.app().engine) as conn:
                approvals.close(
                    conn,
                    each["approval_id"],
                    version=1,
                    status=ApprovalStatus.DECIDED,
                    now=make.at(60),
                )
    assert seen == expected
    assert len(seen) == 5


async def test_a_thread_is_read_and_its_run_cancelled(client, put, make):
    put(make.put_run, status=RunStatus.WAITING)
    for number in (1, 2):
        place = make.checkpoint(f"c{number}", created_at=make.at(number))
        put(checkpoints.insert_many, [place])
        put(snapshots.put, make.snapshot(checkpoint_id=f"c{number}", values={"amount": number}))
    listed = (await client.get("/threads")).json()["items"]
    assert [line["thread_id"] for line in listed] == ["t1"]
    state = await client.get("/threads/t1/state", params={"checkpoint_id": "c1"})
    assert state.json()["values"] == {"amount": 1}
    first = (await client.get("/threads/t1/history?limit=1")).json()
    rest = await client.get("/threads/t1/history", params={"cursor": first["next"]})
    points = [*first["items"], *rest.json()["items"]]
    assert [(p["checkpoint_id"], p["is_head"]) for p in points] == [("c2", True), ("c1", False)]
    told = (await client.get("/threads/t1/diff", params={"from": "c1", "to": "c2"})).json()
    assert (told["from"], told["to"]) == ("c1", "c2")
    gone = await client.post("/runs/r1/cancel", json={"reason": "not wanted"})
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")
    assert (await client.post("/runs/r1/cancel")).status_code == 409
    entries = (await client.get("/audit?actor=ann&limit=1")).json()["items"]
    assert [(e["action"], e["object"], e["reason"]) for e in entries] == [
        ("cancel", "run:r1", "not wanted")
    ]


async def test_figures_breakers_and_caches_are_read_and_cleared(client):
    told = (await client.get("/metrics?window=1h")).json()
    assert {"window", "totals", "nodes", "workflows", "is_whole"} <= told.keys()
    assert (await client.get("/metrics?window=1y")).status_code == 422
    for path in ("/breakers", "/caches", "/audit"):
        assert (await client.get(path)).json() == {"items": [], "next": None}
    cleared = await client.post("/caches/clear", json={"all": True})
    assert (cleared.status_code, cleared.json()) == (200, {"cleared": 0})


async def test_a_cursor_serves_its_own_list_alone(client, put, make):
    for number in range(2):
        put(make.put_run, f"r{number}", thread_id=f"t{number}")
    cursor = (await client.get("/runs?limit=1")).json()["next"]
    assert (await client.get("/runs", params={"cursor": cursor})).status_code == 200
    for path, other in [
        ("/runs?status=done", cursor),
        ("/threads", cursor),
        ("/runs", "x"),
        ("/runs", "bnVsbA=="),
        ("/runs", "é"),
    ]:
        told = await client.get(path, params={**httpx.URL(path).params, "cursor": other})
        assert told.status_code == 422
    assert (await client.get("/runs?limit=0")).status_code == 422
    assert (await client.get("/runs?limit=201")).status_code == 422


# Once ----------------------------------------------------------------------------------------------


async def test_the_same_key_and_body_give_the_first_answer_again(client, app, refunds):
    key = {"idempotency-key": "one"}
    first = await client.post("/workflows/refunds/runs", json={"input": {}}, headers=key)
    again = await client.post("/workflows/refunds/runs", json={"input": {}}, headers=key)
    other = await client.post("/workflows/refunds/runs", json={"input": {"amount": 1}}, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status_code == 422
    assert len(observing.list_runs(app)) == 1


@both
async def test_of_many_at_once_with_one_key_one_is_carried_out(client, app, refunds):
    async def post():
        return await client.post(
            "/workflows/refunds/runs", json={}, headers={"idempotency-key": "one"}
        )

    told = await asyncio.gather(*(post() for _ in range(20)))
    assert {answer.status_code for answer in told} <= {202, 409}
    assert len({answer.content for answer in told if answer.status_code == 202}) == 1
    assert len(observing.list_runs(app)) == 1
    assert (await post()).status_code == 202


async def test_a_refusal_is_kept_too_but_not_one_for_now(client, app, refunds, monkeypatch):
    key = {"idempotency-key": "one"}
    for _ in range(2):
        told = await client.post("/runs/none/retry", headers=key)
        assert told.status_code == 404
    assert told.headers["idempotent-replayed"] == "true"

    def fail(*_args, **_kwargs):
        raise StoreUnavailable("The database does not answer.")

    other = {"idempotency-key": "two"}
    with monkeypatch.context() as patch:
        patch.setattr(launching, "launch", fail)
        down = await client.post("/workflows/refunds/runs", json={}, headers=other)
    assert down.status_code == 503
    assert (await client.post("/workflows/refunds/runs", json={}, headers=other)).status_code == 202


async def test_a_request_that_broke_is_not_carried_out_twice(
    client, app, refunds, monkeypatch, frozen
):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError("a secret")

    key = {"idempotency-key": "one"}
    with monkeypatch.context() as patch, structlog.testing.capture_logs() as heard:
        patch.setattr(launching, "launch", fail)
        broke = await client.post("/workflows/refunds/runs", json={}, headers=key)
    assert [line["reference"] for line in heard] == [broke.json()["reference"]]
    assert broke.status_code == 500
    assert "secret" not in broke.text
    assert broke.json()["reference"] in broke.json()["detail"]
    now = await client.post("/workflows/refunds/runs", json={}, headers=key)
    frozen.advance(seconds=LONGEST.total_seconds() + 1)
    later = await client.post("/workflows/refunds/runs", json={}, headers=key)
    assert (now.status_code, later.status_code) == (409, 409)
    assert "nobody knows" in later.json()["detail"]
    frozen.advance(seconds=KEPT.total_seconds())
    assert (await client.post("/workflows/refunds/runs", json={}, headers=key)).status_code == 202


@both
async def test_keys_are_bounded(app, frozen, monkeypatch):
    monkeypatch.setattr(repeating, "MAX_KEYS", 3)
    monkeypatch.setattr(repeating, "_FORGET_EVERY", 1)
    for number in range(9):
        repeating.begin(app, actor="ann", key=f"k{number}", fingerprint="f")
        frozen.advance(seconds=1)
    with engines.read(app.engine) as conn:
        assert conn.execute(select(func.count()).select_from(idempotency_keys)).scalar_one() <= 5


async def test_an_answer_too_long_to_be_kept_is_told_of(client, refunds, monkeypatch):
    monkeypatch.setattr(repeating, "MAX_BODY_CHARS", 10)
    key = {"idempotency-key": "one"}
    first = await client.post("/workflows/refunds/runs", json={}, headers=key)
    again = await client.post("/workflows/refunds/runs", json={}, headers=key)
    assert (first.status_code, again.status_code) == (202, 409)
    assert first.headers["location"] in again.json()["hint"]
    bad = await client.post(
        "/workflows/refunds/runs", json={}, headers={"idempotency-key": "x" * 201}
    )
    assert bad.status_code == 422


# The door ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({"origin": "http://127.0.0.1:8501"}, True),
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "http://127.0.0.1:9999"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
    ],
)
async def test_a_page_of_elsewhere_cannot_act(client, app, refunds, headers, is_let_in):
    told = await client.post("/workflows/refunds/runs", json={}, headers=headers)
    assert told.status_code == (202 if is_let_in else 403)
    assert len(observing.list_runs(app)) == int(is_let_in)
    assert not [name for name in told.headers if name.startswith("access-control")]
    asked = await client.options("/workflows/refunds/runs", headers=headers)
    assert asked.status_code in {403, 405}


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (b"{", "application/json", 422),
        (b'{"input": NaN}', "application/json", 422),
        (b'{"input": 1, "input": 2}', "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b'{"input": ' + b"[" * 300 + b"]" * 300 + b"}", "application/json", 422),
        (b'{"input": "' + b"x" * incoming.MAX_BODY_BYTES + b'"}', "application/json", 413),
        (b"[]", "application/json", 422),
        (b'{"input": {}}', "application/json; charset=utf-8", 202),
    ],
)
async def test_a_body_is_json_of_a_bounded_size(client, app, refunds, content, kind, status):
    headers = {"content-type": kind} if kind else {}
    told = await client.post("/workflows/refunds/runs", content=content, headers=headers)
    assert told.status_code == status, told.text


# Following -----------------------------------------------------------------------------------------


async def test_a_runs_log_is_streamed_from_where_one_was_until_the_run_ends(client, put, make):
    put(make.put_run, status=RunStatus.RUNNING)
    put(events.insert_many, [make.event(seq) for seq in (1, 2)])

    def finish():
        put(events.insert_many, [make.event(3, data={"text": "a\nb"})])
        put(runs.move, "r1", from_={RunStatus.RUNNING}, to=RunStatus.DONE, ended_at=make.at(9))

    streaming = asyncio.create_task(client.get("/runs/r1/events", headers={"last-event-id": "1"}))
    await asyncio.to_thread(finish)
    told = (await streaming).text
    assert told.split("\n\n")[0].startswith("id: 2\nevent: log\ndata: {")
    assert [line for line in told.splitlines() if line.startswith("id:")] == ["id: 2", "id: 3"]
    last = told.strip().split("\n\n")[-1].splitlines()
    assert last[0] == "event: end"
    assert json.loads(last[1].removeprefix("data: "))["status"] == "done"
    assert (await client.get("/runs/none/events")).status_code == 404
    assert (await client.get("/runs/r1/events", headers={"last-event-id": "x"})).status_code == 422


async def test_every_operation_is_described_with_an_example(client):
    told = (await client.get("/openapi.json")).json()
    found = [
        (path, verb, op) for path, verbs in told["paths"].items() for verb, op in verbs.items()
    ]
    assert len(found) >= 18
    for path, verb, op in found:
        assert op["summary"], path
        good = [told for code, told in op["responses"].items() if code.startswith("2")]
        shown = [media for each in good for media in each["content"].values()]
        assert all("example" in media for media in shown), (path, verb)
        assert op["tags"]
    for path in ("/docs", "/redoc"):
        assert (await client.get(path)).status_code == 404
