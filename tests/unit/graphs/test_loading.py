from __future__ import annotations

import re
import sys

import pytest
from langgraph.pregel import Pregel
from langgraph.store.memory import InMemoryStore

from interlock.core.errors import WorkflowNotLoaded
from interlock.core.graphs.loading import load_all
from interlock.core.graphs.modules import make_flat_name
from interlock.core.graphs.preparing import prepare

EXPORTS = [
    ("compiled", "plain"),
    ("a builder, with spaces", "hello"),
    ("factory", "hello"),
    ("async factory", "async"),
    ("config factory", "from the run"),
    ("untyped factory", "from the run"),
    ("runtime factory", "executing with InMemoryStore"),
    ("both", "threads.create_run from the run"),
    ("sync context", "context"),
    ("async context", "async context"),
    ("object", "object"),
    ("by module name", "plain"),
]
CONFIG = {"configurable": {"note": "from the run"}}


def load(enter, name="every_export"):
    return {loaded.name: loaded for loaded in load_all(enter(name))}


@pytest.mark.parametrize(("name", "note"), EXPORTS)
async def test_every_kind_of_export_is_opened_and_runs(enter, name, note):
    loaded = load(enter)[name]
    assert loaded.error is None
    async with loaded.open(CONFIG, store=InMemoryStore()) as graph:
        ready = prepare(graph, checkpointer=None, store=None, name=name)
        result = await ready.ainvoke({"number": 1, "notes": []}, CONFIG)
    assert result == {"number": 2, "notes": [note]}


async def test_an_entrypoint_runs(enter):
    async with load(enter)["entrypoint"].open({}) as graph:
        assert await graph.ainvoke(21) == 42


async def test_a_factory_is_called_for_each_use(enter):
    loaded = load(enter)["config factory"]
    notes = []
    for note in ("one", "two"):
        config = {"configurable": {"note": note}}
        async with loaded.open(config) as graph:
            notes += (await graph.ainvoke({"number": 0, "notes": []}, config))["notes"]
    assert notes == ["one", "two"]


@pytest.mark.parametrize("name", ["sync context", "async context"])
async def test_a_context_manager_is_left_even_after_a_failure(enter, name):
    loaded = load(enter)[name]
    events = sys.modules["exports"].EVENTS
    async with loaded.open({}):
        assert events == ["entered"]
    assert events == ["entered", "left"]
    events.clear()
    if name == "async context":
        with pytest.raises(ZeroDivisionError):
            async with loaded.open({}):
                raise ZeroDivisionError
        assert events == ["entered", "left"]


async def test_a_factory_is_told_why_it_is_called(enter):
    async with load(enter)["both"].open({"configurable": {}}, access="threads.read") as graph:
        result = await graph.ainvoke({"number": 0, "notes": []})
    assert result["notes"] == ["threads.read None"]


def test_descriptions_come_from_the_config_then_the_docstring(enter):
    loaded = load(enter)
    assert loaded["compiled"].description == "A compiled graph"
    assert loaded["factory"].description == "Makes a graph."
    assert loaded["entrypoint"].description == "Doubles a number."
    assert loaded["a builder, with spaces"].description.startswith("One graph, exported in every")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "raises",
            r"raises\.py:graph: importing it raised ZeroDivisionError: .*raises\.py, line 3",
        ),
        ("exits", r"importing it raised SystemExit: set MODEL_KEY first .*exits\.py, line 1"),
        ("does not parse", r"raised SyntaxError: .*does_not_parse\.py, line 1"),
        ("misses a package", r"'a_package_nobody_has' .*`pip install a-package-nobody-has`"),
        ("no such file", r"there is no file .*broken/nowhere\.py\.$"),
        ("no such module", r"the module 'nowhere' that it imports is not installed"),
        ("no such variable", r"works\.py has no variable 'grahp'\.$"),
        ("not a graph", r"'NUMBER' is an int, not a graph\.$"),
        ("wrong arguments", r"the factory wrong_arguments has a parameter 'tenant'"),
    ],
)
def test_a_graph_that_does_not_load_says_why_and_where(enter, name, told):
    loaded = load(enter, "broken")[name]
    assert loaded.exported is None
    assert re.search(told, loaded.error), loaded.error


