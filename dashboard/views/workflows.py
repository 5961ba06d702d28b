"""The workflows of the project: their list, and one of them with its graph, its policy and its schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.policies import WorkflowPolicy
from interlock.core.model.workflows import Workflow
from interlock.core.types import Json
from interlock.dashboard.palette import Look, Theme, Tone, ground
from interlock.dashboard.views import graph, policy_words
from interlock.dashboard.views.formatting import NOTHING, clip, format_ago, format_plural
from interlock.dashboard.views.graph import GraphView, Paint
from interlock.dashboard.views.node_links import hrefs_of
from interlock.dashboard.views.notices import Empty, Link

DESCRIPTION_LIMIT_COUNT = 140
NAMES_LIMIT_COUNT = 40
_LOADED = Look(Tone.QUIET, "loaded", ":material/check:")
_REFUSED = Look(Tone.FAILED, "not loaded", ":material/error:")
# The parts of a node's policy that its place in the picture names, in short.
_MARKS = ("cache", "rate", "breaker", "timeout", "retry", "fallback")
_EMPTY = "No workflow is published yet; the worker publishes them when it starts."


@dataclass(frozen=True)
class WorkflowRow:
    """One line of the list."""

    name: str
    look: Look
    nodes: str
    policy: str
    description: str


@dataclass(frozen=True)
class Rules:
    """What holds for a node, for one of its tools or for its cards: a sentence each."""

    about: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class ToolRow:
    """One tool of the workflow."""

    name: str
    place: str
    arguments: str


@dataclass(frozen=True, kw_only=True)
class WorkflowView:
    """One workflow, whole. `raw_policy` is one that cannot be put into words here."""

    name: str
    description: str
    error: str | None
    published: str
    links: tuple[Link, ...]
    graph: GraphView | None
    rules: tuple[Rules, ...]
    no_rules: str
    raw_policy: Json
    tools: tuple[ToolRow, ...]
    schemas: tuple[tuple[str, Json], ...]


@dataclass(frozen=True, kw_only=True)
class WorkflowsView:
    """The page."""

    rows: tuple[WorkflowRow, ...]
    empty: Empty | None
    chosen: WorkflowView | None

    @property
    def ids(self) -> list[str]:
        """What the rows are told apart by."""
        return [row.name for row in self.rows]


def build(
    workflows: Sequence[Workflow], *, chosen: str | None, theme: Theme, now: datetime
) -> WorkflowsView:
    """
    Put the page together.

    Args:
        workflows: All of them, by name.
        chosen: The name that the address has; the first where there is none of that name.
        theme: Light or dark.
        now: Aware UTC time.
    """
    found = next((w for w in workflows if w.name == chosen), workflows[0] if workflows else None)
    return WorkflowsView(
        rows=tuple(_row(workflow) for workflow in workflows),
        empty=None if workflows else Empty(_EMPTY),
        chosen=None if found is None else _view(found, theme, now),
    )


def _row(workflow: Workflow) -> WorkflowRow:
    return WorkflowRow(
        name=workflow.name,
        look=_LOADED if workflow.error is None else _REFUSED,
        nodes=NOTHING if workflow.error else str(len(workflow.nodes)),
        policy=_count(workflow.policy),
        description=clip(workflow.error or workflow.description, DESCRIPTION_LIMIT_COUNT),
    )


def _count(policy: Json) -> str:
    nodes = len(policy.get("node", {})) if isinstance(policy, dict) else 0
    if nodes:
        return format_plural(nodes, "node")
    return "yes" if policy else NOTHING


def _view(workflow: Workflow, theme: Theme, now: datetime) -> WorkflowView:
    policy = policy_words.read_policy(workflow.policy)
    known = policy or WorkflowPolicy()
    rules = tuple(each for each in _rules(workflow, known) if each.words)
    links = (
        *((Link("Launch", "launch", {"workflow": workflow.name}),) if not workflow.error else ()),
        Link("Its runs", "runs", {"workflow": workflow.name}),
        Link("Its figures", "figures", {"workflow": workflow.name}),
    )
    schemas = (
        ("Input", workflow.input_schema),
        ("Context", workflow.context_schema),
        ("State", workflow.state_schema),
    )
    return WorkflowView(
        name=workflow.name,
        description=workflow.description,
        error=workflow.error,
        published=f"published {format_ago(workflow.published_at, now)}",
        links=links,
        graph=graph.draw(
            workflow,
            _paints(known, theme),
            theme,
            unpainted="no policy",
            hrefs=hrefs_of(workflow),
        ),
        rules=rules,
        no_rules=_say_without(workflow, rules, policy),
        raw_policy=workflow.policy if policy is None else None,
        tools=tuple(_tool_rows(workflow.tools)),
        schemas=tuple((name, schema) for name, schema in schemas if schema is not None),
    )


def _rules(workflow: Workflow, policy: WorkflowPolicy) -> Iterator[Rules]:
    yield Rules("The workflow", policy_words.say_workflow(policy))
    # A node that no edge leads to is not drawn, and may have a policy all the same.
    for path in dict.fromkeys([*workflow.nodes, *policy.node, *policy.approval]):
        node = policy.node.get(path)
        if node is not None:
            yield Rules(path, policy_words.say_node(node))
            for name, tool in node.tool.items():
                yield Rules(f"{path}, tool {name}", policy_words.say_tool(tool))
        if path in policy.approval:
            yield Rules(f"Cards of {path}", policy_words.say_approval(policy.approval[path]))
    if policy.default is not None:
        yield Rules("All other nodes", policy_words.say_node(policy.default))


def _say_without(workflow: Workflow, rules: Sequence[Rules], policy: WorkflowPolicy | None) -> str:
    """Which nodes run as LangGraph runs them."""
    if policy is None or policy.default is not None:
        return ""
    if not rules:
        return "Nothing; every node runs as LangGraph runs it."
    free = [path for path in workflow.nodes if path not in policy.node]
    shown = ", ".join(free[:NAMES_LIMIT_COUNT])
    more = len(free) - NAMES_LIMIT_COUNT
    rest = f" and {more} more" if more > 0 else ""
    return f"As LangGraph runs them: {shown}{rest}." if free else ""


def _tool_rows(tools: Json) -> Iterator[ToolRow]:
    for path, found in (tools or {}).items():
        for name, schema in found.items():
            fields = schema.get("properties", {}) if isinstance(schema, dict) else None
            arguments = "cannot be described" if fields is None else ", ".join(fields) or "none"
            yield ToolRow(name, path or "the graph itself", arguments)


def _paints(policy: WorkflowPolicy, theme: Theme) -> Mapping[str, Paint]:
    grey = ground(theme)
    paints = {}
    for path, node in policy.node.items():
        marks = [mark for mark in _MARKS if getattr(node, mark)]
        if marks:
            paints[path] = Paint(
                fill=grey.panel,
                edge=grey.accent,
                ink=grey.text,
                notes=(", ".join(marks),),
                word=f"with {', '.join(marks)}",
            )
    return paints
