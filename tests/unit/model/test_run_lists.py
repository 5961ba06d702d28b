from __future__ import annotations

from interlock.core.model.run_lists import RunCount, Told, add_up
from interlock.core.model.runs import RunStatus


def test_counts_add_up_and_one_that_is_not_whole_makes_the_sum_so():
    counts = {RunStatus.DONE: RunCount(5, is_all=False), RunStatus.FAILED: RunCount(2, is_all=True)}
    assert add_up(counts, ()) == RunCount(7, is_all=False)
    assert add_up(counts, (RunStatus.FAILED,)) == RunCount(2, is_all=True)


def test_what_was_refused_was_not_done():
    assert Told(run_id="r1", new_run_id="r2").is_done
    assert not Told(run_id="r1", refusal="It went on.").is_done
