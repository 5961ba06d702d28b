"""A workflow as a worker publishes it, of which a test names only what it is about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from interlock.core.model.workflows import Workflow

BLANK: dict[str, Any] = {
    "description": "",
    "nodes": ("review",),
    "graph": {"nodes": [], "edges": []},
    "input_schema": None,
    "context_schema": None,
    "state_schema": None,
    "channels": (),
    "error": None,
}


def published(name: str, *, at: datetime, **said: Any) -> Workflow:
    """A workflow of this name, published at a time."""
    return Workflow(name=name, published_at=at, **(BLANK | said))
