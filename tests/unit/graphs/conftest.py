"""Projects to load, and a process that is as it was after each test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interlock.core.graphs.entering import enter_project
from interlock.core.graphs.project import Project, read_project

PROJECTS = Path(__file__).parents[2] / "projects"


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """Take back what entering a project and importing its modules changed."""
    path, modules, environment = list(sys.path), set(sys.modules), dict(os.environ)
    yield
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(environment)
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if "site-packages" not in file and "interlock" not in name:
            del sys.modules[name]


@pytest.fixture
def enter() -> Callable[[str | Path], Project]:
    """Read and enter a project: one of tests/projects by name, or any folder."""

    def enter_one(name: str | Path) -> Project:
        project = read_project(PROJECTS / name)
        enter_project(project)
        return project

    return enter_one


@pytest.fixture
def write_project(tmp_path) -> Callable[..., Path]:
    """Write the files of a project, given as {"path": "text"}, and give its folder."""

    def write(files: dict[str, str]) -> Path:
        folder = tmp_path / "project"
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return folder

    return write
