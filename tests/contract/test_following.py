"""What a look at another application's database asks of it: of what has not changed, next to nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from interlock.core.graphs import attached_rows
from interlock.core.graphs.attached_rows import read_mark, scan
from interlock.core.graphs.project import read_project
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.workshop import Workshop
from interlock.core.services import observing
from interlock.core.worker.attaching import Follower

THREADS = ("a", "b", "c")


def ask(_state: Any) -> dict[str, str]:
    first = interrupt("first?")
    return {"said": f"{first} {interrupt('second?')} {interrupt('third?')}"}


def build(saver: Any) -> Any:
    return StateGraph(dict).add_node("ask", ask).add_edge(START, "ask").compile(checkpointer=saver)


@contextmanager
def outside(address: str) -> Iterator[Any]:
    kind = PostgresSaver if address.startswith("postgresql") else SqliteSaver
    with kind.from_conn_string(address) as saver:
        saver.setup()
        yield build(saver)


@pytest.fixture(params=["sqlite", "postgres"])
def address(request, tmp_path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "theirs.db")
    return request.getfixturevalue("empty_postgres_url").replace("+psycopg", "")


def at(thread: str) -> Any:
    return {"configurable": {"thread_id": thread}}


async def call(function, *args):
    return function(*args)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "langgraph.json").write_text(
        json.dumps({"dependencies": ["."], "graphs": {"none": "./none.py:graph"}})
    )
    return read_project(tmp_path / "langgraph.json")


async def test_a_look_reads_the_values_of_the_threads_that_changed_alone(
    app, project, address, monkeypatch
):
    app = replace(app, settings=app.settings.model_copy(update={"attach": address}))
    questions: list[Any] = []
    read: list[str] = []

    def note(savers):
        plain = savers.ask

        async def ask_savers(question, values):
            questions.append(question)
            if question in (attached_rows._WRITES, attached_rows._DETAILS):
                read.extend(place[0] for place in json.loads(values[0]))
            return await plain(question, values)

        monkeypatch.setattr(savers, "ask", ask_savers)

    def take() -> tuple[int, set[str]]:
        told = (len(questions), set(read))
        questions.clear(), read.clear()
        return told

    async def look_at_nothing(follower: Follower) -> None:
        # A look asks first whether anything was stored. On Postgres that is anything of any database of
        # the server, and other tests use it: so it may take some looks until it was nothing.
        for _ in range(100):
            assert await follower.look() == 0
            asked, values = take()
            assert values == set()
            if asked == 1:
                return
        pytest.fail("Every look asked for more than whether anything was stored.")

    def pending() -> list[Any]:
        return sorted((c.thread_id, c.payload) for c in observing.list_inbox(app, limit=10))

    with outside(address) as graph:
        for thread in THREADS:
            graph.invoke({"said": ""}, at(thread))
        async with open_savers(app.settings) as savers:
            note(savers)
            follower = Follower(app, Workshop(project, {}, savers, None), call)
            assert await follower.look() == 3
            assert take()[1] == {"a", "b", "c"}
            await look_at_nothing(follower)

            graph.invoke(Command(resume="1"), at("b"))  # the next question, at the same checkpoint
            assert await follower.look() == 1
            assert take()[1] == {"b"}
            assert pending() == [("a", "first?"), ("b", "second?"), ("c", "first?")]
            graph.invoke(Command(resume="2"), at("b"))  # nothing is added, two rows are replaced
            assert await follower.look() == 1
            assert take()[1] == {"b"}
            assert pending()[1] == ("b", "third?")

            graph.invoke(Command(resume="3"), at("b"))
            graph.invoke({"said": ""}, at("d"))
            assert await follower.look() == 2
            assert take()[1] == {"b", "d"}
            graph.checkpointer.delete_thread("c")
            assert await follower.look() == 1
            assert take()[1] == set()
            assert [thread for thread, _ in pending()] == ["a", "d"]

            again = Follower(app, Workshop(project, {}, savers, None), call)
            await again.look()  # a worker that starts has to compare all of it, once
            take()
            await look_at_nothing(again)


async def test_what_could_not_be_taken_in_is_looked_at_again(app, project, address, monkeypatch):
    app = replace(app, settings=app.settings.model_copy(update={"attach": address}))
    with outside(address) as graph:
        graph.invoke({"said": ""}, at("a"))
        async with open_savers(app.settings) as savers:
            follower = Follower(app, Workshop(project, {}, savers, None), call)
            with monkeypatch.context() as patch:
                patch.setattr(attached_rows, "_DETAILS", attached_rows._MARK)
                with pytest.raises(Exception):  # noqa: B017  whatever the database says
                    await follower.look()
            assert await follower.look() == 1
            assert await follower.look() == 0


async def test_the_mark_stays_until_something_is_stored(app, address):
    app = replace(app, settings=app.settings.model_copy(update={"attach": address}))
    with outside(address) as graph:
        graph.invoke({"said": ""}, at("a"))
        async with open_savers(app.settings) as savers:
            for _ in range(100):  # what other tests store on the same server moves it, too
                mark = await read_mark(savers)
                before = [head async for page in scan(savers) for head in page]
                if await read_mark(savers) == mark:
                    break
            else:
                pytest.fail("The mark never stays.")
            graph.invoke(Command(resume="1"), at("a"))
            assert await read_mark(savers) != mark
            after = [head async for page in scan(savers) for head in page]
    assert before[0].checkpoint_id == after[0].checkpoint_id
    assert before[0].print != after[0].print
