"""
Is a workflow fit to be run: does it end, within its limit; what does it do outside, weigh, and call?

From what a worker published of it and what its runs did so far; nothing is run for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from interlock.core.model.rewinding import effects_of
from interlock.core.model.ways import END, Ends, find_ends, read_ways
from interlock.core.model.workflows import Workflow
from interlock.core.types import Json

LARGE_STATE_BYTES = (
    1_000_000  # SQLite stores it whole with each step, Postgres each field that changed
)
NEAR_RATIO = 0.8  # of the recursion limit: a little more work, and the next run fails
MOST_NAMED = 20


class Verdict(StrEnum):
    """`note` is for a person to weigh; `wrong` makes `doctor` end with 1."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at: what was found in words, and as data for scripts."""

    name: str
    verdict: Verdict
    message: str
    found: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Extremes:
    """
    The worst of a workflow's newest threads; None and 0 where nothing ran yet.

    `most_steps` is what one run took, `limit_hits` how many of the newest failed runs ran into the limit.
    """

    threads_count: int = 0
    most_steps: int = 0
    most_steps_run_id: str | None = None
    limit_hits: int = 0
    largest_bytes: int = 0
    largest_thread_id: str | None = None
    largest_checkpoint_id: str | None = None


def check(workflow: Workflow, seen: Extremes, *, recursion_limit: int) -> list[Finding]:
    """
    Look at a workflow.

    Args:
        workflow: As published.
        seen: What its runs did.
        recursion_limit: The setting, which holds where the graph brings none.
    """
    if workflow.error is not None:
        return [Finding(name="loaded", verdict=Verdict.WRONG, message=workflow.error)]
    own = workflow.graph.get("recursion_limit")
    limit, whose = (own, "the graph's own") if own else (recursion_limit, "the setting's")
    ends = {
        path: None if ways is None else find_ends(ways)
        for path, ways in read_ways(workflow.graph.get("ways")).items()
    }
    return [
        _check_termination(ends),
        _check_limit(ends.get(""), seen, limit=limit, whose=whose),
        _check_effects(workflow),
        _check_size(seen),
        _check_tools(workflow),
    ]


def _check_termination(ends: Mapping[str, Ends | None]) -> Finding:
    name = "termination"
    if not ends:
        message = "Published by an older worker, which did not say where its nodes lead."
        return Finding(name=name, verdict=Verdict.NOTE, message=message)
    wrong = [s for path, end in ends.items() if end is not None for s in _say_wrong(path, end)]
    notes = [s for path, end in ends.items() for s in _say_notes(path, end)]
    verdict = Verdict.WRONG if wrong else Verdict.NOTE if notes else Verdict.OK
    loops = [s for path, end in ends.items() if end is not None for s in _say_loops(path, end)]
    told = wrong + notes + loops or ["Every way leads to an end, and none comes by a node twice."]
    return Finding(
        name=name,
        verdict=verdict,
        message=" ".join(told),
        found={path: None if end is None else _as_json(end) for path, end in ends.items()},
    )


def _say_wrong(path: str, ends: Ends) -> Iterator[str]:
    if ends.endless:
        yield (
            f"{_name(path, ends.endless)} always lead back to themselves: only an error or the"
            " recursion limit ends it."
        )
    trapped = [node for node in ends.trapped if node not in ends.endless]
    if trapped:
        yield f"From {_name(path, trapped)} no way leads to an end."


def _say_notes(path: str, ends: Ends | None) -> Iterator[str]:
    if ends is None:
        yield f"{path or 'It'} is a function: its ways stand in its code alone."
        return
    if ends.unreached:
        yield (
            f"Nothing declared leads to {_name(path, ends.unreached)}: a Command may, if its node"
            " does not say so by `Command[Literal[…]]` or `destinations`."
        )
    if ends.open_:
        yield (
            f"What {_name(path, ends.open_)} choose may be any node: the choice names no ends;"
            " a `path_map` or a return type `Literal[…]` would."
        )


def _say_loops(path: str, ends: Ends) -> Iterator[str]:
    for loop in ends.loops:
        if loop.left_at:
            left_at = _name(path, loop.left_at)
            yield f"A loop of {_name(path, loop.nodes)} is left at {left_at}, as is chosen there."


