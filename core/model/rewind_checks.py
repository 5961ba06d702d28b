"""Why a rewind is refused: typed, in a sentence that says what to do, and as the failure a caller gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from interlock.core.errors import Conflict, InterlockError, InvalidInput, NotFound
from interlock.core.model.branching import Tree
from interlock.core.model.rewinding import (
    INPUT_NODE,
    RUNS_AS_NODE,
    Intention,
    RewindVerb,
    Situation,
    is_end,
    node_of,
    writers_of,
)
from interlock.core.model.texts import join_words
from interlock.core.model.threads import CheckpointEntry


class Refusal(StrEnum):
    """Why something cannot be done."""

    THREAD_UNKNOWN = "thread_unknown"
    POINT_UNKNOWN = "point_unknown"
    POINT_UNREADABLE = "point_unreadable"
    GRAPH_UNKNOWN = "graph_unknown"
    RUN_IN_FLIGHT = "run_in_flight"
    HEAD_MOVED = "head_moved"
    NODE_NEEDED = "node_needed"
    NODE_UNKNOWN = "node_unknown"
    NOT_HERE = "not_here"


_LOST_RACES = frozenset({Refusal.RUN_IN_FLIGHT, Refusal.HEAD_MOVED})


@dataclass(frozen=True)
class Problem:
    """One reason why an intention cannot be carried out; `object_id` is what it is about."""

    refusal: Refusal
    message: str
    object_id: str = ""

    def as_error(self) -> InterlockError:
        """The failure to raise: not found, a lost race, or an input that is refused."""
        if self.refusal is Refusal.THREAD_UNKNOWN:
            return NotFound("thread", self.object_id)
        if self.refusal is Refusal.POINT_UNKNOWN:
            return NotFound("checkpoint", self.object_id, hint="It may have been pruned.")
        return Conflict(self.message) if self.refusal in _LOST_RACES else InvalidInput(self.message)


def find_problems(situation: Situation, intention: Intention) -> tuple[Problem, ...]:
    """Why an intention cannot be carried out as things stand; empty if it can."""
    tree = situation.tree
    point = tree.entries.get(intention.checkpoint_id)
    if not tree.entries:
        message = "Nothing is known of this thread."
        return (Problem(Refusal.THREAD_UNKNOWN, message, situation.thread_id),)
    if point is None:
        message = "This point is not there: it may have been pruned."
        return (Problem(Refusal.POINT_UNKNOWN, message, intention.checkpoint_id),)
    return (
        *_problems_with_thread(situation, intention),
        *_problems_with_place(situation, intention, point),
    )


def _problems_with_thread(situation: Situation, intention: Intention) -> Iterator[Problem]:
    """
    What stands against anything that is done to the thread now.

    A copy leaves it alone: of any point but the head one may be made while a run goes on.
    """
    if not situation.is_readable:
        message = "The state of this point cannot be read."
        yield Problem(Refusal.POINT_UNREADABLE, message, intention.checkpoint_id)
    if intention.verb is RewindVerb.COPY:
        if intention.checkpoint_id == situation.tree.head_id:  # its tasks' writes come and go
            yield from _problems_with_run(situation)
        return
    if not situation.is_graph_known:
        message = "No workflow is loaded that could run this thread: it can only be read or copied."
        yield Problem(Refusal.GRAPH_UNKNOWN, message)
    yield from _problems_with_run(situation)
    expected, head = intention.expected_head_id, situation.tree.head_id
    if expected is not None and expected != head:
        message = "The thread has moved since you looked at it: look again before you go on."
        yield Problem(Refusal.HEAD_MOVED, message, str(head))


def _problems_with_run(situation: Situation) -> Iterator[Problem]:
    if situation.open_run_id is not None:
        message = f"Run {situation.open_run_id} is going on here: cancel it or wait until it ends."
        yield Problem(Refusal.RUN_IN_FLIGHT, message, situation.open_run_id)


def _problems_with_node(
    situation: Situation, intention: Intention, point: CheckpointEntry
) -> Iterator[Problem]:
    """What is wrong with the node that an edit counts as, or that is skipped."""
    verb, node = intention.verb, intention.as_node
    if verb not in RUNS_AS_NODE:
        return
    if node is not None and "/" in node:
        outer = node.partition("/")[0]
        message = f"{node} is inside of {outer}: only {outer} as a whole can be named here."
        yield Problem(Refusal.NODE_UNKNOWN, message, node)
    elif node is not None and situation.nodes and node not in situation.nodes:
        yield Problem(Refusal.NODE_UNKNOWN, f"The workflow has no node {node}.", node)
    elif verb is RewindVerb.SKIP and node is not None and point.next and node not in point.next:
        message = f"{node} is not due here: {_list(point.next)} can be skipped."
        yield Problem(Refusal.NOT_HERE, message, node)
    elif node_of(situation, intention) is None:
        yield _ask_for_node(situation, intention, point)


def _ask_for_node(situation: Situation, intention: Intention, point: CheckpointEntry) -> Problem:
    is_skip = intention.verb is RewindVerb.SKIP
    choices = point.next if is_skip else writers_of(situation.tree, point)
    if not choices:
        what = "what is due here" if is_skip else "which node ran last before this point"
        message = f"It is not known {what}: name the node."
    else:
        word = "are due here" if is_skip else "ran just before this point"
        message = f"{_list(choices, 'and')} {word}: say which of them is meant."
    return Problem(Refusal.NODE_NEEDED, message)


def _problems_with_place(
    situation: Situation, intention: Intention, point: CheckpointEntry
) -> Iterator[Problem]:
    """What cannot be done at this point, whoever asks and whenever; else what is wrong with the node."""
    reason = _why_not_here(situation, intention, point)
    if reason:
        yield Problem(Refusal.NOT_HERE, reason, point.checkpoint_id)
    else:
        yield from _problems_with_node(situation, intention, point)


def _why_not_here(situation: Situation, intention: Intention, point: CheckpointEntry) -> str:
    tree, verb, has_ended = situation.tree, intention.verb, is_end(situation.tree, point)
    if verb is RewindVerb.GO_BACK:
        return _why_not_back(tree, point)
    if verb in RUNS_AS_NODE and point.next == (INPUT_NODE,):
        return "The input is taken in only after this point and would be lost: choose the next one."
    if verb is RewindVerb.REDECIDE:
        is_decided = any(d.checkpoint_id == point.checkpoint_id for d in situation.decisions)
        return "" if is_decided else "Nothing was decided at this point."
    if has_ended and verb is RewindVerb.STOP:
        return "The thread had ended here."
    if has_ended and verb in (RewindVerb.RERUN, RewindVerb.SKIP):
        return "The thread had ended here, so nothing is due: choose an earlier point."
    return ""


def _why_not_back(tree: Tree, point: CheckpointEntry) -> str:
    if tree.is_on_path(point.checkpoint_id):
        return "This point is on the current branch already: run again from it instead."
    if not tree.is_end(point.checkpoint_id):
        return "This is not the end of its branch: run again from it instead."
    return ""


def _list(nodes: tuple[str, ...], last: str = "or") -> str:
    return join_words(list(dict.fromkeys(nodes)), last=last)
