"""
One workflow described in a process of its own: user code runs in it, nothing is published or run.

    python -m interlock.core.worker.describing NAME FILE

The settings come from the environment, as a worker's do; what there is to say goes into FILE.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import fields
from datetime import datetime
from pathlib import Path

from interlock.core import ciphers
from interlock.core.clock import SystemClock
from interlock.core.errors import WorkflowNotLoaded
from interlock.core.graphs.entering import enter_project
from interlock.core.graphs.loading import LoadedGraph, load_one
from interlock.core.graphs.project import Project, read_project
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.stores import open_store
from interlock.core.graphs.workshop import Workshop
from interlock.core.model.workflows import Workflow
from interlock.core.settings import ENV_PREFIX, Settings
from interlock.core.types import Json
from interlock.core.worker import secrets

LONGEST_S = 120.0  # a project's imports are its own affair, up to here


def describe_apart(settings: Settings, name: str) -> Workflow:
    """
    Load one graph of the project in a child process and describe it.

    Raises:
        WorkflowNotLoaded: The child ended without an answer; what it said last is told.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-doctor-") as folder:
        file = Path(folder) / "card.json"
        command = [sys.executable, "-m", "interlock.core.worker.describing", name, str(file)]
        given = {"DATABASE": f"sqlite:///{folder}/app.db", "DATA_DIR": folder, "ATTACH": ""}
        if settings.config is not None:
            given["CONFIG"] = str(settings.config)
        environment = os.environ | {f"{ENV_PREFIX}{key}": value for key, value in given.items()}
        try:
            child = subprocess.run(
                command,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                timeout=LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise WorkflowNotLoaded(f"{name} was not loaded within {LONGEST_S:g} s.") from exc
        if not file.exists():
            last = child.stderr.strip().splitlines()[-1:] or [f"it ended with {child.returncode}"]
            raise WorkflowNotLoaded(f"{name} could not be loaded: {last[0]}")
        return _from_json(json.loads(file.read_text(encoding="utf-8")))


def main(name: str, file: Path) -> None:
    """Describe it here, with stores that are thrown away."""
    settings = Settings()
    project = read_project(settings.config)
    enter_project(project)
    keys = [key.get_secret_value() for key in settings.encryption_keys]
    secrets.open_variables(os.environ, ciphers.open_cipher(keys, settings.encryption_keys_file))
    graph = next(load_one(spec, project) for spec in project.graphs if spec.name == name)
    card = asyncio.run(_describe(settings, project, graph))
    file.write_text(json.dumps(_to_json(card)), encoding="utf-8")


async def _describe(settings: Settings, project: Project, graph: LoadedGraph) -> Workflow:
    async with open_savers(settings) as savers, open_store(settings) as store:
        workshop = Workshop(project, {graph.name: graph}, savers, store)
        (card,) = await workshop.describe_all(SystemClock().now())
        return card


def _to_json(card: Workflow) -> dict[str, Json]:
    return {field.name: getattr(card, field.name) for field in fields(card)} | {
        "graph": dict(card.graph),
        "published_at": card.published_at.isoformat(),
    }


def _from_json(document: dict[str, Json]) -> Workflow:
    return Workflow(
        **document
        | {
            "nodes": tuple(document["nodes"]),
            "channels": tuple(document["channels"]),
            "published_at": datetime.fromisoformat(document["published_at"]),
        }
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
