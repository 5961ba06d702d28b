"""What a worker does beside runs, by the kind of job: each with who does it, and how long it may take."""

from __future__ import annotations

from interlock.core.queue.port import JobKind
from interlock.core.worker.attached_index import answer_index
from interlock.core.worker.pruning import answer_prune
from interlock.core.worker.snapshots import answer_beneath, answer_snapshot
from interlock.core.worker.steps import answer_step
from interlock.core.worker.transferring import answer_import
from interlock.core.worker.what_ifs import WHAT_IF_S, answer_what_if

ERRAND_S = 60.0  # then whoever asked is gone; a run that has to be alone waits for what is read
WHOLE_THREAD_S = 900.0  # one may weigh gigabytes

ERRANDS = {
    JobKind.SNAPSHOT: answer_snapshot,
    JobKind.STEP: answer_step,
    JobKind.BENEATH: answer_beneath,
    JobKind.INDEX: answer_index,
    JobKind.PRUNE: answer_prune,
    JobKind.IMPORT: answer_import,
    JobKind.WHAT_IF: answer_what_if,
}
LIMITS_S = {
    JobKind.WHAT_IF: WHAT_IF_S,
    JobKind.PRUNE: WHOLE_THREAD_S,
    JobKind.IMPORT: WHOLE_THREAD_S,
}
