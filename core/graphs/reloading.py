"""
Notice that a project's files changed, for `--reload`.

Only says so: the worker then ends with a code of its own and its parent starts a fresh one, since
user modules cannot be imported anew within a process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from interlock.core.graphs.project import Project

SUFFIXES = (".py", ".json", ".toml", ".env", ".yaml", ".yml", ".txt", ".md", ".j2")
SKIPPED_FOLDERS = (".interlock", ".langgraph_api", "build", "dist", ".ruff_cache", ".tox")
DEBOUNCE_MS = 200  # editors write a file in several steps


async def watch(project: Project, stop: asyncio.Event) -> AsyncIterator[None]:
    """
    Yield each time files of the project changed, until `stop` is set.

    Args:
        project: Its import paths, langgraph.json and env file are watched.
        stop: Ends the watching.
    """
    changes = awatch(
        *_watched(project),
        watch_filter=SourceFilter(project),
        stop_event=stop,
        debounce=DEBOUNCE_MS,
        step=50,
        rust_timeout=500,  # how soon `stop` is seen
        yield_on_timeout=False,
    )
    async for _ in changes:
        yield


class SourceFilter(DefaultFilter):
    """Lets through what a workflow is made of, not what running it writes."""

    def __init__(self, project: Project) -> None:
        super().__init__(ignore_dirs=(*self.ignore_dirs, *SKIPPED_FOLDERS))
        self._named = {project.path, project.env if isinstance(project.env, Path) else None}

    def __call__(self, change: Change, path: str) -> bool:
        """Whether this change is one of the project's sources."""
        file = Path(path)
        if file in self._named:
            return True
        return (file.suffix in SUFFIXES or file.name.startswith(".env")) and super().__call__(
            change, path
        )


def _watched(project: Project) -> Iterable[Path]:
    folders = list(project.import_paths)
    # A file inside a watched folder need not be watched again.
    if isinstance(project.env, Path) and project.env.is_file():
        folders.append(project.env.parent.resolve())
    return [
        f
        for f in dict.fromkeys(folders)
        if not any(f != o and f.is_relative_to(o) for o in folders)
    ]
