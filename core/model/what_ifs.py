"""
Rules of what-ifs: what may run on a copy, what stands in for the rest, and how two ways compare.

A node runs on a copy only if its policy says that it has no side effects, or if an operator vouches
for one of which nothing is said. For any other a value stands in: one that is given, else what it
wrote the last time after this point. Where there is none, the copy ends there and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model import json_values, schema_checks
from interlock.core.types import Json, ThreadId

SANDBOX = "what-if:"  # how the ids of copies begin
SIDES = ("a", "b")
INTERNAL = "__"  # nodes of LangGraph's own
_KEYS = frozenset({"value", "goto", "runs"})


def is_sandbox(thread_id: str) -> bool:
    """Whether a thread is a copy of a what-if, which no list, figure or card knows."""
    return thread_id.startswith(SANDBOX)


def sandbox_of(what_if_id: str, side: str) -> ThreadId:
    """The thread id of one side's copy."""
    return ThreadId(f"{SANDBOX}{what_if_id}:{side}")


class Treatment(StrEnum):
    """What becomes of a node on a copy: it runs, something stands in for it, or nobody knows yet."""

    RUNS = "runs"
    STANDS_IN = "stands_in"
    UNKNOWN = "unknown"


_TREATMENTS = {False: Treatment.RUNS, True: Treatment.STANDS_IN, None: Treatment.UNKNOWN}


def treat(
    nodes: Iterable[str], effects: Mapping[str, bool | None], *, graphs: Iterable[str] = ()
) -> dict[str, Treatment]:
    """
    What becomes of each node, by its policy.

    Args:
        nodes: The paths of a workflow's nodes.
        effects: What the policies say of side effects, by path (`rewinding.effects_of`).
        graphs: Paths of those that are graphs: what counts are the nodes in them.
    """
    known = list(nodes)
    around = {path for path in known if any(other.startswith(f"{path}/") for other in known)}
    left_out = around | set(graphs)
    return {
        path: _TREATMENTS[effects.get(path)]
        for path in known
        if path not in left_out and not path.rpartition("/")[2].startswith(INTERNAL)
    }


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """
    What an operator says of one node: that it may run, or what it writes instead.

    `goto` names the nodes that follow, for one that says so itself.
    """

    runs: bool = False
    value: Json = None
    goto: tuple[str, ...] = ()


def read_stand_ins(
    given: Mapping[str, Json], treatments: Mapping[str, Treatment], *, state_schema: Json = None
) -> dict[str, StandIn]:
    """
    Read what an operator says of nodes: `{"charge": {"value": {...}}, "review": {"runs": true}}`.

    Args:
        given: By path of the node.
        treatments: What becomes of each node by its policy.
        state_schema: What the fields of a value have to fit, where that is known.

    Raises:
        InvalidInput: It names what is not there, lets run what has side effects, or does not fit.
    """
    problems: list[FieldProblem] = []
    found = {
        path: _read_one(path, each, treatments, state_schema, problems)
        for path, each in given.items()
    }
    if problems:
        raise InvalidInput("What stands in for nodes cannot be used:", problems=problems)
    return found


def _read_one(
    path: str,
    given: Json,
    treatments: Mapping[str, Treatment],
    state_schema: Json,
    problems: list[FieldProblem],
) -> StandIn:
    def refuse(message: str) -> StandIn:
        problems.append(FieldProblem(path, message))
        return StandIn()

    if path not in treatments:
        return refuse("is no node of the workflow")
    if not isinstance(given, dict) or not given or set(given) - _KEYS:
        return refuse(
            'must be {"value": …}, with "goto" where it says what follows, or {"runs": true}'
        )
    goto = given.get("goto", [])
    if not isinstance(goto, list) or not all(isinstance(name, str) for name in goto):
        return refuse("goto must be a list of nodes")
    if "runs" in given:
        if given["runs"] is not True or len(given) > 1:
            return refuse("either runs or has a value")
        if treatments[path] is Treatment.STANDS_IN:
            return refuse("has side effects by its policy, so it never runs in a what-if")
        return StandIn(runs=True)
    value = given.get("value")
    wrong = json_values.find_problems(value) + json_values.find_cuts(value)
    if not wrong and isinstance(value, dict) and state_schema is not None:
        wrong = schema_checks.check_fields(value, state_schema)
    problems += [
        FieldProblem(".".join(part for part in (path, each.path) if part), each.message)
        for each in wrong
    ]
    return StandIn(value=value, goto=tuple(goto))


def find_runnable(
    treatments: Mapping[str, Treatment], stand_ins: Mapping[str, StandIn]
) -> frozenset[str]:
    """The nodes that run on a copy: a value that is given stands in for any other."""
    by_policy = {path for path, each in treatments.items() if each is Treatment.RUNS}
    vouched = {path for path, each in stand_ins.items() if each.runs}
    return frozenset((by_policy | vouched) - {p for p, e in stand_ins.items() if not e.runs})


class How(StrEnum):
    """How a step of a copy was made: the node ran, something stood in for it, or nothing could."""

    RAN = "ran"
    ASKED = "asked"
    FAILED = "failed"
    RECORDED = "recorded"
    GIVEN = "given"
    MISSING = "missing"


STOOD_IN = frozenset({How.RECORDED, How.GIVEN})


@dataclass(frozen=True, kw_only=True)
class PathStep:
    """One task on the way of a copy."""

    node: str
    how: How
    duration_ms: float | None = None
    error: str | None = None

    def as_json(self) -> dict[str, Json]:
        """The stored form."""
        return {
            "node": self.node,
            "how": str(self.how),
            "duration_ms": self.duration_ms,
            "error": self.error,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> PathStep:
        """Read the stored form."""
        return cls(**{**value, "how": How(value["how"])})


Pair = tuple[int | None, int | None]


def pair_ways(one: Sequence[str], other: Sequence[str]) -> tuple[Pair, ...]:
    """
    Lay two ways side by side: what both did in the same order stands in one row.

    Args:
        one: The nodes of one way, in order.
        other: The nodes of the other.

    Returns:
        Rows of indices; None where only the other way has the step.
    """
    rows: list[Pair] = []
    matcher = SequenceMatcher(a=one, b=other, autojunk=False)
    for tag, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        left, right = range(a_from, a_to), range(b_from, b_to)
        if tag == "equal":
            rows += zip(left, right, strict=True)
        else:
            rows += [(at, None) for at in left]
            rows += [(None, at) for at in right]
    return tuple(rows)
