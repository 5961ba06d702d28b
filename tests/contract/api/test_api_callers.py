"""Who may ask the API for what: by token, by a browser's session, or not at all."""

from __future__ import annotations

import logging
from datetime import timedelta

import httpx
import pytest

from interlock.core.model import people
from interlock.core.model.people import LOCAL, Permission, Role
from interlock.core.model.runs import RunStatus
from interlock.core.services import (
    observing,
    operators,
    permitting,
    signing_in,
    token_keeping,
)
from interlock.core.store import audit, events, sessions
from interlock.core.store import engine as engines
from interlock.dashboard import deps
from interlock.dashboard.http.api import app as api
from interlock.dashboard.http.api import door, rates

OWN = {"origin": "http://127.0.0.1:8501"}


@pytest.fixture(autouse=True)
def _signed_in_here(app):
    """One has to sign in, and ben is an operator, vic a viewer."""
    for name, role in (("ben", Role.OPERATOR), ("vic", Role.VIEWER), ("ada", Role.ADMIN)):
        operators.add(app, name, role=role, actor="ann")
    operators.set_sign_in(app, "local", actor="ann")


@pytest.fixture
def token(app):
    """Makes a token; what to send it with."""

    def make(name="ben", scopes=tuple(Permission), days=30):
        made = token_keeping.make(
            with_all(app), "ci", scopes=scopes, days=days, operator=name, actor="ada"
        )
        return made, {"authorization": f"Bearer {made.secret}"}

    return make


def cookie_of(app, name="ben"):
    """A session of a browser, as signing in opens one."""
    now, secret = app.clock.now(), f"secret-of-{name}"
    session = people.Session(
        session_id=people.hash_secret(secret),
        operator=name,
        method="local",
        created_at=now,
        expires_at=now + timedelta(hours=8),
        seen_at=now,
    )
    with engines.write(app.engine) as conn:
        sessions.insert(conn, session)
    return {"cookie": f"{deps.COOKIE}={secret}"}


def with_all(app):
    return permitting.bind(app, people.SYSTEM)


async def test_whoever_is_not_signed_in_is_told_how_to_be(client, refunds):
    for method, path in [
        ("GET", "/runs"),
        ("GET", "/openapi.json"),
        ("POST", "/workflows/refunds/runs"),
        ("GET", "/nowhere"),
    ]:
        told = await client.request(method, path)
        assert (told.status_code, told.json()["type"]) == (401, "urn:interlock:signed-out")
        assert told.headers["www-authenticate"] == 'Bearer realm="interlock"'
        assert told.headers["content-type"] == "application/problem+json"


async def test_a_token_acts_in_the_name_of_its_person(client, app, refunds, token):
    _, headers = token()
    told = await client.post("/workflows/refunds/runs", json={}, headers=headers)
    assert told.status_code == 202
    assert observing.get_run(app, told.json()["run_id"]).created_by == "ben"
    with engines.read(app.engine) as conn:
        entry = audit.fetch_many(conn, limit=1)[0]
    assert (entry.actor, entry.action, entry.origin) == ("ben", "launch", "api")


WRONG = ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer ilk_wrong", "bearer x y", "Bearer \xe9"]


async def test_a_wrong_token_is_refused_though_a_session_would_do(client, app):
    session = [*cookie_of(app).items()]
    assert (await client.get("/runs", headers=session)).status_code == 200
    for value in (*WRONG, "x" * 9000):
        headers = [*session, ("authorization", value.encode("latin-1"))]
        told = await client.get("/runs", headers=headers)
        assert told.status_code == 401, value
        assert not any(word in told.text for word in ("wrong", "YTpi", "xxx"))
    twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")]
    assert (await client.get("/runs", headers=twice)).status_code == 401


async def test_a_token_is_good_until_it_runs_out_is_ended_or_its_account_closed(
    client, app, frozen, token
):
    made, headers = token(days=1)
    assert (await client.get("/runs", headers=headers)).status_code == 200
    _, others = token()
    operators.change(with_all(app), "ben", operators.Change(is_active=False), actor="ada")
    assert (await client.get("/runs", headers=others)).status_code == 401
    _, short = token("vic", days=1)
    frozen.advance(seconds=86_400)
    assert (await client.get("/runs", headers=short)).status_code == 401
    made, ended = token("vic")
    assert (await client.get("/runs", headers=ended)).status_code == 200
    token_keeping.end(with_all(app), made.token.token_id, actor="ada")
    assert (await client.get("/runs", headers=ended)).status_code == 401


