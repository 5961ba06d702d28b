"""
What a job does when it is handed to a worker: law 4 as a pure function.

A job may be delivered again after its worker died. Then the thread's head tells how far the run
came: what it did is not done again, an answer that was consumed is not sent again, and a question
that is open is not walked past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from interlock.core.model.history import Fork
from interlock.core.model.runs import RunKind
from interlock.core.types import CheckpointId, Json, RunId

MAX_DEATHS_AT_ONE_PLACE = 3  # law 4: after that the job "kills its worker"
HANDED_OVER = ""  # the note of a job whose worker stopped in good order
ANSWERED_THERE = "Another application has answered it meanwhile."
MOVED_THERE = "Another application has gone on with the thread meanwhile."


@dataclass(frozen=True, kw_only=True)
class LiveInterrupt:
    """
    A question of the head checkpoint.

    `namespace` is LangGraph's of the asking task. `is_answered`: the answer is stored with the
    head, so that the task failed after it; sending it again would answer its next question.
    """

    interrupt_id: str
    value: Json
    schema: Json
    node: str
    namespace: str
    is_answered: bool


@dataclass(frozen=True, kw_only=True)
class Head:
    """
    A thread's newest checkpoint.

    `due` are the nodes of all its tasks, `next` those of the unfinished ones: a worker may die
    between the last task's end and the checkpoint that takes it in, and then the thread is not
    finished although nothing of it is left to run. `has_failed`: a task of it ended in an error.
    `is_copy`: it is a copy of another checkpoint, from which its tasks start again. `is_update`: it
    was written by hand, as a node.
    `has_unfinished`: a task of it neither finished, nor failed, nor waits for an answer.
    `is_untouched`: no task of it left a trace. `is_at_breakpoint`: and a breakpoint applies here.
    A thread may stand inside subgraphs while this checkpoint stays: then `next` are paths inside
    them, `inner_ids` their checkpoints, `inner_run_ids` the runs that brought them there, and the
    last two flags speak of their tasks.
    """

    checkpoint_id: CheckpointId
    run_id: RunId | None
    due: tuple[str, ...]
    next: tuple[str, ...]
    interrupts: tuple[LiveInterrupt, ...] = ()
    has_failed: bool = False
    has_unfinished: bool = False
    is_untouched: bool = False
    is_at_breakpoint: bool = False
    is_copy: bool = False
    is_update: bool = False
    inner_ids: frozenset[CheckpointId] = frozenset()
    inner_run_ids: frozenset[RunId] = frozenset()

    def differs(self, other: Head) -> bool:
        """Whether another head stands elsewhere, be it within the same checkpoint."""
        return (self.checkpoint_id, self.inner_ids) != (other.checkpoint_id, other.inner_ids)

    @property
    def open_ids(self) -> frozenset[str]:
        """Ids of the questions that still wait for an answer."""
        return frozenset(i.interrupt_id for i in self.interrupts if not i.is_answered)


class Step(StrEnum):
    """What the worker does next with the graph."""

    SEND_INPUT = "send_input"
    SEND_ANSWERS = "send_answers"
    GO_ON = "go_on"
    PROCEED = "proceed"
    FORK = "fork"
    COPY = "copy"
    RECORD = "record"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Plan:
    """One step, the answers it sends by interrupt id, and why it is refused."""

    step: Step
    answers: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """
    What is known when a job is handed out.

    Args:
        kind: What the run sends; of a retry, what the run at the start of its chain sent.
        is_first: Handed out for the first time, and not a retry; of answers on a shared thread: or
            before without anything of it having run.
        is_retry: The run retries another.
        own_run_ids: This run and, for a retry, the runs it retries.
        answers: Decided answers that no earlier delivery is known to have handed over, by
            interrupt id.
        card_checkpoint_id: For `proceed`: where the card was drawn.
        is_after_failure: For `proceed`: the card was a failed node's, not a breakpoint's.
        head: None while the thread has no checkpoint.
        fork: For `rewind` and `copy`: what is done to the thread.
        is_shared: Another application may move the thread, too.
        places: Where the run may begin then: at the cards it answers, or where the run ended that
            it retries; nothing if that is not known.
    """

    kind: RunKind
    is_first: bool
    is_retry: bool
    own_run_ids: frozenset[RunId]
    answers: Mapping[str, Json]
    card_checkpoint_id: CheckpointId | None
    head: Head | None
    is_after_failure: bool = False
    fork: Fork | None = None
    is_shared: bool = False
    places: frozenset[CheckpointId] = frozenset()
    has_begun: bool = False


def plan_delivery(delivery: Delivery) -> Plan:
    """
    Decide what to do with a run.

    Source: DESIGN.md laws 2 and 4; LangGraph keeps a finished task's writes, a failed task's
    answer, and loses an answer whose task was killed (measured).
    """
    head = delivery.head
    if (reason := _find_mover(delivery)) is not None:
        return Plan(Step.REFUSE, reason=reason)
    if delivery.kind is RunKind.PROCEED:
        return _plan_proceed(delivery)
    if delivery.kind is RunKind.COPY and (plan := _plan_copy(delivery)) is not None:
        return plan
    is_ours = head is not None and head.run_id in delivery.own_run_ids
    if delivery.kind is RunKind.START and (delivery.is_first or not is_ours):
        return Plan(Step.SEND_INPUT)
    if head is None:
        return Plan(Step.REFUSE, reason="The thread has no checkpoint to go on from.")
    if delivery.kind is RunKind.REWIND and (plan := _plan_fork(delivery, head)) is not None:
        return plan
    pending = {i: a for i, a in delivery.answers.items() if i in head.open_ids}
    if pending:
        return Plan(Step.SEND_ANSWERS, answers=pending)
    is_resume = delivery.kind is RunKind.RESUME and delivery.is_first
    if delivery.is_shared and is_resume and not is_ours:
        return Plan(Step.REFUSE, reason=ANSWERED_THERE)
    return _plan_rest(delivery, head)


def _find_mover(delivery: Delivery) -> str | None:
    """
    Why a run is refused of whose thread another application has made more meanwhile.

    It may still be at work there, and whatever is due would run twice. Asked at every delivery: a
    job is handed out again without ever having run, as when its workflow was held.
    """
    head = delivery.head
    if head is None or not delivery.is_shared or head.run_id in delivery.own_run_ids:
        return None
    if delivery.kind is RunKind.START and delivery.has_begun:
        return MOVED_THERE  # the thread has its input, and what was made of it
    if not delivery.places or head.checkpoint_id in delivery.places:
        return None
    if delivery.is_retry:
        return MOVED_THERE
    return ANSWERED_THERE if delivery.kind is RunKind.RESUME else None


def _plan_proceed(delivery: Delivery) -> Plan:
    head = delivery.head
    if head is None:
        return Plan(Step.REFUSE, reason="The thread has no checkpoint to go on from.")
    if delivery.is_after_failure and _is_to_be_mended(delivery, head):
        return Plan(Step.PROCEED)
    if head.checkpoint_id == delivery.card_checkpoint_id:
        has_moved_inside = bool(head.inner_run_ids & delivery.own_run_ids)
        is_due = head.is_untouched and not has_moved_inside
        if is_due and not delivery.is_after_failure:
            return Plan(Step.PROCEED)
        return _plan_rest(delivery, head)
    if head.run_id not in delivery.own_run_ids and not delivery.is_retry:
        return Plan(Step.REFUSE, reason="The thread has moved on since the card was drawn.")
    return _plan_rest(delivery, head)


def _plan_fork(delivery: Delivery, head: Head) -> Plan | None:
    """
    What a rewind does that has not begun to run anything; None once it has.

    It goes past a breakpoint where it begins, as whatever a person sends on does.
    """
    fork = delivery.fork
    if head.run_id not in delivery.own_run_ids:
        if fork is not None and head.checkpoint_id == fork.left_id:
            return Plan(Step.FORK)
        return Plan(Step.REFUSE, reason="The thread has moved on since it was set back.")
    is_made = head.is_copy or head.is_update
    has_begun = not head.is_untouched or bool(head.inner_run_ids & delivery.own_run_ids)
    return Plan(Step.FORK) if is_made and head.due and not has_begun else None


def _plan_copy(delivery: Delivery) -> Plan | None:
    """
    A copy stands where the other thread stood; None for a retry, which goes on from there.

    What is due there runs once somebody says so.
    """
    head, fork = delivery.head, delivery.fork
    if fork is None:
        return Plan(Step.REFUSE, reason="It is not known what was to be copied.")
    is_other = head is not None and head.checkpoint_id != fork.target_id
    if delivery.is_first and is_other:
        return Plan(Step.REFUSE, reason="Under this id there are checkpoints of something else.")
    if head is None or head.checkpoint_id < fork.target_id:
        return Plan(Step.COPY)
    return None if delivery.is_retry else Plan(Step.RECORD)


def _is_to_be_mended(delivery: Delivery, head: Head) -> bool:
    """
    Whether what was decided on a failed node is still to be done; done twice it does nothing more.

    A copy that an edit starts from is made before the edit is: one without a trace waits for it.
    """
    if head.checkpoint_id != delivery.card_checkpoint_id:
        is_own_copy = head.is_copy and head.run_id in delivery.own_run_ids
        return is_own_copy and head.is_untouched
    asks = bool(head.open_ids) and not head.has_unfinished
    if head.has_failed or delivery.is_first:
        return bool(head.due) and (head.has_failed or not asks)
    return head.is_untouched and not head.inner_run_ids & delivery.own_run_ids


def _plan_rest(delivery: Delivery, head: Head) -> Plan:
    if not head.due:
        return Plan(Step.RECORD)
    if head.has_failed:
        # Only a retry runs a failed node again; any other delivery records what it finds.
        return Plan(Step.GO_ON) if delivery.is_retry else Plan(Step.RECORD)
    if head.is_at_breakpoint or (head.open_ids and not head.has_unfinished):
        return Plan(Step.RECORD)
    return Plan(Step.GO_ON)


@dataclass(frozen=True)
class Tries:
    """How often a job was handed out at one place, this time included, and the note to keep."""

    count: int
    note: str

    @property
    def are_too_many(self) -> bool:
        """Whether so many workers died at this place that it is not tried again."""
        return self.count > MAX_DEATHS_AT_ONE_PLACE

    @property
    def are_hopeless(self) -> bool:
        """Whether a worker died even of reading how far the run came."""
        return self.count > MAX_DEATHS_AT_ONE_PLACE + 1


def count_tries(progress: str | None, place: CheckpointId | None) -> Tries:
    """
    Count the deliveries of a job at one place, for a job that is handed out again.

    Args:
        progress: The note of the delivery before; None if that was the first, empty if it was
            handed over in good order.
        place: The thread's newest checkpoint now: where the delivery before came to its end.
    """
    here = place or "-"
    if progress == HANDED_OVER:
        return _tries(here, 1)
    known, _, count = (progress or "").rpartition(":")
    return _tries(here, int(count) + 1 if known == here else 2)


def is_suspect(progress: str | None) -> bool:
    """
    Whether a job may be what killed its workers, so that it is carried with nothing beside it.

    All jobs of a worker die with it. Those that come on when they are alone had no part in it.
    """
    _, _, count = (progress or "").rpartition(":")
    return int(count or 0) >= MAX_DEATHS_AT_ONE_PLACE - 1


def _tries(place: str, count: int) -> Tries:
    return Tries(count, f"{place}:{count}")
