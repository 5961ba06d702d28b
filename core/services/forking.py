"""
What somebody wants to do with a point of a thread, checked as far as that can be done beforehand.

Nothing is written here. An edit is looked at once more by the worker, which has the project's types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model import approval_rules, json_values, payloads, schemas
from interlock.core.model.approvals import STANDING, Approval, Decision, Intent
from interlock.core.model.history import FieldEdit, PlannedAnswer
from interlock.core.model.rewinding import Intention, RewindVerb
from interlock.core.services.finding import find_card
from interlock.core.store import approvals, decisions, encoding, threads, workflows
from interlock.core.types import ApprovalId, CheckpointId, Json, ThreadId

MOST_CARDS = 1000  # of one thread
MAX_EDITS = 1000


@dataclass(frozen=True, kw_only=True)
class ForkRequest:
    """
    A verb at a point of a thread.

    `as_node`: the node that an edit counts as, or that is skipped; None where there is no choice.
    `intent` is the new decision of `redecide`, of the card `approval_id`; `new_thread_id` names the
    thread that `copy` makes, None leaves it to us. `stands`: what is due there waits to be told to run.
    """

    verb: RewindVerb
    checkpoint_id: CheckpointId
    as_node: str | None = None
    edits: tuple[FieldEdit, ...] = ()
    intent: Intent | None = None
    approval_id: ApprovalId | None = None
    new_thread_id: ThreadId | None = None
    stands: bool = False

    def intend(self, expected_head: CheckpointId | None = None) -> Intention:
        """What the rules know of it."""
        return Intention(
            verb=self.verb,
            checkpoint_id=self.checkpoint_id,
            as_node=self.as_node,
            expected_head_id=expected_head,
        )


def check(conn: Connection, thread_id: ThreadId, request: ForkRequest) -> None:
    """
    Look at what a request gives; what it leaves out is not missed here.

    Raises:
        NotFound: No such card.
        InvalidInput: An edit does not fit the state, an answer does not fit its question, or
            something is given that the verb has no use for.
    """
    _refuse_unused(request)
    if request.edits:
        check_edits(conn, thread_id, request.edits)
    if request.approval_id is not None:
        card = _find_decided(conn, thread_id, request)
        if request.intent is not None:
            _build(conn, card, request.intent)


def require_whole(request: ForkRequest) -> None:
    """
    See that a request has all that its verb needs.

    Raises:
        InvalidInput: Something is missing.
    """
    if request.verb is RewindVerb.EDIT and not request.edits:
        raise InvalidInput("Nothing is to be changed.", hint="Give at least one field a value.")
    if request.verb is RewindVerb.REDECIDE and (
        request.approval_id is None or request.intent is None
    ):
        raise InvalidInput("It takes a decision to change, and what is decided instead.")


def check_edits(conn: Connection, thread_id: ThreadId, edits: Sequence[FieldEdit]) -> None:
    """
    Compare new values of fields with the schema of the state, where there is one.

    Raises:
        InvalidInput: Some do not fit.
    """
    thread = threads.fetch(conn, thread_id)
    workflow = workflows.fetch(conn, thread.workflow) if thread is not None else None
    values = {edit.field: edit.value for edit in edits}
    problems: list[FieldProblem] = []
    if len(values) < len(edits) or len(edits) > MAX_EDITS:
        problems.append(FieldProblem("", "a field is named more than once"))
    problems += json_values.find_problems(values)
    if workflow is not None and not problems:
        problems += schemas.check_fields(values, workflow.state_schema)
        known = workflow.channels
        problems += [
            FieldProblem(name, f"is not a field of the state; the fields are {', '.join(known)}")
            for name in values
            if known and name not in known and name not in {p.path for p in problems}
        ]
    problems = problems or json_values.find_unstorable(values)
    if problems:
        raise InvalidInput("The edit does not fit the state:", problems=problems)


def plan_answers(
    conn: Connection, thread_id: ThreadId, request: ForkRequest
) -> tuple[PlannedAnswer, ...]:
    """
    What the questions of a point are answered with when they are asked anew.

    The decision that is changed gets its new answer, those that were taken beside it are kept.
    """
    if request.verb is not RewindVerb.REDECIDE or request.intent is None:
        return ()
    changed = _find_decided(conn, thread_id, request)
    _build(conn, changed, request.intent)
    planned: list[PlannedAnswer] = []
    seen: list[Approval] = []
    for card in fetch_asked_at(conn, thread_id, request.checkpoint_id):
        nth = sum(1 for other in seen if asks_the_same(other, card.node, card.payload))
        seen.append(card)
        intent = _kept(conn, card)
        if card.approval_id == changed.approval_id:
            intent = asdict(request.intent)
        if intent is not None:
            planned.append(
                PlannedAnswer(
                    node=card.node,
                    payload=card.payload,
                    intent=intent,
                    nth=nth,
                    is_kept=card.approval_id != changed.approval_id,
                )
            )
    return tuple(planned)


def fetch_asked_at(
    conn: Connection, thread_id: ThreadId, checkpoint_id: CheckpointId
) -> list[Approval]:
    """The cards of tasks that asked at a point, in the order in which they asked."""
    found = approvals.fetch_summaries(
        conn, statuses=(), thread_id=thread_id, limit=MOST_CARDS, newest_first=True
    )
    ids = [
        card.approval_id
        for card in found
        if card.checkpoint_id == checkpoint_id and card.kind not in STANDING
    ]
    return [find_card(conn, approval_id) for approval_id in sorted(ids)]


def newest_decision(conn: Connection, card: Approval) -> Decision | None:
    """What was decided on a card last, unless the graph refused it."""
    found = next(iter(decisions.fetch_for_approval(conn, card.approval_id)), None)
    return found if found is not None and found.refused is None else None


def _kept(conn: Connection, card: Approval) -> dict[str, Json] | None:
    """The answer itself: what was asked for cannot be told from it."""
    decision = newest_decision(conn, card)
    if decision is None:
        return None
    return {"verb": str(decision.verb), "answer": decision.answer, "reason": decision.reason}


def _find_decided(conn: Connection, thread_id: ThreadId, request: ForkRequest) -> Approval:
    assert request.approval_id is not None
    card = find_card(conn, request.approval_id)
    if card.thread_id != thread_id or card.checkpoint_id != request.checkpoint_id:
        raise InvalidInput(
            f"Card {card.approval_id} was not asked at this point.",
            hint=f"It was asked at {card.checkpoint_id} of thread {card.thread_id}.",
        )
    if card.kind in STANDING:
        raise InvalidInput(
            "What was decided here was how to go on, and no question of the graph's.",
            hint="Run again from here, edit the state, skip the node or stop the thread instead.",
        )
    if newest_decision(conn, card) is None:
        raise InvalidInput(f"Card {card.approval_id} was never decided.", hint="Decide it.")
    return card


def _build(conn: Connection, card: Approval, intent: Intent) -> Json:
    answers = approval_rules.answers_of(card, workflows.fetch_policy(conn, card.workflow))
    question = replace(payloads.question_of(card), answers=answers)
    return payloads.build_answer(question, intent)


def _refuse_unused(request: ForkRequest) -> None:
    verb = request.verb
    wrong = [
        what
        for what, is_given, belongs_to in (
            ("new values", bool(request.edits), verb is RewindVerb.EDIT),
            ("a node", request.as_node is not None, verb in (RewindVerb.EDIT, RewindVerb.SKIP)),
            ("a decision", request.intent is not None, verb is RewindVerb.REDECIDE),
            ("a card", request.approval_id is not None, verb is RewindVerb.REDECIDE),
            ("a new thread", request.new_thread_id is not None, verb is RewindVerb.COPY),
        )
        if is_given and not belongs_to
    ]
    if wrong:
        raise InvalidInput(f"{verb} does not take {wrong[0]}.")


def asks_the_same(card: Approval, node: str, payload: Json) -> bool:
    """Whether a card is the question of a node with this payload."""
    return card.node == node and encoding.are_same(card.payload, payload)
