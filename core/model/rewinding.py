"""
What will happen if a thread goes on from one of its checkpoints in another way, told beforehand.

Certain is only what LangGraph does whatever the nodes do: which tasks it starts first. All else is
told as it was the last time. Rules only; `rewind_checks` says what is refused, `rewind_words` says
it in sentences.

Measured (LangGraph 1.2): going on from a point writes a copy of it as its child and runs every task
due there anew, finished siblings of the same step included, a subgraph from its own start; answers
given there are forgotten and asked for under new ids. From an end nothing runs. A state written as
a node makes due what follows that node alone, whatever was due beside it. A thread ends for certain
only if the end is written on a plain copy of the point (`__copy__`, then `__end__`): written on the
point itself it takes in what finished tasks had left there, and what follows them becomes due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.branching import Tree
from interlock.core.model.diffing import StateDiff
from interlock.core.model.folding import PLAIN
from interlock.core.model.nodes import NodeRun
from interlock.core.model.retracing import PastNode, count_nodes, find_runs_after
from interlock.core.model.threads import CheckpointEntry
from interlock.core.types import ApprovalId, CheckpointId, Json, RunId, ThreadId

INPUT_NODE = "__start__"  # LangGraph's task that takes an input in; it is no node of anybody's


class RewindVerb(StrEnum):
    """What an operator can do with a point; each but `copy` makes a fork of the thread."""

    RERUN = "rerun"
    EDIT = "edit"
    REDECIDE = "redecide"
    COPY = "copy"
    SKIP = "skip"
    STOP = "stop"
    GO_BACK = "go_back"


# What is due at the point runs again after these; after the next two LangGraph works out what is due.
RUNS_POINT = frozenset({RewindVerb.RERUN, RewindVerb.REDECIDE, RewindVerb.GO_BACK})
RUNS_AS_NODE = frozenset({RewindVerb.EDIT, RewindVerb.SKIP})
# These go on beneath the point; going back and stopping make a copy beside it, which ends there.
_BENEATH = frozenset({RewindVerb.RERUN, RewindVerb.REDECIDE}) | RUNS_AS_NODE
_BY_HAND = frozenset({"update", "fork"})  # LangGraph's sources of checkpoints that no step made


@dataclass(frozen=True, kw_only=True)
class PastDecision:
    """A decision of this thread: on what, asked at which point, who decided what and when."""

    approval_id: ApprovalId
    checkpoint_id: CheckpointId
    node: str
    title: str
    verb: str
    actor: str
    decided_at: datetime
    by_deadline: bool = False


@dataclass(frozen=True, kw_only=True)
class Situation:
    """
    Where a thread stands and what is known of it.

    `tree` has the rows of its index. `node_runs` are attempts of the thread, any and in any order,
    nested ones included. `side_effects` is what the policies say, by node path; a node that is not
    in it is unknown. `nodes` are the paths of all nodes, `subgraphs` of those that are graphs
    themselves, `remembering` of these with a memory of their own, `cached` of nodes that have a
    cache; empty where the graph is not known. `open_run_id` is a run that is queued or running,
    `pending` are the cards that wait. `is_readable`: the state of the point could be read.
    """

    thread_id: ThreadId
    tree: Tree
    node_runs: Sequence[NodeRun] = ()
    decisions: Sequence[PastDecision] = ()
    pending: Sequence[ApprovalSummary] = ()
    side_effects: Mapping[str, bool | None]
    nodes: Sequence[str] = ()
    subgraphs: Sequence[str] = ()
    cached: Collection[str] = ()
    remembering: Collection[str] = ()
    open_run_id: RunId | None = None
    is_graph_known: bool = True
    is_readable: bool = True


@dataclass(frozen=True, kw_only=True)
class Intention:
    """
    What is wanted: a verb at a point.

    `as_node`: the node that an edit counts as, or that is skipped; None is the only one that ran
    last, or that is due (`node_of`). `expected_head_id` is the head that the operator saw.
    `is_inner`: a point of a subgraph was chosen, within this one of the root.
    """

    verb: RewindVerb
    checkpoint_id: CheckpointId
    as_node: str | None = None
    expected_head_id: CheckpointId | None = None
    is_inner: bool = False


@dataclass(frozen=True, kw_only=True)
class Preview:
    """
    What is known beforehand of one intention; of a point that is not known, nothing.

    `certain` are the tasks that start first, one a task (a node due three times stands there three times), None
    where that cannot be told: `is_computed` if LangGraph works it out from what is written as `as_node`, else
    because the index does not know. `last_time` are the nodes that ran after the point, in the order in which they
    began. `effects` is what the policies say of both: `repeats` have side effects, of `may_repeat` that is unknown;
    graphs are left out of these, and `restarts` are those of them that start from their beginning. Of what is
    certain, `may_be_served` has a cache, and `remembering` are graphs with a memory of their own. `asked_again`
    were decided at the point or after it, `kept` before it; where a decision is changed, those of `asked_again`
    that are `answered` at once, with the new answer or the one they had, wait for nobody. `undone` were decided on
    the way that is left and are not asked again by themselves. `left_head_id` leads back to the branch that the
    head leaves. `difference` is from the head to the point. `is_cut`: there are older points that are not known.
    """

    intention: Intention
    point: CheckpointEntry | None
    as_node: str | None = None
    certain: tuple[str, ...] | None = ()
    is_computed: bool = False
    last_time: tuple[PastNode, ...] = ()
    effects: Mapping[str, bool | None] = field(default_factory=dict)
    repeats: tuple[str, ...] = ()
    may_repeat: tuple[str, ...] = ()
    restarts: tuple[str, ...] = ()
    may_be_served: tuple[str, ...] = ()
    remembering: tuple[str, ...] = ()
    asked_again: tuple[PastDecision, ...] = ()
    answered: Collection[str] = ()
    kept: tuple[PastDecision, ...] = ()
    undone: tuple[PastDecision, ...] = ()
    superseded: tuple[ApprovalSummary, ...] = ()
    left_branch: int | None = None
    left_head_id: CheckpointId | None = None
    difference: StateDiff | None = None
    open_run_id: RunId | None = None
    is_cut: bool = False

    @property
    def will_rerun(self) -> tuple[Json, ...]:
        """Node, times and side effects: first what is certain, then what ran after it the last time."""
        due = Counter(node for node in self.certain or () if node != INPUT_NODE)
        past = {node.path: node for node in self.last_time}
        return tuple(
            {
                "node": path,
                "times": past[path].times if path in past else due[path],
                "side_effects": self.effects[path],
            }
            for path in [*due, *(path for path in past if path not in due)]
        )


def preview(
    situation: Situation, intention: Intention, *, difference: StateDiff | None = None
) -> Preview:
    """
    Tell what an intention would do, whether or not it is possible.

    Args:
        situation: The thread.
        intention: What is wanted.
        difference: How the point's state differs from the head's, if they were compared.
    """
    tree, verb = situation.tree, intention.verb
    point = tree.entries.get(intention.checkpoint_id)
    if point is None:
        return Preview(intention=intention, point=None)
    runs = verb in RUNS_POINT | RUNS_AS_NODE
    certain = _find_certain(tree, point, verb)
    last_time = _find_last_time(situation, intention) if runs else ()
    paths = [*dict.fromkeys([*(certain or ()), *(node.path for node in last_time)])]
    plain = [p for p in paths if p != INPUT_NODE and p not in situation.subgraphs]
    effects = {path: situation.side_effects.get(path) for path in paths}
    is_left = verb is not RewindVerb.COPY and _is_left(tree, point, verb)
    head_id, decisions = tree.head_id if is_left else None, _sort_decisions(situation, intention)
    return Preview(
        intention=intention,
        point=point,
        as_node=node_of(situation, intention),
        certain=certain,
        is_computed=verb in RUNS_AS_NODE,
        last_time=last_time,
        effects=effects,
        repeats=tuple(path for path in plain if effects[path]),
        may_repeat=tuple(path for path in plain if effects[path] is None),
        restarts=_find_restarts(situation, intention, point),
        may_be_served=_keep(certain, situation.cached),
        remembering=_keep(certain, situation.remembering),
        **decisions,
        answered=_find_answered(situation, intention, decisions["asked_again"]),
        superseded=() if verb is RewindVerb.COPY else tuple(situation.pending),
        left_branch=tree.branch_of[head_id] if head_id is not None else None,
        left_head_id=head_id,
        difference=difference,
        open_run_id=situation.open_run_id,
        is_cut=bool(tree.missing),
    )


def is_end(tree: Tree, point: CheckpointEntry) -> bool:
    """Whether the thread had ended at a point, as far as the index knows what was due."""
    return not point.next and not _went_on(tree, point)


def node_of(situation: Situation, intention: Intention) -> str | None:
    """
    The node that an edit counts as, or that is skipped; None if it has to be said which.

    LangGraph must always be told: what it guesses is the node that saw the newest channel, which
    after a `Send` is the one that sent, and it would send again (measured).
    """
    tree, verb = situation.tree, intention.verb
    point = tree.entries.get(intention.checkpoint_id)
    if intention.as_node is not None or point is None or verb not in RUNS_AS_NODE:
        return intention.as_node
    if verb is RewindVerb.SKIP:
        choices = set(point.next)
    else:
        at_root = {node for node in situation.nodes if "/" not in node}
        choices = at_root if len(at_root) == 1 else set(writers_of(tree, point))
    return choices.pop() if len(choices) == 1 else None


def writers_of(tree: Tree, point: CheckpointEntry) -> tuple[str, ...]:
    """
    The nodes that ran last before a point, each once: as which of them an edit may count.

    Empty where that is not known, as after an edit.
    """
    parent_id = tree.parents[point.checkpoint_id]
    at, parent = point, tree.entries[parent_id] if parent_id is not None else None
    # A copy that a run made is the child of what it copies, one that a person made its sibling.
    while parent is not None and at.source == "fork" and at.step == parent.step + 1:
        above = tree.parents[parent.checkpoint_id]
        at, parent = parent, tree.entries[above] if above is not None else None
    if parent is None or at.source not in (PLAIN, "fork"):
        return ()
    return tuple(dict.fromkeys(node for node in parent.next if node != INPUT_NODE))


def effects_of(
    policy: Json, nodes: Sequence[str] = (), *, graphs: Collection[str] = ()
) -> dict[str, bool | None]:
    """
    What a workflow's policy says of side effects, by node path.

    Args:
        policy: As the workflow has it published. A node has them if one of its tools has.
        nodes: The paths of its nodes: its `default` holds for those that it does not name.
        graphs: Paths of those that are graphs, which it does not hold for.
    """
    if not isinstance(policy, Mapping):
        return {}
    named: Mapping[str, Json] = policy.get("node") or {}
    found = {path: _effects(node) for path, node in named.items()}
    if (default := policy.get("default")) is None:
        return found
    around = {path.rpartition("/")[0] for path in nodes}.union(graphs)
    others = [path for path in nodes if path not in found and path not in around]
    return found | dict.fromkeys(others, _effects(default))


def _effects(node: Mapping[str, Json]) -> bool | None:
    tools = [tool.get("side_effects") for tool in (node.get("tool") or {}).values()]
    own: bool | None = node.get("side_effects")
    return True if True in tools else own


def _went_on(tree: Tree, point: CheckpointEntry) -> bool:
    children = tree.children.get(point.checkpoint_id, ())
    return any(tree.entries[child].source == PLAIN for child in children)


def _find_certain(tree: Tree, point: CheckpointEntry, verb: RewindVerb) -> tuple[str, ...] | None:
    if verb in RUNS_AS_NODE:
        return None
    if verb not in RUNS_POINT:
        return ()
    is_unknown = not point.next and _went_on(tree, point)
    return None if is_unknown else point.next


def _find_last_time(situation: Situation, intention: Intention) -> tuple[PastNode, ...]:
    tree, start = situation.tree, intention.checkpoint_id
    if intention.verb is RewindVerb.SKIP:  # whatever is due beside the skipped node goes with it
        steps = [p for p in tree.path_after(start) if tree.entries[p].source == PLAIN]
        if not steps:
            return ()
        start = steps[0]
    found = find_runs_after(tree, start, situation.node_runs)
    return count_nodes(found, situation.side_effects)


def _find_restarts(
    situation: Situation, intention: Intention, point: CheckpointEntry
) -> tuple[str, ...]:
    if intention.verb not in RUNS_POINT:
        return ()
    return tuple(dict.fromkeys(node for node in point.next if node in situation.subgraphs))


def _keep(due: Sequence[str] | None, kind: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(node for node in due or () if node in kind))


def cached_of(policy: Json, nodes: Sequence[str]) -> frozenset[str]:
    """The paths of nodes that a workflow's policy, as it has it published, lets a cache serve."""
    if not isinstance(policy, Mapping):
        return frozenset()
    named: Mapping[str, Json] = policy.get("node") or {}
    default: Mapping[str, Json] = policy.get("default") or {}
    around = {path.rpartition("/")[0] for path in nodes}  # graphs, which it does not hold for
    rules = {path: named.get(path, {} if path in around else default) for path in nodes}
    return frozenset(path for path, told in rules.items() if told.get("cache") is not None)


