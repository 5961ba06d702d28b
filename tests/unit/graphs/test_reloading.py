from __future__ import annotations

import asyncio
import logging

import pytest
from watchfiles import Change

from interlock.core.graphs import reloading
from interlock.core.graphs.project import read_project
from interlock.core.graphs.reloading import SourceFilter, following

CONFIG = '{"dependencies": ["."], "graphs": {"g": "./g.py:graph"}, "env": "my.vars"}'


@pytest.fixture
def project(write_project):
    folder = write_project(
        {
            "langgraph.json": CONFIG,
            "g.py": "graph = 1",
            "my.vars": "",
            ".interlock/app.db": "",
        }
    )
    return read_project(folder)


@pytest.mark.parametrize(
    ("name", "is_source"),
    [
        ("g.py", True),
        ("pack/deep.py", True),
        ("langgraph.json", True),
        ("my.vars", True),
        (".env", True),
        (".env.local", True),
        ("prompts.yaml", True),
        ("prompt.j2", True),
        ("interlock.toml", True),
        ("report.md", False),
        ("result.json", False),
        (".interlock/app.db", False),
        (".interlock/notes.py", False),
        (".venv/lib/x.py", False),
        ("venv/lib/x.py", False),
        ("__pycache__/g.cpython-311.pyc", False),
        ("output.csv", False),
        (".git/config.toml", False),
    ],
)
def test_sources_are_told_from_what_running_writes(project, name, is_source):
    is_let_through = SourceFilter(project, [project.folder])
    assert is_let_through(Change.modified, str(project.folder / name)) is is_source


def test_a_project_may_lie_in_a_folder_called_as_one_that_is_skipped(tmp_path):
    folder = tmp_path / "build" / "dist"
    folder.mkdir(parents=True)
    (folder / "langgraph.json").write_text(CONFIG)
    project = read_project(folder)
    is_let_through = SourceFilter(project, reloading._watched(project))
    assert is_let_through(Change.modified, str(project.folder / "g.py"))
    assert not is_let_through(Change.modified, str(project.folder / "build" / "g.py"))


def test_graphs_and_env_files_beyond_the_folder_are_watched_too(write_project):
    folder = write_project(
        {
            "app/langgraph.json": (
                '{"graphs": {"near": "./g.py:graph", "far": "../graphs/g.py:graph", '
                '"gone": "../nowhere/g.py:graph"}, "env": "../settings/my.vars"}'
            ),
            "app/g.py": "",
            "graphs/g.py": "",
            "settings/my.vars": "",
        }
    )
    watched = reloading._watched(read_project(folder / "app"))
    assert {str(f.relative_to(folder)) for f in watched} == {"app", "graphs", "settings"}


async def change_until(is_so, file, text):
    async with asyncio.timeout(30):
        number = 0
        while not is_so():  # the kernel may take some moments
            number += 1
            file.write_text(text.format(number))
            await asyncio.sleep(0.3)


async def test_a_changed_source_is_noticed(project):
    async with following(project) as changed:
        await change_until(changed.is_set, project.folder / "g.py", "graph = {}")


async def test_a_config_that_cannot_be_read_is_told_and_waited_for(project, caplog):
    async with following(project) as changed:
        await change_until(lambda: caplog.records, project.path, "{{ {}")
        assert not changed.is_set()
        await change_until(
            changed.is_set, project.path, CONFIG.replace("{", "{{").replace("}", "}}")
        )
    [record, *_] = caplog.records
    assert (record.msg, record.levelno) == ("project_not_reloaded", logging.WARNING)
    assert "is not JSON" in record.reason


async def test_policies_that_cannot_be_read_are_told_and_waited_for(project, caplog):
    policies = project.folder / "interlock.toml"
    async with following(project) as changed:
        await change_until(lambda: caplog.records, policies, "[workflow{}")
        assert not changed.is_set()
        await change_until(changed.is_set, policies, "[workflow.g]\npriority = {}")
    assert "is not TOML" in caplog.records[0].reason


async def test_files_that_cannot_be_watched_do_not_end_the_worker(project, caplog, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no more watches")

    monkeypatch.setattr(reloading, "awatch", refuse)
    async with following(project) as changed:
        await asyncio.sleep(0)
    assert not changed.is_set()
    assert [record.msg for record in caplog.records] == ["files_not_followed"]
