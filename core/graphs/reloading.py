"""
Notice that a project's files changed, for `--reload`.

Only says so: the worker then ends with a code of its own and its parent starts a fresh one, since
user modules cannot be imported anew within a process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from interlock.core.errors import InvalidInput
from interlock.core.graphs.project import Project, read_project

# What workflows write (.md, .json, .txt, .csv) is not among these: a run would restart its worker.
SUFFIXES = frozenset({".py", ".toml", ".yaml", ".yml", ".j2", ".jinja", ".jinja2", ".env"})
SKIPPED_FOLDERS = frozenset(
    {
        *DefaultFilter.ignore_dirs,
        *(".interlock", ".langgraph_api", ".ruff_cache", ".tox", "build", "dist", "venv"),
    }
)
DEBOUNCE_MS = 200  # editors write a file in several steps

logger = logging.getLogger(__name__)


@asynccontextmanager
async def following(project: Project) -> AsyncIterator[asyncio.Event]:
    """
    Give an event that is set once files of the project changed and it can be loaded anew.

    A langgraph.json or an interlock.toml that cannot be read is told, and the project goes on as it was
    until it can.
    """
    changed, stop = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(_follow(project, changed, stop), name="reload")
    await asyncio.sleep(0)  # the watch begins here: what changes while the project is loaded counts
    try:
        yield changed
    finally:
        stop.set()
        await task


async def watch(project: Project, stop: asyncio.Event) -> AsyncIterator[None]:
    """
    Yield each time files of the project changed, until `stop` is set.

    Args:
        project: Its import paths, graphs, langgraph.json and env file are watched.
        stop: Ends the watching.
    """
    folders = _watched(project)
    changes = awatch(
        *folders,
        watch_filter=SourceFilter(project, folders),
        stop_event=stop,
        debounce=DEBOUNCE_MS,
        step=50,
        rust_timeout=500,  # how soon `stop` is seen
        yield_on_timeout=False,
    )
    async for _ in changes:
        yield


class SourceFilter:
    """Lets through what a workflow is made of, not what running it writes."""

    def __init__(self, project: Project, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._named = {project.path, project.env if isinstance(project.env, Path) else None}

    def __call__(self, change: Change, path: str) -> bool:  # noqa: ARG002 - watchfiles' signature
        """Whether this change is one of the project's sources."""
        file = Path(path)
        if file in self._named:
            return True
        if file.suffix not in SUFFIXES and not file.name.startswith(".env"):
            return False
        return any(
            not SKIPPED_FOLDERS & set(file.relative_to(folder).parts)
            for folder in self._folders
            if file.is_relative_to(folder)
        )


async def _follow(project: Project, changed: asyncio.Event, stop: asyncio.Event) -> None:
    try:
        async for _ in watch(project, stop):
            if _can_be_read(project):
                changed.set()
                return
    except Exception:  # the kernel allows so many watches; the worker works on without
        logger.exception("files_not_followed", extra={"path": str(project.folder)})


def _can_be_read(project: Project) -> bool:
    try:
        read = read_project(project.path)
    except InvalidInput as exc:
        problems = [f"{p.path}: {p.message}" for p in exc.problems]
        logger.warning("project_not_reloaded", extra={"reason": str(exc), "problems": problems})
        return False
    if read.policies.is_unreadable:
        logger.warning("project_not_reloaded", extra={"reason": read.policies.told[0]})
        return False
    return True


def _watched(project: Project) -> list[Path]:
    files = [project.folder / graph.module for graph in project.graphs if graph.is_file]
    files += [project.env] if isinstance(project.env, Path) else []
    folders = [*project.import_paths, *(f.resolve().parent for f in files)]
    # A folder inside a watched one need not be watched again.
    return [
        f
        for f in dict.fromkeys(folders)
        if f.is_dir() and not any(f != o and f.is_relative_to(o) for o in folders)
    ]
