"""The real client of LangGraph's Agent Server against a real `interlock up`, one for all tests here."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.pregel.remote import RemoteGraph
from langgraph.types import Command
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import APIStatusError, ConflictError, NotFoundError

from interlock.dashboard.http.agent_server.missing import NOT_SERVED

PROJECT = Path(__file__).parent / "projects" / "clients" / "langgraph.json"
ORIGIN = "https://inbox.example"
START_S = 150
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("agent server")]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("agent_server")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")}
    environment["INTERLOCK_AGENT_SERVER_ORIGINS"] = json.dumps([ORIGIN])
    told, errors = folder / "out", folder / "err"
    command = [sys.executable, "-P", "-m", "interlock.core.cli", "up", "--json", "--no-browser"]
    with told.open("w") as out, errors.open("w") as err:
        up = subprocess.Popen(
            [*command, "--port", "0", "--config", str(PROJECT), "--data-dir", str(folder / "d")],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=err,
        )
    try:
        until = time.monotonic() + START_S
        while not told.read_text().endswith("}\n"):
            assert up.poll() is None and time.monotonic() < until, errors.read_text()
            time.sleep(0.05)
        yield f"{json.loads(told.read_text())['url']}/agent-server"
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(30)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


@pytest.fixture
async def client(url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=url, api_key="lsv2_a_key_of_langsmith") as opened:
        yield opened


@pytest.fixture
def asked(client: LangGraphClient) -> Callable[[str], Any]:
    async def launch(graph: str = "desk") -> tuple[str, Any]:
        thread = await client.threads.create()
        given = {"text": "7"}
        found = await client.runs.wait(thread["thread_id"], graph, input=given)
        return thread["thread_id"], found

    return launch


async def test_a_run_is_launched_asks_is_answered_and_read_back(client, asked):
    thread_id, found = await asked()
    [question] = found["__interrupt__"]
    assert question["value"] == {"question": "Pay 7?"}
    thread = await client.threads.get(thread_id)
    assert (thread["status"], thread["metadata"]["graph_id"]) == ("interrupted", "desk")
    [[told]] = thread["interrupts"].values()
    assert told == question
    state = await client.threads.get_state(thread_id)
    assert (state["next"], state["interrupts"]) == (["review"], [question])
    assert [task["id"] for task in state["tasks"]] == list(thread["interrupts"])

    answer = {"resume": {question["id"]: {"ok": True}}}
    end = await client.runs.wait(thread_id, "desk", command=answer)
    assert end == {"text": "7", "log": ["read", {"ok": True}, "paid"]}
    history = await client.threads.get_history(thread_id)
    assert [each["next"] for each in history] == [[], ["pay"], ["review"], ["read"], ["__start__"]]
    assert history[1]["values"]["log"] == ["read", {"ok": True}]
    assert history[2]["interrupts"] == [question]
    assert history[2]["parent_checkpoint"] == history[3]["checkpoint"]
    page = await client.threads.get_history(thread_id, limit=1, before=history[1]["checkpoint"])
    assert page == [history[2]]
    runs = await client.runs.list(thread_id)
    assert [run["status"] for run in runs] == ["success", "interrupted"]
    assert await client.runs.get(thread_id, runs[0]["run_id"]) == runs[0]
    assert await client.runs.join(thread_id, runs[0]["run_id"]) == end
    with pytest.raises(ConflictError) as lost:
        await client.runs.create(thread_id, "desk", command=answer)
    assert lost.value.body["winner"]["answer"] == {"ok": True}


async def test_of_many_that_answer_at_once_one_wins(client, asked):
    thread_id, _ = await asked()
    sent = [client.runs.create(thread_id, "desk", command={"resume": f"by {n}"}) for n in range(4)]
    told = await asyncio.gather(*sent, return_exceptions=True)
    won = [each for each in told if not isinstance(each, BaseException)]
    assert len(won) == 1
    assert {each.status_code for each in told if isinstance(each, APIStatusError)} == {409}
    end = await client.runs.join(thread_id, won[0]["run_id"])
    assert [each for each in end["log"] if each.startswith("by")] == [f"by {told.index(won[0])}"]


async def test_two_questions_are_answered_by_their_ids(client, asked):
    thread_id, found = await asked("pair")
    ids = {each["value"]: each["id"] for each in found["__interrupt__"]}
    with pytest.raises(APIStatusError, match="name each by the id"):
        await client.runs.create(thread_id, "pair", command={"resume": "?"})
    with pytest.raises(NotFoundError):
        await client.runs.create(thread_id, "pair", command={"resume": {"0" * 32: 1}})
    first = await client.runs.wait(thread_id, "pair", command={"resume": {ids["two?"]: 2}})
    assert [each["id"] for each in first["__interrupt__"]] == [ids["one?"]]
    end = await client.runs.wait(thread_id, "pair", command={"resume": 1})
    assert sorted(end["log"]) == [["one", 1], ["two", 2]]


async def test_a_run_is_streamed_and_joined_from_where_the_line_broke(client):
    thread_id, created = "streamed thread", list[Any]()
    seen = [
        part
        async for part in client.runs.stream(
            thread_id,
            "desk",
            input={"text": "7"},
            stream_mode=["updates", "custom", "events", "values"],
            if_not_exists="create",
            on_run_created=created.append,
        )
    ]
    by_event = {part.event: part.data for part in seen}
    assert by_event["custom"] == {"read": "7"}
    updates = [part.data for part in seen if part.event == "updates"]
    assert updates[0] == {"read": {"log": ["read"]}}
    assert by_event["values"]["__interrupt__"] == by_event["updates"]["__interrupt__"]
    begun = [e.data["name"] for e in seen if e.event == "events" and "start" in e.data["event"]]
    assert begun == ["read", "review"]
    assert by_event["end"] == {"run_id": created[0]["run_id"], "status": "interrupted"}
    run_id = created[0]["run_id"]
    again = [
        part.event
        async for part in client.runs.join_stream(
            thread_id, run_id, stream_mode=["updates", "custom"], last_event_id=seen[-1].id
        )
    ]
    assert again == ["metadata", "updates", "end"]
    whole = [
        part async for part in client.runs.join_stream(thread_id, run_id, stream_mode="updates")
    ]
    assert [part.data for part in whole if part.event == "updates"] == updates


async def test_a_thread_is_forked_edited_and_goes_on_when_told(client, asked):
    thread_id, _ = await asked()
    await client.runs.wait(thread_id, "desk", command={"resume": "no"})
    before = (await client.threads.get_history(thread_id))[2]
    made = await client.threads.update_state(
        thread_id, {"text": "8"}, as_node="read", checkpoint=before["checkpoint"]
    )
    state = await client.threads.get_state(thread_id)
    assert state["checkpoint"]["checkpoint_id"] == made["checkpoint"]["checkpoint_id"]
    assert (state["values"]["text"], state["next"]) == ("8", ["review"])
    assert (state["interrupts"], state["tasks"][0]["name"]) == ([], "review")
    found = await client.runs.wait(thread_id, "desk", checkpoint=made["checkpoint"])
    assert found["__interrupt__"][0]["value"] == {"question": "Pay 8?"}
    again = await client.runs.wait(thread_id, "desk", checkpoint_id=before["checkpoint_id"])
    assert again["__interrupt__"][0]["value"] == {"question": "Pay 7?"}
    edited = await client.runs.wait(
        thread_id, "desk", command={"update": {"log": ["more"]}}, checkpoint=before["checkpoint"]
    )
    assert edited["log"] == ["read", "more"]
    end = await client.runs.wait(thread_id, "desk", command={"resume": "yes"})
    assert end["log"] == ["read", "more", "yes", "paid"]
    copy = await client.threads.copy(thread_id)
    [run] = await client.runs.list(copy["thread_id"])
    assert await client.runs.join(copy["thread_id"], run["run_id"]) == end


async def test_a_thread_goes_on_without_input_where_it_stands(client):
    thread_id = (await client.threads.create())["thread_id"]
    with pytest.raises(APIStatusError, match="needs an `input`"):
        await client.runs.create(thread_id, "desk")
    await client.runs.wait(thread_id, "desk", input={"text": "7"}, interrupt_before=["pay"])
    with pytest.raises(ConflictError, match="waits for an answer"):
        await client.runs.create(thread_id, "desk")
    stands = await client.runs.wait(thread_id, "desk", command={"resume": True})
    assert stands == {"text": "7", "log": ["read", True]}
    state = await client.threads.get_state(thread_id)
    assert (state["next"], state["interrupts"]) == (["pay"], [])
    with pytest.raises(ConflictError, match="only stands"):
        await client.runs.create(thread_id, "desk", command={"resume": True})
    end = await client.runs.wait(thread_id, "desk")
    assert end == {"text": "7", "log": ["read", True, "paid"]}
    with pytest.raises(ConflictError, match="has ended"):
        await client.runs.create(thread_id, "desk")


async def test_a_node_is_left_out_and_a_failed_run_tried_again(client, asked):
    thread_id, _ = await asked()
    await client.threads.update_state(thread_id, None, as_node="review")
    assert (await client.runs.wait(thread_id, "desk"))["log"] == ["read", "paid"]
    failed = await client.runs.create(None, "failing", input={"text": ""})
    thread_id = failed["thread_id"]
    assert "__error__" in await client.runs.join(thread_id, failed["run_id"])
    again = await client.runs.wait(thread_id, "failing", raise_error=False)
    assert again == {"__error__": {"error": "ValueError", "message": "No ink."}}
    runs = await client.runs.list(thread_id, status="error")
    assert len(runs) == 2
    assert (await client.threads.get(thread_id))["status"] == "error"


async def test_agent_inbox_finds_accepts_and_marks_as_resolved(client, asked):
    thread_id, _ = await asked("inbox")
    other_id, _ = await asked("inbox")
    found = await client.threads.search(
        status="interrupted", metadata={"graph_id": "inbox"}, limit=100, offset=0
    )
    assert {each["thread_id"] for each in found} == {thread_id, other_id}
    [[told]] = found[0]["interrupts"].values()
    accept = [{"type": "accept", "args": told["value"]["action_request"]}]
    events = [
        part
        async for part in client.runs.stream(
            found[0]["thread_id"], "inbox", command={"resume": accept}, stream_mode="events"
        )
    ]
    nodes = [part.data["metadata"]["langgraph_node"] for part in events if part.event == "events"]
    assert nodes[0] == "request" and nodes[-1] == "pay"
    with pytest.raises(APIStatusError) as refused:
        await client.runs.create(
            found[1]["thread_id"], "inbox", command={"resume": [{"type": "approved"}]}
        )
    assert refused.value.status_code == 422
    await client.threads.update_state(found[1]["thread_id"], None, as_node="__end__")
    assert (await client.threads.get(found[1]["thread_id"]))["status"] == "idle"
    left = {"status": "interrupted", "metadata": {"graph_id": "inbox"}}
    assert await client.threads.search(**left) == []
    assert await client.threads.count(**left) == 0


async def test_threads_are_made_described_and_found(client):
    made = await client.threads.create(metadata={"team": "a", "tags": [1]}, graph_id="desk")
    assert (made["status"], made["values"], made["metadata"]["graph_id"]) == ("idle", {}, "desk")
    state = await client.threads.get_state(made["thread_id"])
    assert (state["values"], state["next"], state["checkpoint"]["checkpoint_id"]) == ({}, [], None)
    with pytest.raises(ConflictError):
        await client.threads.create(thread_id=made["thread_id"])
    same = await client.threads.create(thread_id=made["thread_id"], if_exists="do_nothing")
    assert same == made
    await client.threads.update(made["thread_id"], metadata={"team": "b"})
    assert await client.threads.search(metadata={"team": "a"}) == []
    [found] = await client.threads.search(
        metadata={"team": "b", "tags": [1]}, status="idle", select=["thread_id"]
    )
    assert found == {"thread_id": made["thread_id"]}
    assert await client.threads.search(metadata={"assistant_id": "nobody"}) == []
    ordered = await client.threads.search(
        ids=[made["thread_id"]], sort_by="created_at", sort_order="asc"
    )
    assert len(ordered) == 1


async def test_assistants_are_the_workflows(client):
    found = await client.assistants.search()
    assert [each["graph_id"] for each in found] == ["desk", "failing", "inbox", "pair", "slow"]
    desk = await client.assistants.get(found[0]["assistant_id"])
    assert desk == await client.assistants.get("desk") == found[0]
    assert await client.assistants.count(graph_id="desk") == 1
    graph = await client.assistants.get_graph("desk")
    nodes = {"__start__", "read", "review", "pay", "__end__"}
    assert {node["id"] for node in graph["nodes"]} == nodes
    assert len(graph["edges"]) == 4
    schemas = await client.assistants.get_schemas(desk["assistant_id"])
    assert "text" in schemas["input_schema"]["properties"]
    with pytest.raises(NotFoundError):
        await client.assistants.get("nobody")
    with pytest.raises(NotFoundError):
        await client.runs.create(None, "nobody", input={})


async def test_a_busy_thread_is_refused_and_its_run_cancelled(client):
    run = await client.runs.create(None, "slow", input={"text": ""}, metadata={"team": "slow"})
    thread_id = run["thread_id"]
    [busy] = await client.threads.search(metadata={"team": "slow"})
    assert (busy["thread_id"], busy["status"]) == (thread_id, "busy")
    with pytest.raises(ConflictError):
        await client.runs.create(thread_id, "slow", input={"text": ""})
    # More than there are threads: whoever waits holds none.
    joins = [client.runs.join(thread_id, run["run_id"]) for _ in range(60)]
    joining = asyncio.gather(*joins)
    assert (await client.runs.get(thread_id, run["run_id"]))["status"] in {"pending", "running"}
    await client.runs.cancel(thread_id, run["run_id"], wait=True)
    assert len(await joining) == 60
    assert (await client.runs.get(thread_id, run["run_id"]))["status"] == "interrupted"
    with pytest.raises(NotFoundError):
        await client.runs.get("another", run["run_id"])


async def test_who_leaves_may_have_asked_for_the_end_of_the_run(client):
    created: list[Any] = []
    stream = client.runs.stream(
        None, "slow", input={"text": ""}, on_disconnect="cancel", on_run_created=created.append
    )
    assert (await anext(stream)).event == "metadata"
    await stream.aclose()
    ids = created[0]["thread_id"], created[0]["run_id"]
    await asyncio.wait_for(client.runs.join(*ids), 150)
    assert (await client.runs.get(*ids))["status"] == "interrupted"


async def test_why_a_run_failed_is_told(client):
    with pytest.raises(Exception, match=r"ValueError: No ink\."):
        await client.runs.wait(None, "failing", input={"text": ""})
    parts = [part async for part in client.runs.stream(None, "failing", input={"text": ""})]
    assert [part.event for part in parts][-2:] == ["error", "end"]
    with pytest.raises(APIStatusError, match="cannot be launched") as refused:
        await client.runs.create(None, "desk", input={"text": 7})
    assert refused.value.body["problems"] == [{"path": "text", "message": "must be text"}]


async def test_a_graph_of_elsewhere_runs_as_if_it_were_here(client):
    remote = RemoteGraph("desk", client=client)
    config: RunnableConfig = {"configurable": {"thread_id": "remote"}}
    asked = await remote.ainvoke({"text": "7"}, config)
    assert [each["value"] for each in asked["__interrupt__"]] == [{"question": "Pay 7?"}]
    state = await remote.aget_state(config)
    assert (state.next, state.interrupts[0].value) == (("review",), {"question": "Pay 7?"})
    at = await remote.aupdate_state(config, {"log": ["by hand"]}, as_node="review")
    assert (await remote.aget_state(at)).next == ("pay",)
    assert await remote.ainvoke(None, config) == {"text": "7", "log": ["read", "by hand", "paid"]}
    assert len([each async for each in remote.aget_state_history(config)]) == 5
    await remote.ainvoke({"text": "8"}, config)
    assert (await remote.ainvoke(Command(resume=True), config))["log"][-2:] == [True, "paid"]
    assert set((await remote.aget_graph()).nodes) > {"read", "review", "pay"}


async def test_what_is_not_served_says_so(client, url):
    for refused in (
        client.runs.create(None, "desk", input={}, multitask_strategy="enqueue"),
        client.runs.create(None, "desk", command={"goto": "pay"}),
        client.crons.search(),
        client.store.get_item([], "key"),
        client.assistants.create("desk"),
        client.threads.search(values={"text": "7"}),
        client.runs.create_batch([]),
    ):
        with pytest.raises(APIStatusError, match="does not serve") as told:
            await refused
        assert told.value.status_code == 501
    async with httpx.AsyncClient() as plain:
        for method, path, what in NOT_SERVED:
            place = path.replace("{assistant_id:path}", "a").replace("{thread_id:path}", "t")
            answer = await plain.request(method, url + place.replace("{run_id}", "r"))
            assert (answer.status_code, what in answer.text) == (501, True), path
        assert (await plain.get(f"{url}/elsewhere")).status_code == 404
        unknown = {"assistant_id": "desk", "input": {}, "teleport": True}
        answer = await plain.post(f"{url}/runs", json=unknown)
        assert (answer.status_code, "`teleport`" in answer.text) == (501, True)


async def test_the_pages_of_named_origins_alone_are_let_in(url):
    async with httpx.AsyncClient() as browser:
        asking = {"access-control-request-method": "POST", "origin": ORIGIN}
        allowed = await browser.options(f"{url}/threads/search", headers=asking)
        assert allowed.headers["access-control-allow-origin"] == ORIGIN
        found = await browser.post(f"{url}/threads/search", headers={"origin": ORIGIN}, json={})
        assert found.status_code == 200
        assert "access-control-allow-credentials" not in found.headers
        others = {"origin": "https://evil.example"}
        refused = await browser.post(f"{url}/threads/search", headers=others, json={})
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
        assert (await browser.get(f"{url}/info")).json()["flags"]["assistants"] is True
        assert (await browser.get(f"{url}/ok")).json() == {"ok": True}
