"""Every kind of export that LangGraph accepts: launched, asked, answered, finished."""

from __future__ import annotations

import pytest

from interlock.core.services import observing
from interlock.dashboard.views import graph as graph_view
from interlock.dashboard.views import launch as launch_view

PROJECT = "exports"
pytestmark = pytest.mark.xdist_group("any project: exports")

RUNTIME = "threads.create_run SqliteStore"
EXPORTS = {
    "compiled": "compiled",
    "compiled with its own parts": "own",
    "builder": "builder hello/3/true",
    "factory": "factory",
    "factory, config": "config",
    "factory, runtime": RUNTIME,
    "factory, both": f"config, {RUNTIME}",
    "factory, a dict": "config",
    "factory, nothing said": "config",
    "async factory": "async factory",
    "async factory, config": "config",
    "async factory, runtime": RUNTIME,
    "async factory, both": f"config, {RUNTIME}",
    "context": "context",
    "context, config": "config",
    "context, runtime": RUNTIME,
    "context, both": f"config, {RUNTIME}",
    "async context": "async context",
    "async context, config": "config",
    "async context, runtime": RUNTIME,
    "async context, both": f"config, {RUNTIME}",
    "object": "object config",
    "async object": "async object",
    "partial": "partial",
    "decorated": "decorated config",
    "class": "class",
    "with config": "with config",
    'Überprüfung / 审核 "q" & <b>': "compiled",
    "awaited at import": "with a tool",
    "by module": "module",
    "by file in a package": "module",
    "slashes": "module",
}


@pytest.mark.parametrize("name", EXPORTS)
def test_a_graph_of_any_export_asks_and_finishes(desk, name):
    card = desk.hold(name, {"text": "a letter"})
    assert (card["workflow"], card["node"]) == (name, "ask")
    ended = desk.decide(card, "--approve")
    assert (ended["status"], ended["error"]) == ("done", None)
    assert ended["values"] == {"text": "a letter", "made": EXPORTS[name], "answer": True}


@pytest.mark.parametrize(
    ("name", "value", "made"),
    [
        ("entrypoint", "a letter", "entrypoint"),
        ("async entrypoint", {"text": "a letter"}, "async entrypoint"),
    ],
)
def test_a_function_of_the_functional_api_asks_and_finishes(desk, name, value, made):
    ended = desk.decide(desk.hold(name, value), "--answer", '"as you like"')
    assert ended["status"] == "done"
    assert ended["values"] == {"text": "a letter", "made": made, "answer": "as you like"}


def test_an_entrypoint_remembers_its_thread_in_our_database(desk):
    thread = "remembered"
    for times in (1, 2):
        card = desk.hold("entrypoint with its own parts", {}, "--thread", thread)
        ended = desk.decide(card, "--reject")
        assert ended["values"] == {"made": "own entrypoint", "times": times, "answer": False}


def test_all_exports_are_listed_none_with_an_error(desk):
    found = desk.workflows()
    functional = {"entrypoint", "async entrypoint", "entrypoint with its own parts"}
    assert set(found) == set(EXPORTS) | functional
    assert {name: w["error"] for name, w in found.items() if w["error"]} == {}
    assert found["compiled"]["description"] == "Compiled, told by langgraph.json"
    assert found["entrypoint"]["description"] == "Asks once, as a plain function."
    assert found["async entrypoint"]["description"] == "Asks once, without a thread."
    assert found["partial"]["description"] == (
        "The same small approval, exported in every way there is."
    )
    assert found["class"]["description"] == "A builder made by calling its class."
    assert found["by module"]["description"] == "Lies deep in a package and imports its neighbours."


def test_every_workflow_has_a_launch_form_and_a_drawing(desk):
    for workflow in observing.list_workflows(desk.app):
        form = launch_view.build(workflow)
        assert form
        assert graph_view.build(workflow, {}, "light")


def test_every_key_without_effect_is_named_once(desk):
    told = desk.told()
    assert told.count("project_keys_unused") == 1
    for key in (
        *("python_version", "http", "auth", "checkpointer.ttl", "store.path", "ui", "webhooks"),
        *("checkpointer.serde.allowed_json_modules", "image_distro", "pip_config_file"),
        *("dockerfile_lines", "nobody_knows_this"),
    ):
        assert f"'{key}'" in told
    for key in ("$schema", "graphs", "dependencies", "env", "store.ttl", "store", "checkpointer"):
        assert f"'{key}'" not in told
