"""
The card of a node that failed: try again, change the state and try again, use its fallback, leave it
out, or stop.

An edit reaches the node that failed and leaves alone what finished beside it, with two exceptions,
which are said on the card: an approval for the old state, given or still asked for, must not act on
the new one, and LangGraph takes one update a step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.model.approvals import Kind, Verb
from interlock.core.model.questions import Question
from interlock.core.model.runs import FailureLine
from interlock.core.model.texts import one_line
from interlock.core.types import Json

_COST = "Editing the state starts this step from its beginning. Retry does not."
_NO_EDIT = "The state cannot be edited here: what is shown of it is that of the graph around."


@dataclass(frozen=True, kw_only=True)
class EditCost:
    """
    What an edit does beside changing the state.

    `is_second`: the state was edited at this place before. `asked` are titles of the questions,
    answered or not, of nodes that have not finished, the one that failed among them. `finished` are
    the nodes that finished beside it, `settled` titles of the questions of those.
    """

    is_second: bool = False
    asked: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def is_fresh_start(self) -> bool:
        """Whether an edit starts the whole step again."""
        return self.is_second or bool(self.asked)


def describe_failure(
    failure: FailureLine,
    node: str | None,
    *,
    attempt: int | None,
    due: Sequence[str],
    nodes: Collection[str] = (),
    cost: EditCost | None = None,
    has_fallback: bool = False,
) -> dict[str, Json]:
    """
    What is kept with the card, so that it can be read again.

    Args:
        failure: What went wrong.
        node: Path of the node that failed; None where no node did, as at the recursion limit.
        attempt: Which attempt was the last.
        due: The nodes that were due in the graph itself.
        nodes: Paths of all nodes that are known, those of subgraphs among them.
        cost: What an edit does beside changing the state.
        has_fallback: Whether the node's policy says what serves in its place.
    """
    cost = cost or EditCost()
    again = cost if cost.is_fresh_start else EditCost()
    around = next((each for each in due if node and node.startswith(f"{each}/")), None)
    return {
        "error": failure.type,
        "message": failure.message,
        "node": node,
        "attempt": attempt,
        "is_inside": around is not None and node not in due,
        "skips": node if around is None or node in nodes else around,
        "has_fallback": has_fallback and node is not None,
        "edit_starts_again": cost.is_fresh_start,
        "asked_again": [*again.asked, *again.settled],
        "runs_again": list(again.finished),
    }


def read_failure(payload: Mapping[str, Json], *, state_schema: Json) -> Question:
    """
    Make the question of a failed node from what `describe_failure` kept.

    Args:
        payload: As `describe_failure` made it.
        state_schema: JSON Schema of the state, or None.
    """
    node = payload.get("node")
    is_inside = payload.get("is_inside") is True
    error = one_line(str(payload.get("error") or "error"))
    verbs = [Verb.APPROVE]
    verbs += [] if is_inside else [Verb.EDIT]
    verbs += [Verb.FALLBACK] if payload.get("has_fallback") is True else []
    verbs += [Verb.SKIP] if node else []
    return Question(
        kind=Kind.FAILURE,
        title=one_line(f"Failed in {node}: {error}" if node else f"Failed: {error}"),
        text=str(payload.get("message") or ""),
        allowed=(*verbs, Verb.STOP),
        schema=state_schema,
        options=(),
        actions=(),
        is_list=False,
    )


@dataclass(frozen=True)
class Remark:
    """What is to be known before a decision: a sentence of ours, and lines with words of others."""

    text: str
    lines: tuple[str, ...] = ()


def read_remark(payload: Json) -> Remark | None:
    """What skip leaves out and what an edit costs, of what `describe_failure` kept, if it is odd."""
    if not isinstance(payload, dict):
        return None
    if payload.get("is_inside") is True:
        name = one_line(str(payload.get("skips")))
        whole = "" if payload.get("skips") == payload.get("node") else "the whole of "
        return Remark(f"Skip leaves out {whole}{name}. {_NO_EDIT}")
    if payload.get("edit_starts_again") is not True:
        return None
    again = [f"{name} runs again" for name in _words_at(payload, "runs_again")]
    asked = [f"It is asked again: {title}" for title in _words_at(payload, "asked_again")]
    return Remark(_COST, (*again, *asked))


def _words_at(payload: Mapping[str, Json], key: str) -> list[str]:
    found = payload.get(key)
    return [one_line(str(each)) for each in found] if isinstance(found, list) else []
