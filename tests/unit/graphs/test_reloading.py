from __future__ import annotations

import asyncio

import pytest
from watchfiles import Change

from interlock.core.graphs.project import read_project
from interlock.core.graphs.reloading import SourceFilter, watch


@pytest.fixture
def project(write_project):
    folder = write_project(
        {
            "langgraph.json": '{"dependencies": ["."], "graphs": {"g": "./g.py:graph"}, "env": "my.vars"}',
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
        ("prompt.md", True),
        ("interlock.toml", True),
        (".interlock/app.db", False),
        (".interlock/notes.json", False),
        (".venv/lib/x.py", False),
        ("__pycache__/g.cpython-311.pyc", False),
        ("output.csv", False),
        (".git/config.toml", False),
    ],
)
def test_sources_are_told_from_what_running_writes(project, name, is_source):
    assert SourceFilter(project)(Change.modified, str(project.folder / name)) is is_source


async def test_a_changed_source_is_noticed_and_other_files_are_not(project):
    stop = asyncio.Event()
    changed = asyncio.Event()

    async def follow() -> None:
        async for _ in watch(project, stop):
            changed.set()

    task = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(30):
            number = 0
            while not changed.is_set():  # the watch begins some moments after the task
                number += 1
                (project.folder / "g.py").write_text(f"graph = {number}")
                await asyncio.wait([asyncio.create_task(changed.wait())], timeout=0.5)
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await task
