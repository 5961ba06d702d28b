"""Whatever is sent to the Agent Server API, it is answered in words: never by a failure of ours."""

from __future__ import annotations

import json

import httpx
import pytest

from interlock.dashboard.http.agent_server import app as agent_server
from interlock.dashboard.http.api.answers import PROBLEM

JSON = {"content-type": "application/json"}
HOST = "http://127.0.0.1:8501"
DEEP: list = []
for _ in range(90):
    DEEP = [DEEP]
ODD = [None, 0, "", "x" * 300, [], [[]], {}, {"a": None}, {"a": {"b": [DEEP]}}, {"\ud800": 1}, -1]
RUN_FIELDS = (
    *("input", "command", "config", "context", "metadata", "checkpoint", "checkpoint_id"),
    *("interrupt_before", "stream_mode", "if_not_exists", "assistant_id", "on_disconnect"),
)
PATHS = {
    "/runs": RUN_FIELDS,
    "/runs/stream": RUN_FIELDS,
    "/threads/t1/runs": RUN_FIELDS,
    "/threads/nobody/runs/wait": RUN_FIELDS,
    "/threads": ("thread_id", "metadata", "if_exists", "supersteps", "ttl"),
    "/threads/search": ("metadata", "ids", "status", "limit", "offset", "sort_by", "select"),
    "/threads/count": ("metadata", "values"),
    "/threads/t1/state": ("values", "as_node", "checkpoint", "checkpoint_id"),
    "/threads/t1/state/checkpoint": ("checkpoint", "subgraphs", "select"),
    "/threads/t1/history": ("limit", "before", "metadata", "checkpoint", "select"),
    "/assistants/search": ("metadata", "graph_id", "name", "limit", "sort_by", "select"),
}


@pytest.fixture
async def client(app, refunds, card):
    transport = httpx.ASGITransport(app=agent_server.build())
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as opened:
        yield opened


@pytest.mark.parametrize("path", PATHS)
async def test_odd_fields_are_answered_in_words(client, path):
    given = {"assistant_id": "refunds"} if "runs" in path else {}
    for name in PATHS[path]:
        for value in ODD:
            if name == "input" and isinstance(value, dict) and "runs" in path:
                continue  # launched, and waited for
            if path.endswith(("stream", "wait")) and name != "command":
                continue  # the same body, and a run that nobody carries
            body = json.dumps({**given, name: value})  # half a pair of surrogates is escaped
            told = await client.post(path, content=body, headers=JSON)
            assert told.status_code not in {500, 503}, (name, value, told.text)
            if told.status_code >= 400:
                assert told.headers["content-type"] == PROBLEM
                assert told.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/threads/%00",
        "/threads/%0A/state",
        "/threads/../runs",
        "/threads/t1/runs/%FF",
        "/threads/t1/runs/r/stream?stream_mode=debug",
        "/threads/t1/runs?limit=x",
        "/threads/t1/history?limit=0",
        "/threads/" + "x" * 5000,
        "/assistants/" + "x" * 5000,
        "/assistants/refunds/graph?xray=" + "9" * 9,
    ],
)
async def test_odd_addresses_are_answered_in_words(client, path):
    told = await client.get(path)
    assert told.status_code < 500 or told.status_code == 501
    assert told.status_code == 200 or told.json()["detail"]


async def test_a_number_of_an_event_is_a_number(client, card):
    place = f"/threads/{card.thread_id}/runs/{card.run_id}/stream"
    told = await client.get(place, headers={"last-event-id": "one"})
    assert told.status_code == 422
    told = await client.get(place, headers={"last-event-id": "-1"})
    assert told.text.endswith('"status":"interrupted"}\n\n')
