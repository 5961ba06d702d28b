from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.graphs.entering import enter_project
from interlock.core.graphs.project import read_project

PROJECTS = Path(__file__).parents[2] / "projects"
ONE = {"g": "./g.py:graph"}


def write(tmp_path, config) -> Path:
    text = config if isinstance(config, str) else json.dumps(config)
    (tmp_path / "langgraph.json").write_text(text)
    return tmp_path


def refuse(tmp_path, config) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_project(write(tmp_path, config))
    return str(caught.value)


def test_names_with_spaces_and_descriptions_are_kept():
    project = read_project(PROJECTS / "every_export")
    names = {graph.name: graph for graph in project.graphs}
    assert names["a builder, with spaces"].target == "./exports.py:builder"
    assert names["compiled"].description == "A compiled graph"
    assert not names["by module name"].is_file


def test_a_key_that_stands_twice_is_told_with_the_file_and_the_key(tmp_path):
    twice = '{"graphs": {"g": "./old.py:graph", "g": "./new.py:graph"}, "env": {}}'
    project = read_project(write(tmp_path, twice))
    assert [graph.target for graph in project.graphs] == ["./new.py:graph"]
    (told,) = project.warnings
    assert told.startswith(f"{project.path} has the key 'g' 2 times")


def test_keys_without_effect_are_named():
    assert read_project(PROJECTS / "every_export").unused_keys == ("python_version", "http")


def test_keys_without_effect_within_sections_are_named(tmp_path):
    config = {
        "graphs": ONE,
        "store": {"index": None, "extra": 1},
        "checkpointer": {
            "ttl": {},
            "serde": {"pickle_fallback": True, "allowed_msgpack_modules": [["a.b", "C"]]},
        },
    }
    project = read_project(write(tmp_path, config))
    assert project.unused_keys == (
        "store.extra",
        "checkpointer.ttl",
        "checkpointer.serde.pickle_fallback",
    )
    assert project.allow_types == (("a.b", "C"),)


def test_no_path_reads_the_shipped_gallery():
    assert read_project(None).path.parts[-3:] == ("core", "gallery", "langgraph.json")


