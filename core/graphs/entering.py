"""
Make this process the project's: its folders on the import path, its variables in the environment.

Done once, by the worker, before any user code is imported. As `langgraph dev` does:
folders are appended, so installed packages win over them, and the project's variables win over
those already in the environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from interlock.core.graphs.project import Project

STRICT_VARIABLE = "LANGGRAPH_STRICT_MSGPACK"
SOURCE_ROOT = Path(__file__).resolve().parents[2]


def enter_project(project: Project) -> None:
    """Set the import path and the environment for this project's code; safe to call again."""
    _drop_own_root(project)
    for folder in project.import_paths:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    os.environ.update(read_env(project))
    os.environ[STRICT_VARIABLE] = "true"  # whatever the project's variables say (law 9)


def read_env(project: Project) -> Mapping[str, str]:
    """The variables the project sets; none where its env file is missing (`warnings` says so)."""
    if isinstance(project.env, Path):
        values = dotenv_values(project.env) if project.env.is_file() else {}
        return {name: value for name, value in values.items() if value is not None}
    return project.env


def _drop_own_root(project: Project) -> None:
    # `python -m` puts the working folder first: from a clone of ours, `import core` in a project
    # with a package of that name would find our folder instead of the project's.
    if SOURCE_ROOT in project.import_paths:
        return
    sys.path[:] = [entry for entry in sys.path if Path(entry or os.curdir).resolve() != SOURCE_ROOT]
