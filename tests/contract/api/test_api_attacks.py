"""What somebody who means harm, or a network that breaks, can do to the API: nothing, and each is told so."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack

import anyio.to_thread
import psycopg
import pytest
from sqlalchemy import event
from starlette.datastructures import Headers

from interlock.core.errors import OutcomeUnknown, StoreUnavailable
from interlock.core.model.kept_answers import KEPT
from interlock.core.model.runs import RunStatus
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.services import launching, observing, reading, repeating
from interlock.core.store import audit, checkpoints, events, runs, snapshots, workers
from interlock.core.store import engine as engines
from interlock.core.types import WorkerId
from interlock.dashboard.http.api import app as api
from interlock.dashboard.http.api import door, following, incoming, rates, waiting
from interlock.dashboard.http.api.pages import write_cursor

both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
JSON = {"content-type": "application/json"}


async def send(path, messages, headers=JSON, method="POST", kind="http"):
    """Hand the API these messages of a server; what it sent."""
    left, sent = list(messages), []

    async def receive():
        return left.pop(0)

    async def take(message):
        sent.append(message)

    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("10.0.0.7", 4711),
        "server": ("127.0.0.1", 8501),
        "scheme": "http",
        "http_version": "1.1",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
    await api.build()(scope, receive, take)
    return sent


def worker_of(make):
    return Worker(
        worker_id=WorkerId("w1"),
        host="h",
        pid=1,
        status=WorkerStatus.READY,
        concurrency=1,
        project="",
        started_at=make.at(0),
        heartbeat_at=make.at(0),
    )


# Bodies --------------------------------------------------------------------------------------------


async def test_half_a_request_is_none(app, put, make):
    put(make.put_run, status=RunStatus.WAITING)
    for messages in (
        [{"type": "http.disconnect"}],
        [{"type": "http.request", "body": b" ", "more_body": True}, {"type": "http.disconnect"}],
    ):
        sent = await send("/runs/r1/cancel", messages, JSON | {"content-length": "20"})
        assert sent == []
    assert observing.get_run(app, "r1").status is RunStatus.WAITING


async def test_a_body_that_does_not_come_is_not_waited_for(app, monkeypatch):
    monkeypatch.setattr(incoming, "READ_S", 0.01)

    async def never():
        await asyncio.Event().wait()

    told = await incoming.read(Headers(JSON), never)
    assert told.status_code == 408


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-length": "\xb2"}, b"{}", 413),
        ({"content-length": "-1"}, b"{}", 413),
        ({"content-length": "9" * 5000}, b"{}", 413),
        ({"content-encoding": "gzip"}, b"{}", 415),
        ({}, b'{"input": ' + b"[" * 101 + b"]" * 101 + b"}", 422),
        ({}, b'{"input": ' + b"[" * 960 + b"]" * 960 + b"}", 422),
        ({}, b'{"input": "' + b"[" * 960 + b'"}', 404),
    ],
)
async def test_odd_bodies_are_refused_by_name(app, headers, body, status):
    [start, *_] = await send(
        "/workflows/none/runs", [{"type": "http.request", "body": body}], JSON | headers
    )
    assert start["status"] == status


async def test_a_socket_is_refused_rather_than_left_hanging(app):
    assert await send("/runs", [], kind="websocket") == [{"type": "websocket.close", "code": 1008}]


# Places and times ----------------------------------------------------------------------------------


RUNS = ["runs", (), None, None, None, "", False]
AUDIT = ["audit", "", "", "", "", "", None, None]


FORGED = [
    ("/runs", RUNS, ["x", "y"]),
    ("/runs", RUNS, ["2026-01-01T00:00:00", "y"]),
    ("/runs", RUNS, ["0001-01-01T00:00:00+23:00", "y"]),
    ("/runs", RUNS, ["2026-01-01T00:00:00+00:00"]),
    ("/runs", RUNS, ["2026-01-01T00:00:00+00:00", "\ud800"]),
    ("/audit", AUDIT, ["x"]),
    ("/audit", AUDIT, ["-1"]),
    ("/audit", AUDIT, ["9" * 30]),
    ("/audit", AUDIT, ["\u0663"]),
    ("/audit", AUDIT, []),
]


@both
async def test_a_forged_cursor_is_refused(client):
    for path, which, place in FORGED:
        told = await client.get(path, params={"cursor": write_cursor(which, place)})
        assert told.status_code == 422, (place, told.text)


@pytest.mark.parametrize(
    "query",
    [
        "since=0001-01-01T00:00:00%2B23:59",
        "until=9999-12-31T23:59:59-23:59",
        "since=2026-01-01T00:00:00",
        "since=yesterday",
    ],
)
async def test_a_moment_beyond_the_calendar_is_refused(client, query):
    assert (await client.get(f"/audit?{query}")).status_code == 422


@both
async def test_odd_names_are_not_found_and_not_believed(client):
    places = ("/runs/x{}", "/workflows/x{}", "/threads/x{}/state", "/approvals/x{}")
    for name in ("%00", "%ff", "%ED%A0%80", "..%2F..%2Fetc", "%E2%80%AErab", "", "a%0Ab"):
        for place in places:
            told = await client.get(place.format(name))
            assert told.status_code in {404, 422}, (place, name, told.text)
            assert told.headers["content-type"] == "application/problem+json"
        asked = await client.get(f"/runs?search={name}&thread_id={name}")
        assert asked.status_code in {200, 422}


@both
async def test_right_to_left_marks_and_line_ends_are_kept_as_they_are_or_refused(
    client, app, refunds, card
):
    bad = {"input": {}, "thread_id": "a\u202eb"}
    assert (await client.post("/workflows/refunds/runs", json=bad)).status_code == 422
    reason = "\u202egnp.exe\r\nset-cookie: a=b\0"
    body = {"verb": "approve", "version": 1, "reason": reason}
    told = await client.post("/approvals/a1/decision", json=body)
    assert told.status_code == 200
    assert "set-cookie" not in told.headers
    with engines.read(app.engine) as conn:
        [entry] = audit.fetch_many(conn, object_="approval:a1", limit=5)
        assert audit.verify(conn) is None
    assert entry.reason == reason.replace("\0", "\N{REPLACEMENT CHARACTER}")


# Once ----------------------------------------------------------------------------------------------


async def test_a_launch_that_cannot_be_waited_for_is_launched_once_all_the_same(
    client, app, refunds, monkeypatch
):
    def fail(*_args, **_kwargs):
        raise StoreUnavailable("The database does not answer.")

    key = {"idempotency-key": "one"}
    with monkeypatch.context() as patch:
        patch.setattr(waiting.observing, "get_run", fail)
        first = await client.post("/workflows/refunds/runs", json={"wait_s": 5}, headers=key)
    assert (first.status_code, first.json()["status"]) == (202, "queued")
    again = await client.post("/workflows/refunds/runs", json={"wait_s": 5}, headers=key)
    assert again.content == first.content
    assert len(observing.list_runs(app)) == 1


async def test_a_rewind_that_cannot_be_waited_for_is_told_of(
    client, refunds, put, make, monkeypatch
):
    put(make.put_run, status=RunStatus.DONE)
    put(checkpoints.insert_many, [make.checkpoint("c1", next=("review",))])

    def fail(*_args, **_kwargs):
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(waiting.observing, "get_run", fail)
    body = {"checkpoint_id": "c1", "reason": "again", "wait_s": 5}
    told = await client.post("/threads/t1/rewind", json=body)
    assert (told.status_code, told.json()["status"]) == (202, "queued"), told.text


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    client, app, refunds, monkeypatch
):
    def fail(*_args, **_kwargs):
        raise StoreUnavailable("The database does not answer.")

    key = {"idempotency-key": "one"}
    with monkeypatch.context() as patch:
        patch.setattr(repeating, "end", fail)
        first = await client.post("/workflows/refunds/runs", json={}, headers=key)
    assert first.status_code == 202
    assert (await client.post("/workflows/refunds/runs", json={}, headers=key)).status_code == 409
    assert len(observing.list_runs(app)) == 1


async def test_what_was_refused_in_an_outage_is_carried_out_when_it_is_over(
    client, app, refunds, monkeypatch
):
    def fail(*_args, **_kwargs):
        raise StoreUnavailable("The database does not answer.")

    key = {"idempotency-key": "one"}
    with monkeypatch.context() as patch:
        patch.setattr(launching, "launch", fail)
        patch.setattr(repeating, "give_up", fail)
        down = await client.post("/workflows/refunds/runs", json={}, headers=key)
    assert down.status_code == 503
    assert (await client.post("/workflows/refunds/runs", json={}, headers=key)).status_code == 202


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_a_commit_that_was_cut_off_is_not_carried_out_twice(
    client, app, refunds, postgres_url
):
    """The server ends the session while it is told to commit: the client cannot know whether it did."""
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://", 1)

    def cut(conn):
        is_launch = conn.info.pop("launched", False)
        if is_launch:
            pid = conn.connection.dbapi_connection.info.backend_pid
            with psycopg.connect(plain, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [pid])

    def note(conn, _cursor, statement, *_rest):
        if statement.startswith("INSERT INTO runs"):
            conn.info["launched"] = True

    event.listen(app.engine, "before_cursor_execute", note)
    event.listen(app.engine, "commit", cut)
    key = {"idempotency-key": "one"}
    told = await client.post("/workflows/refunds/runs", json={}, headers=key)
    event.remove(app.engine, "commit", cut)
    assert (told.status_code, told.json()["type"]) == (503, "urn:interlock:outcome-unknown")
    assert told.headers["interlock-outcome"] == "unknown"
    again = await client.post("/workflows/refunds/runs", json={}, headers=key)
    assert again.status_code == 409
    assert observing.list_runs(app) == []
    assert issubclass(OutcomeUnknown, StoreUnavailable)


@both
def test_of_two_that_find_a_key_too_old_one_carries_it_out(app, frozen):
    repeating.begin(app, actor="ann", key="k", fingerprint="f")
    frozen.advance(seconds=KEPT.total_seconds() + 1)
    told, barrier = [], threading.Barrier(4)

    def begin():
        barrier.wait()
        try:
            told.append(repeating.begin(app, actor="ann", key="k", fingerprint="f"))
        except Exception as exc:
            told.append(type(exc).__name__)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(map(str, told)) == ["Conflict", "Conflict", "Conflict", "None"]


# Waiting and following -----------------------------------------------------------------------------


async def test_who_waits_holds_no_thread(client, app, put, make, refunds):
    """Twenty wait for a worker or a run, of which none comes; with two threads all others are served."""
    put(make.put_run, status=RunStatus.DONE)
    put(checkpoints.insert_many, [make.checkpoint("c1")])
    put(workers.beat, worker_of(make))
    limiter = anyio.to_thread.current_default_thread_limiter()
    before, limiter.total_tokens = limiter.total_tokens, 2
    try:
        launch = {"input": {}, "wait_s": 30}
        waiting = [
            asyncio.create_task(client.get("/threads/t1/state?checkpoint_id=c1")) for _ in range(10)
        ] + [
            asyncio.create_task(client.post("/workflows/refunds/runs", json=launch))
            for _ in range(10)
        ]
        while rates.places._taken.total() < 20:
            assert not any(task.done() for task in waiting)
            await asyncio.sleep(0.01)
        assert (await client.get("/runs")).status_code == 200
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    finally:
        limiter.total_tokens = before
    assert rates.places._taken.total() == 0


async def test_a_state_that_a_worker_reads_is_answered_once_it_is_there(client, app, put, make):
    put(make.put_run, status=RunStatus.DONE)
    put(checkpoints.insert_many, [make.checkpoint("c1")])
    nobody = await client.get("/threads/t1/state?checkpoint_id=c1")
    assert (nobody.status_code, nobody.json()["type"]) == (503, "urn:interlock:no-worker")
    put(workers.beat, worker_of(make))
    asked = asyncio.create_task(client.get("/threads/t1/state?checkpoint_id=c1"))

    def serve():
        while True:
            with engines.write(app.engine) as conn:
                found = app.queue.claim(conn, worker_id="w1", limit=1, now=app.clock.now())
            for job in found:
                reading.store_snapshot(app, job, make.snapshot(checkpoint_id="c1", values={"n": 7}))
                return

    await asyncio.to_thread(serve)
    assert (await asked).json()["values"] == {"n": 7}


async def test_more_than_so_many_may_not_stay_open(client, put, make, monkeypatch):
    put(make.put_run, status=RunStatus.RUNNING)
    monkeypatch.setattr(rates, "MOST_OPEN_EACH", 0)
    told = await client.get("/runs/r1/events")
    assert (told.status_code, told.headers["retry-after"]) == (429, "1")


async def test_a_stream_says_why_it_ends_before_its_run(client, app, put, make, monkeypatch):
    put(make.put_run, status=RunStatus.RUNNING)
    put(events.insert_many, [make.event(1)])
    looks = iter([observing.get_run, observing.get_run])

    def get_run(*args):
        found = next(looks, None)
        if found is None:
            raise StoreUnavailable("The database does not answer.")
        return found(*args)

    monkeypatch.setattr(observing, "get_run", get_run)
    told = (await client.get("/runs/r1/events")).text.strip().split("\n\n")
    assert told[0].startswith("id: 1\nevent: log")
    assert told[-1].startswith('event: problem\ndata: {"type":"urn:interlock:store-unavailable"')
    assert rates.places._taken.total() == 0


async def test_a_stream_whose_reader_has_left_ends(app, put, make):
    put(make.put_run, status=RunStatus.RUNNING)
    put(events.insert_many, [make.event(1)])
    is_read = asyncio.Event()
    sent = []

    async def receive():
        await is_read.wait()
        return {"type": "http.disconnect"}

    async def take(message):
        sent.append(message)
        if message.get("body"):
            is_read.set()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/runs/r1/events",
        "query_string": b"",
        "headers": [],
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
    await asyncio.wait_for(api.build()(scope, receive, take), timeout=60)
    assert sent[0]["status"] == 200
    assert rates.places._taken.total() == 0


async def test_a_stream_whose_reader_has_left_before_it_began_holds_no_place(app):
    held = ExitStack()
    held.enter_context(rates.places.take("one", at=app.clock.now()))

    async def never():
        yield b"x"

    async def receive():
        return {"type": "http.disconnect"}

    async def take(_message):
        await asyncio.Event().wait()

    stream = following.Stream(never(), held=held)
    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}}
    await asyncio.wait_for(stream(scope, receive, take), timeout=60)
    assert rates.places._taken.total() == 0


# Foreign pages -------------------------------------------------------------------------------------


async def test_its_own_names_are_asked_for_once(app, client, monkeypatch):
    asked = []
    hosts = door.Hosts

    def count(settings):
        asked.append(settings)
        return hosts(settings)

    monkeypatch.setattr(door, "Hosts", count)
    for _ in range(3):
        told = await client.get("/runs", headers={"origin": "https://evil.example"})
        assert told.status_code == 403
    assert len(asked) == 1


async def test_what_the_api_does_is_entered_as_done_from_it(client, app, put, make):
    put(make.put_run, status=RunStatus.WAITING)
    put(runs.move, "r1", from_={RunStatus.WAITING}, to=RunStatus.WAITING)
    assert (await client.post("/runs/r1/cancel", json={"reason": "no"})).status_code == 200
    with engines.read(app.engine) as conn:
        [entry] = audit.fetch_many(conn, limit=5)
    assert (entry.origin, entry.address, entry.actor) == ("api", "127.0.0.1", "ann")
    assert (await client.get("/audit?origin=api")).json()["items"][0]["action"] == "cancel"


async def test_a_card_is_told_with_what_was_decided_of_it(client, card):
    body = {"verb": "reject", "version": 1, "reason": "no"}
    made = await client.post("/approvals/a1/decision", json=body)
    told = (await client.get("/approvals/a1")).json()
    [decision] = told["decisions"]
    assert (decision["actor"], decision["verb"], decision["reason"]) == ("ann", "reject", "no")
    assert (decision["run_id"], told["status"]) == (made.json()["run_id"], "decided")


async def test_a_deadline_is_put_off(client, put, make):
    put(make.put_run, status=RunStatus.WAITING)
    put(make.put_approval, schema=None, deadline_at=make.at(60))
    body = {"by": "15m", "reason": "lunch"}
    moved = await client.post("/approvals/a1/deadline", json=body, headers={"if-match": '"1"'})
    assert moved.json()["deadline_at"] == make.at(60 + 900).isoformat()
    stale = await client.post("/approvals/a1/deadline", json=body | {"version": 2})
    assert (stale.status_code, stale.json()["hint"]) == (409, "Its deadline was not moved.")
    for wrong in ("", "soon", "0m", "31d"):
        told = await client.post("/approvals/a1/deadline", json={"by": wrong})
        assert told.status_code == 422


async def test_a_snapshot_compared_needs_no_worker_where_it_is_kept(client, put, make):
    put(make.put_run, status=RunStatus.DONE)
    for name in ("c1", "c2"):
        put(checkpoints.insert_many, [make.checkpoint(name)])
        put(snapshots.put, make.snapshot(checkpoint_id=name, values={"amount": name}))
    told = await client.get("/threads/t1/diff?from=c1&to=c2")
    assert told.status_code == 200