def _is_left(tree: Tree, point: CheckpointEntry, verb: RewindVerb) -> bool:
    """
    Whether the head's branch is left: not if the thread goes on beneath its head.

    LangGraph runs a head that was written by hand in place, so that its questions would keep their
    ids: such a head is copied beside itself first.
    """
    if point.checkpoint_id != tree.head_id or verb not in _BENEATH:
        return True
    return verb not in RUNS_AS_NODE and point.source in _BY_HAND


def _sort_decisions(
    situation: Situation, intention: Intention
) -> dict[str, tuple[PastDecision, ...]]:
    """Which decisions hold on, which are asked again, which hold no longer."""
    tree, verb, point = situation.tree, intention.verb, intention.checkpoint_id
    way = (*tree.path_to(point), *tree.path_after(point))
    before = set(tree.path_to(point)[:-1])
    after = {point, *tree.path_after(point)}
    oldest = way[0]
    replaced = _find_replaced(situation, way)
    runs_on = verb in RUNS_POINT | RUNS_AS_NODE
    kept, asked, undone = [], [], []
    for decision in sorted(situation.decisions, key=lambda d: (d.decided_at, d.approval_id)):
        at = decision.checkpoint_id
        if decision.approval_id in replaced:
            continue
        is_older = at not in tree.entries and at < oldest
        is_skipped = verb is RewindVerb.SKIP and at == point
        if at in before or is_older:
            kept.append(decision)
        elif runs_on and at in after and not is_skipped:
            asked.append(decision)
        elif verb is not RewindVerb.COPY and (at == point or tree.is_on_path(at)):
            undone.append(decision)
    return {"asked_again": tuple(asked), "kept": tuple(kept), "undone": tuple(undone)}


