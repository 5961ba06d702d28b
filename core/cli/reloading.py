"""--reload: the worker drains and asks to be started again when the project's files change."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable
from pathlib import Path

from watchfiles import Change, watch

from interlock.core.graphs import project

_ALSO = frozenset({"langgraph.json", "interlock.toml", "pyproject.toml", ".env"})
_NEVER = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages"})


class FileWatch:
    """Sends this process SIGTERM once when code or configuration of the project has changed."""

    def __init__(self, config: Path | None) -> None:
        found = project.read_project(config)
        self._config = found.path.resolve()
        self._env = found.env.resolve() if isinstance(found.env, Path) else None
        self._folders = [path for path in found.import_paths if path.is_dir()]
        self.has_changed = False
        threading.Thread(target=self._run, name="interlock-reload", daemon=True).start()

    def concerns(self, _change: Change, name: str) -> bool:
        """Whether this file is code or configuration; what workflows write is not."""
        path = Path(name)
        if _NEVER.intersection(path.parts):
            return False
        return path.suffix == ".py" or path.name in _ALSO or path in {self._config, self._env}

    def _run(self) -> None:
        changes: Iterable[object] = watch(
            *self._folders, watch_filter=self.concerns, raise_interrupt=False
        )
        for _ in changes:
            self.has_changed = True
            os.kill(os.getpid(), signal.SIGTERM)
            return