def test_a_file_that_is_not_there_is_told_with_the_option(tmp_path):
    with pytest.raises(InvalidInput, match=r"There is no file .*nowhere\.json.*--config"):
        read_project(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ('{"graphs": {\n  "g": }', "is not JSON: .* in line 2, column 8"),
        ("[]", "must hold a JSON object, not a list"),
        ({}, "graphs: must name at least one graph"),
        ({"graphs": {}}, "graphs: must name at least one graph"),
        ({"graphs": {"g": 3}}, r'graphs\.g: must be "path\.py:variable"'),
        ({"graphs": {"g": "g.py"}}, r"'g\.py' must be"),
        ({"graphs": {"g": "./g.ts:graph"}}, r"\./g\.ts is a JavaScript graph"),
        ({"graphs": {"g": "./g.py:a-b"}}, "'a-b' is not the name of a Python variable"),
        ({"graphs": {" ": "./g.py:a"}}, "a graph needs a name"),
        ({"graphs": ONE, "dependencies": "."}, "dependencies: must be a list"),
        ({"graphs": ONE, "env": 3}, "env: must be the path of an env file"),
        ({"graphs": ONE, "env": {"A": []}}, "env: must be the path of an env file"),
        ({"graphs": ONE, "store": []}, "store: must be an object, not a list"),
        ({"graphs": ONE, "checkpointer": True}, "checkpointer: must be an object, not true or"),
        (
            {"graphs": ONE, "checkpointer": {"serde": {"allowed_msgpack_modules": ["x"]}}},
            "allowed_msgpack_modules: must be a list of",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, config, told):
    with pytest.raises(InvalidInput, match=told):
        read_project(write(tmp_path, config))


def test_a_file_that_is_nested_too_deeply_is_refused_in_a_sentence(tmp_path):
    told = refuse(tmp_path, '{"graphs": ' + "[" * 100_000)

    assert told == f"{tmp_path / 'langgraph.json'} is nested too deeply."


def test_all_mistakes_are_told_at_once(tmp_path):
    text = refuse(tmp_path, {"graphs": {"a": 1, "b": "x"}, "dependencies": 1})
    assert "graphs.a" in text
    assert "graphs.b" in text
    assert "dependencies" in text


def test_missing_env_file_dependency_and_package_are_told_with_the_command():
    project = read_project(PROJECTS / "env_missing")
    folder = PROJECTS / "env_missing"
    nowhere, package, env = project.warnings
    assert f"../nowhere of langgraph.json is not a folder in {folder}" in nowhere
    assert "`pip install 'a-package-nobody-has>=2'`" in package
    assert f"`cp {folder}/.env.local.example {folder}/.env.local`" in env


def test_a_trust_in_everything_is_not_taken_over(tmp_path):
    config = {"graphs": ONE, "checkpointer": {"serde": {"allowed_msgpack_modules": True}}}
    project = read_project(write(tmp_path, config))
    assert project.allow_types == ()
    assert "only the project's own classes" in project.warnings[0]


def test_local_dependencies_go_on_the_import_path_after_the_project(tmp_path):
    (tmp_path / "libs" / "shared").mkdir(parents=True)
    config = {"graphs": ONE, "dependencies": [".", "./libs/shared", "pydantic"]}
    project = read_project(write(tmp_path, config))
    assert project.import_paths == (tmp_path.resolve(), (tmp_path / "libs/shared").resolve())
    assert project.warnings == ()


def test_variables_of_the_project_win_over_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SHARED", "outside")
    (tmp_path / ".env").write_text("SHARED=inside\nexport QUOTED='two words'\nEMPTY=\nBARE\n")
    enter_project(read_project(write(tmp_path, {"graphs": ONE, "env": ".env"})))
    assert os.environ["SHARED"] == "inside"
    assert os.environ["QUOTED"] == "two words"
    assert os.environ["EMPTY"] == ""
    assert "BARE" not in os.environ


def test_numbers_and_truths_become_text(tmp_path):
    config = {"graphs": ONE, "env": {"A": 1, "B": True, "C": "x"}}
    assert read_project(write(tmp_path, config)).env == {"A": "1", "B": "true", "C": "x"}


def test_a_project_cannot_turn_strictness_off(tmp_path):
    config = {"graphs": ONE, "env": {"LANGGRAPH_STRICT_MSGPACK": "false"}}
    enter_project(read_project(write(tmp_path, config)))
    assert os.environ["LANGGRAPH_STRICT_MSGPACK"] == "true"


def test_entering_appends_so_that_installed_packages_win(tmp_path):
    project = read_project(write(tmp_path, {"graphs": ONE}))
    enter_project(project)
    enter_project(project)
    assert sys.path[-1] == str(project.folder)
    assert sys.path.count(str(project.folder)) == 1


def test_packages_called_core_and_dashboard_are_the_projects_own():
    """In a process started in our own source folder, with `-m`, as a newcomer's `make run` does."""
    source = Path(__file__).parents[3]
    program = (
        "import asyncio\n"
        "from pathlib import Path\n"
        "from interlock.core.graphs.project import read_project\n"
        "from interlock.core.graphs.entering import enter_project\n"
        f"project = read_project(Path({str(PROJECTS / 'own_packages')!r}))\n"
        "enter_project(project)\n"
        "from interlock.core.graphs.loading import load_all\n"
        "[loaded] = load_all(project)\n"
        "assert loaded.error is None, loaded.error\n"
        "print(asyncio.run(loaded.exported.ainvoke({'text': ''}))['text'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = "the user's core, the user's dashboard, the user's core, core, core.graph"
    assert done.stdout.strip() == told