def _check_limit(ends: Ends | None, seen: Extremes, *, limit: int, whose: str) -> Finding:
    fewest = None if ends is None else ends.fewest_steps
    told = [f"{limit} supersteps a run, {whose}."]
    verdict = Verdict.OK
    if fewest is not None and fewest > limit:
        verdict = Verdict.WRONG
        told.append(f"The shortest way to an end takes {fewest}: no run can reach one.")
    if seen.limit_hits:
        verdict = Verdict.WRONG
        told.append(f"{seen.limit_hits} of the newest failed runs ran into it.")
    elif verdict is Verdict.OK and seen.most_steps >= limit * NEAR_RATIO:
        verdict = Verdict.NOTE
    if seen.most_steps:
        told.append(f"At most {seen.most_steps} were taken by one run so far.")
    if verdict is not Verdict.OK:
        told.append("Raise it by `recursion_limit` of the graph or of a launch, or by the setting.")
    return Finding(
        name="recursion limit",
        verdict=verdict,
        message=" ".join(told),
        found={
            "limit": limit,
            "fewest_steps": fewest,
            "most_steps": seen.most_steps or None,
            "most_steps_run_id": seen.most_steps_run_id,
            "limit_hits": seen.limit_hits,
        },
    )


def _check_effects(workflow: Workflow) -> Finding:
    graphs = {str(node["id"]) for node in workflow.graph["nodes"] if node.get("kind") == "subgraph"}
    graphs |= {path.rpartition("/")[0] for path in workflow.nodes}
    effects = effects_of(workflow.policy, workflow.nodes, graphs=graphs)
    nodes = [path for path in workflow.nodes if path not in graphs]
    marked = [path for path in nodes if effects.get(path) is True]
    unknown = [path for path in nodes if effects.get(path) is None]
    told = [f"With side effects: {_list(marked)}."]
    if unknown:
        told.append(
            f"Not marked: {_list(unknown)}. A rewind warns of them and cannot say whether they"
            " repeat something: set `side_effects` in interlock.toml."
        )
    return Finding(
        name="side effects",
        verdict=Verdict.NOTE if unknown else Verdict.OK,
        message=" ".join(told),
        found={
            "with": marked,
            "without": [path for path in nodes if effects.get(path) is False],
            "unknown": unknown,
        },
    )


def _check_size(seen: Extremes) -> Finding:
    is_large = seen.largest_bytes > LARGE_STATE_BYTES
    if not seen.largest_bytes:
        message = "Nothing of it has been stored yet."
    else:
        message = (
            f"The largest of the newest {seen.threads_count} threads: {seen.largest_bytes:,} bytes at"
            f" checkpoint {seen.largest_checkpoint_id} of {seen.largest_thread_id}."
        )
    if is_large:
        message += (
            " Each step stores what changed of it, and each look reads it whole: keep what is large"
            " elsewhere, and its key in the state."
        )
    return Finding(
        name="state size",
        verdict=Verdict.NOTE if is_large else Verdict.OK,
        message=message,
        found={
            "largest_bytes": seen.largest_bytes or None,
            "thread_id": seen.largest_thread_id,
            "checkpoint_id": seen.largest_checkpoint_id,
            "threads": seen.threads_count,
        },
    )


def _check_tools(workflow: Workflow) -> Finding:
    surfaces: Mapping[str, Mapping[str, Json]] = workflow.tools or {}
    tools: list[dict[str, Json]] = [
        {
            "graph": path,
            "tool": tool,
            "arguments": sorted((schema or {}).get("properties") or {}),
            "is_known": schema is not None,
        }
        for path, held in surfaces.items()
        for tool, schema in held.items()
    ]
    unknown = [str(tool["tool"]) for tool in tools if not tool["is_known"]]
    told = [
        f"{tool['graph'] or 'the graph'}: {tool['tool']}({', '.join(tool['arguments'])})."
        for tool in tools[:MOST_NAMED]
    ]
    if len(tools) > MOST_NAMED:
        told.append(f"And {len(tools) - MOST_NAMED} more.")
    if unknown:
        told.append(f"Nothing can be said of what {_list(unknown)} takes.")
    return Finding(
        name="tools",
        verdict=Verdict.NOTE if unknown else Verdict.OK,
        message=" ".join(told) or "No node calls tools that can be seen.",
        found={"tools": tools},
    )


def _as_json(ends: Ends) -> dict[str, Json]:
    return {
        "endless": list(ends.endless),
        "trapped": list(ends.trapped),
        "unreached": list(ends.unreached),
        "open": list(ends.open_),
        "loops": [{"nodes": list(p.nodes), "left_at": list(p.left_at)} for p in ends.loops],
        "fewest_steps": ends.fewest_steps,
    }


def _name(path: str, nodes: Sequence[str]) -> str:
    return _list([f"{path}/{node}" if path else node for node in nodes if node != END])


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return (", ".join(names[:MOST_NAMED]) or "none") + more