async def test_the_others_work(enter):
    async with load(enter, "broken")["works"].open({}) as graph:
        assert await graph.ainvoke({"text": "a"}) == {"text": "A"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gives no graph", "what the factory 'gives_no_graph' returned is a dict, not a graph"),
        ("needs a key", r"raised KeyError: 'tenant' \(.*works\.py, line 29\)"),
        ("raises", "ZeroDivisionError"),
    ],
)
async def test_a_graph_that_cannot_be_opened_says_why(enter, name, told):
    with pytest.raises(WorkflowNotLoaded, match=told):
        async with load(enter, "broken")[name].open({}):
            pass


def test_a_missing_module_of_an_installable_project_says_how_to_install_it(enter, write_project):
    folder = write_project(
        {
            "langgraph.json": '{"dependencies": ["."], "graphs": {"g": "./src/app/g.py:graph"}}',
            "src/app/__init__.py": "",
            "src/app/g.py": "from app.state import State",
            "pyproject.toml": "[project]\nname = 'app'\nversion = '1'\n",
        }
    )
    [loaded] = load_all(enter(folder))
    assert f"install the project first with `pip install -e {folder}`" in loaded.error


def test_a_file_that_imports_find_is_the_same_module_as_imported(enter, write_project):
    folder = write_project(
        {
            "langgraph.json": '{"dependencies": ["."], "graphs": {"g": "./pack_age/inner/g.py:graph"}}',
            "pack_age/__init__.py": "",
            "pack_age/inner/__init__.py": "from .g import build",
            "pack_age/inner/g.py": "from . import sibling\ndef build(): pass\ngraph = 1",
            "pack_age/inner/sibling.py": "",
        }
    )
    [loaded] = load_all(enter(folder))
    assert "'graph' is an int, not a graph" in loaded.error
    assert [name for name in sys.modules if name.endswith("inner.g")] == ["pack_age.inner.g"]


def test_two_files_of_one_name_are_two_modules(enter, write_project):
    text = "from langgraph.func import entrypoint\n@entrypoint()\ndef graph(x: int): return {}\n"
    folder = write_project(
        {
            "langgraph.json": (
                '{"dependencies": ["./one", "./two"], '
                '"graphs": {"one": "./one/same_name.py:graph", "two": "./two/same_name.py:graph"}}'
            ),
            "one/same_name.py": text,
            "two/same_name.py": text,
        }
    )
    one, two = load_all(enter(folder))
    assert isinstance(one.exported, Pregel)
    assert one.exported is not two.exported
    assert {"same_name", "two.same_name"} <= set(sys.modules)


def test_a_project_file_does_not_hide_an_installed_module(enter, write_project):
    folder = write_project(
        {
            "langgraph.json": '{"dependencies": ["."], "graphs": {"g": "./json.py:graph"}}',
            "json.py": "graph = 'mine'",
        }
    )
    [loaded] = load_all(enter(folder))
    assert "'graph' is a str, not a graph" in loaded.error
    assert "__json" in sys.modules
    assert hasattr(sys.modules["json"], "loads")


def test_a_module_that_fails_halfway_is_tried_anew(enter, write_project):
    folder = write_project(
        {
            "langgraph.json": '{"graphs": {"g": "./half way.py:graph"}}',
            "half way.py": "graph = 1\nraise RuntimeError('halfway')",
        }
    )
    project = enter(folder)
    [loaded] = load_all(project)
    assert "RuntimeError: halfway" in loaded.error
    assert not [name for name in sys.modules if "half_way" in name]


def test_flat_names_differ_where_paths_differ(tmp_path):
    files = ["a b.py", "a_b.py", "a/b.py", "../a.py", "a.b.py"]
    names = {make_flat_name(tmp_path / file, tmp_path) for file in files}
    assert len(names) == len(files)
    assert make_flat_name(tmp_path / "a" / "b.py", tmp_path) == "__a__b"
    assert all(name.isidentifier() for name in names)