def _find_answered(known: Situation, want: Intention, asked: Sequence[PastDecision]) -> set[str]:
    """Those of the asked whose questions a changed decision answers, as `plan_answers` does."""
    here = [d for d in known.decisions if d.checkpoint_id == want.checkpoint_id]
    left = Counter((d.node, d.title) for d in here if want.verb is RewindVerb.REDECIDE)
    found = set[str]()
    for decision in asked:
        left[decision.node, decision.title] -= 1
        if left[decision.node, decision.title] >= 0:
            found.add(decision.approval_id)
    return found


def _find_replaced(situation: Situation, way: Sequence[CheckpointId]) -> set[ApprovalId]:
    """Decisions that were changed: their question was asked anew, and decided, at a copy of its point."""
    entries = situation.tree.entries
    taken: dict[CheckpointId, list[PastDecision]] = {}
    for decision in situation.decisions:
        taken.setdefault(decision.checkpoint_id, []).append(decision)
    found: set[ApprovalId] = set()
    for point, copy in pairwise(way):
        is_copy = entries[copy].source == "fork" and entries[copy].step == entries[point].step + 1
        again = Counter((d.node, d.title) for d in taken.get(copy, ()) if is_copy)
        for decision in taken.get(point, ()):
            if again[decision.node, decision.title]:
                again[decision.node, decision.title] -= 1
                found.add(decision.approval_id)
    return found
