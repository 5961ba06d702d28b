"""The gallery as a project: what its langgraph.json promises, on LangGraph set to strict."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.core import gallery

FOLDER = Path(gallery.__file__).parent
GRAPHS = json.loads((FOLDER / "langgraph.json").read_text())["graphs"]
FORMS = [name for name in GRAPHS if name != "outreach"]  # which is talked to

STRICT_RUN = """
import asyncio, json, sys
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from interlock.core.gallery import essay_writer, refund_desk

async def run(builder, answer):
    graph = builder.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t-1", "__pregel_strict_resume": True}}
    asked = await graph.ainvoke({}, config)
    [card] = asked["__interrupt__"]
    return await graph.ainvoke(Command(resume={card.id: answer}), config)

async def main():
    desk = await run(refund_desk.builder, {"approved": True})
    essay = await run(essay_writer.builder, "publish")
    print(json.dumps([type(desk["requests"][0]).__name__, desk["summary"], essay["status"]]))

asyncio.run(main())
"""


@pytest.mark.parametrize("name", GRAPHS)
def test_every_graph_is_where_the_file_says(name):
    path, _, variable = GRAPHS[name]["path"].partition(":")
    module = importlib.import_module(f"interlock.core.gallery.{(FOLDER / path).stem}")

    assert (FOLDER / path).is_file()
    assert getattr(module, variable).name == name
    assert GRAPHS[name]["description"]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_can_be_launched_as_it_is_shown(name):
    module = importlib.import_module(f"interlock.core.gallery.{name}")

    schema = module.graph.get_input_jsonschema()

    assert schema["description"]
    assert not schema.get("required")
    for field in schema["properties"].values():
        assert field["description"]
        assert "default" in field


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_every_file_is_read_in_a_minute(path):
    assert len(path.read_text().splitlines()) < 150


def test_both_run_from_start_to_end_where_langgraph_is_strict():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STRICT_RUN],
        env={**os.environ, "LANGGRAPH_STRICT_MSGPACK": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    kind, summary, status = json.loads(done.stdout)
    assert kind == "RefundRequest"
    assert summary.startswith("1 done, 620.00 EUR paid back.")
    assert status == "published"
