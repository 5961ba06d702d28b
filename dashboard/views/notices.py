"""What a page has to say about itself, and what fills an empty place (law 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.model.workflows import WorkflowName

Weight = Literal["info", "warning", "error"]
PageName = Literal[
    "workflows",
    "overview",
    "inbox",
    "launch",
    "runs",
    "run",
    "batch",
    "figures",
    "report",
    "breakers",
    "alerts",
    "caches",
    "history",
    "what_if",
    "demonstration",
    "audit",
]

SHOWCASE = "refund_desk"  # the gallery's first workflow, offered by name where it is served


@dataclass(frozen=True)
class Notice:
    """A line on the page; `text` is ours alone, `detail` may hold foreign words and is drawn inert."""

    weight: Weight
    text: str
    detail: str = ""


@dataclass(frozen=True)
class Link:
    """A way to another page of ours, by name and parameters."""

    label: str
    page: PageName
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Empty:
    """What would fill an empty place, and the button that does it."""

    text: str
    link: Link | None = None


def find_launchable(workflows: Sequence[WorkflowName]) -> WorkflowName | None:
    """The workflow a newcomer is offered first: the showcase, else the first that loaded."""
    loaded = [w for w in workflows if w.error is None]
    return next((w for w in loaded if w.name == SHOWCASE), loaded[0] if loaded else None)


def offer_launch(text: str, workflows: Sequence[WorkflowName]) -> Empty:
    """An empty place that a launch would fill."""
    first = find_launchable(workflows)
    if first is None:
        return Empty(f"{text} No workflow is loaded yet; the worker publishes them when it starts.")
    link = Link(f"Launch {say_name(first.name)}", "launch", {"workflow": first.name})
    return Empty(text, link)


def say_name(name: str) -> str:
    """A workflow's name in a sentence: `the refund desk`."""
    return f"the {name.replace('_', ' ')}" if name.isidentifier() else name
