"""The runs that tell one story: a start, the resumes after its cards, the retries after its failures."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.model.runs import Run
from interlock.core.types import RunId

NO_RUN = RunId("")
LIMIT_COUNT = 6  # runs drawn in one timeline; a longer story shows its newest part


def follow(run: Run, thread_runs: Sequence[Run]) -> tuple[Run, ...]:
    """The run with those it went on from and those that went on from it, oldest first."""
    by_id = {r.run_id: r for r in thread_runs} | {run.run_id: run}
    after = {r.previous_run_id: r for r in sorted(by_id.values(), key=_order) if r.previous_run_id}
    chain = [run]
    while (earlier := by_id.get(chain[0].previous_run_id or NO_RUN)) and earlier not in chain:
        chain.insert(0, earlier)
    while (later := after.get(chain[-1].run_id)) and later not in chain:
        chain.append(later)
    return tuple(chain)


def near(chain: Sequence[Run], run: Run) -> tuple[Run, ...]:
    """At most `LIMIT_COUNT` neighbouring runs of the chain, the run among them, as new as possible."""
    at = next(i for i, r in enumerate(chain) if r.run_id == run.run_id)
    first = min(at, max(0, len(chain) - LIMIT_COUNT))
    return tuple(chain[first : first + LIMIT_COUNT])


def _order(run: Run) -> tuple[object, str]:
    return run.created_at, run.run_id
