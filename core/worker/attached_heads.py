"""What the head of another application's thread says beside what is known of the thread."""

from __future__ import annotations

from dataclasses import replace

from interlock.core.graphs import failing
from interlock.core.graphs.attached_rows import FoundHead
from interlock.core.model.delivery import Head
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.services.attaching import Finding, Known
from interlock.core.services.recording import Ending

BREAKPOINT = frozenset({None})  # what the card of a breakpoint asks has no id
ELSEWHERE = "moved by another application"
ANSWERED = "answered by another application"
NOT_FINISHED = (
    "It stands before {}, and nothing has come of that for a minute: the other application is still"
    " at work there, holds it at a breakpoint of its own, or was cut off."
)


def is_to_be_read(head: FoundHead, known: Known | None) -> bool:
    """Whether nothing of ours moves a thread, nor has since the database was asked."""
    if known is None:
        return True
    is_newer = head.checkpoint_id >= (known.thread.head_checkpoint_id or "")
    return is_newer and not known.is_open


def says_nothing_new(before: Known, finding: Finding) -> bool:
    """Whether a thread stands where it stood, and asks what it asked."""
    if finding.status is None:
        is_known = before.thread.head_checkpoint_id == finding.head.checkpoint_id
        return is_known and before.held is None and before.thread.trouble == finding.trouble
    is_here = before.last_end == finding.head.checkpoint_id
    if not is_here or before.thread.trouble != finding.trouble:
        return False
    if before.held is not None:
        asks = before.held.status is finding.status
        return asks and before.asked in (finding.head.open_ids, BREAKPOINT)
    return before.last_status in {finding.status, RunStatus.CANCELLED}


def end_held(before: Known, finding: Finding) -> Ending:
    """The end of a run that held, where the other application has gone on with its thread."""
    assert before.held is not None
    is_at_work = finding.status is None
    return Ending(
        run=before.held,
        job=None,
        status=finding.status or RunStatus.CONTINUED,
        head=replace(finding.head, interrupts=()) if is_at_work else finding.head,
        snapshot=finding.snapshot,
        failure=finding.failure,
        reason=ANSWERED if before.held.status is RunStatus.WAITING else ELSEWHERE,
        entries=finding.entries,
    )


def say_not_finished(head: Head) -> Failure:
    """Why a run counts as failed although nothing failed: it was left where something is due."""
    return Failure(
        type="NotFinished",
        message=NOT_FINISHED.format(", ".join(dict.fromkeys(head.next))),
        versions=dict(failing.versions()),
    )