async def test_a_token_may_what_its_scopes_say_and_its_person_may(client, refunds, token):
    _, sees = token(scopes=[Permission.SEE])
    _, launches = token(scopes=[Permission.LAUNCH])
    _, viewer = token("vic")
    runs = "/workflows/refunds/runs"
    assert (await client.get("/runs", headers=sees)).status_code == 200
    for headers in (sees, viewer):
        refused = await client.post(runs, json={}, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:interlock:not-allowed")
    assert (await client.post(runs, json={}, headers=launches)).status_code == 202
    blind = await client.get("/runs", headers=launches)
    assert (blind.status_code, "scope" in blind.json()["detail"]) == (403, True)


async def test_a_refusal_of_who_asks_is_not_kept_under_the_key(client, app, refunds, token):
    _, headers = token("vic")
    keyed = headers | {"idempotency-key": "one"}
    assert (await client.post("/workflows/refunds/runs", json={}, headers=keyed)).status_code == 403
    raised = operators.Change(role=Role.OPERATOR)
    operators.change(with_all(app), "vic", raised, actor="ada")
    assert (await client.post("/workflows/refunds/runs", json={}, headers=keyed)).status_code == 202


async def test_a_browsers_session_reads_and_acts_from_our_own_pages_alone(client, app, refunds):
    session = cookie_of(app)
    runs = "/workflows/refunds/runs"
    assert (await client.get("/runs", headers=session)).status_code == 200
    for more, status in [
        (OWN, 202),
        ({"sec-fetch-site": "same-origin"}, 202),
        ({}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ]:
        told = await client.post(runs, json={}, headers=session | more)
        assert told.status_code == status, more
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert (await client.get("/runs", headers=session | elsewhere)).status_code == 403
    signing_in.sign_out(permitting.bind(app, deps.caller_of(session["cookie"].partition("=")[2])))
    assert (await client.get("/runs", headers=session)).status_code == 401


async def test_a_site_that_is_welcome_is_not_so_with_somebodys_session(app, token):
    friend = "http://127.0.0.1:3000"
    welcoming = door.Door(api.build()._app, welcome=frozenset({friend}))
    transport = httpx.ASGITransport(app=welcoming)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8501") as client:
        for headers, status in [(token()[1], 200), (cookie_of(app), 403)]:
            asked = headers | {"origin": friend, "sec-fetch-site": "same-site"}
            assert (await client.get("/runs", headers=asked)).status_code == status
            asked |= {"origin": "http://127.0.0.1:4000"}
            assert (await client.get("/runs", headers=asked)).status_code == 403


async def test_a_role_that_is_taken_away_counts_for_the_next_request(client, app, refunds, token):
    _, headers = token()
    runs = "/workflows/refunds/runs"
    assert (await client.post(runs, json={}, headers=headers)).status_code == 202
    lowered = operators.Change(role=Role.VIEWER)
    operators.change(with_all(app), "ben", lowered, actor="ada")
    assert (await client.post(runs, json={}, headers=headers)).status_code == 403


async def test_a_stream_ends_when_its_token_does(client, app, put, make, token, monkeypatch):
    put(make.put_run, status=RunStatus.RUNNING)
    put(events.insert_many, [make.event(1)])
    made, headers = token()
    find = observing.list_events

    def end_meanwhile(*args, **options):
        found = find(*args, **options)
        if not found:
            token_keeping.end(with_all(app), made.token.token_id, actor="ada")
        return found

    monkeypatch.setattr(observing, "list_events", end_meanwhile)
    told = (await client.get("/runs/r1/events", headers=headers)).text.strip().split("\n\n")
    assert told[0].startswith("id: 1")
    assert told[-1].startswith('event: problem\ndata: {"type":"urn:interlock:signed-out"')


async def test_too_many_requests_of_one_token_are_refused_for_now(
    client, app, frozen, token, monkeypatch
):
    limited = type(app)(
        **(vars(app) | {"settings": app.settings.model_copy(update={"api_rate": 2})})
    )
    monkeypatch.setattr(deps, "process_app", lambda: limited)
    _, one = token()
    _, other = token("vic")
    told = [await client.get("/runs", headers=one) for _ in range(3)]
    assert [each.status_code for each in told] == [200, 200, 429]
    assert told[-1].json()["type"] == "urn:interlock:rate-limited"
    assert 1 <= int(told[-1].headers["retry-after"]) <= 30
    assert (await client.get("/runs", headers=other)).status_code == 200
    assert (await client.get("/runs", headers={"authorization": "Bearer x"})).status_code == 401


def test_a_bucket_fills_evenly(frozen):
    now = 0.0
    counted = rates.Rates(now=lambda: now)
    for _ in range(60):
        counted.take("one", a_minute=60, at=frozen.now())
    with pytest.raises(rates.RateLimited) as refused:
        counted.take("one", a_minute=60, at=frozen.now())
    assert refused.value.retry_after == pytest.approx(1)
    now = 1.0
    counted.take("one", a_minute=60, at=frozen.now())
    with pytest.raises(rates.RateLimited):
        counted.take("one", a_minute=60, at=frozen.now())
    for _ in range(100):
        counted.take("one", a_minute=0, at=frozen.now())


async def test_a_token_is_seen_to_be_used_and_never_logged(
    client, app, refunds, token, caplog, capfd
):
    made, _ = token()
    with caplog.at_level(logging.DEBUG):
        for value in (made.secret, made.secret + "x"):
            bearer = {"authorization": f"Bearer {value}"}
            await client.post("/workflows/refunds/runs", json={}, headers=bearer)
            await client.get("/nowhere", headers=bearer)
    out = "".join(capfd.readouterr()) + caplog.text
    assert made.secret not in out
    [kept] = token_keeping.list_tokens(with_all(app))
    assert kept.used_at is not None
    with engines.read(app.engine) as conn:
        told = str([entry.as_json() for entry in audit.fetch_many(conn, limit=50)])
    assert made.secret not in told
    assert people.hash_secret(made.secret) not in told


async def test_while_nobody_has_to_sign_in_a_token_is_looked_at_all_the_same(
    client, app, refunds, token
):
    _, headers = token("vic")
    operators.set_sign_in(with_all(app), "", actor="ada")
    assert (await client.get("/runs")).status_code == 200
    assert (
        await client.post("/workflows/refunds/runs", json={}, headers=headers)
    ).status_code == 403
    wrong = {"authorization": "Bearer ilk_nonsense"}
    assert (await client.get("/runs", headers=wrong)).status_code == 401
    assert permitting.resolve(permitting.bind(app, LOCAL)).name == "ann"
