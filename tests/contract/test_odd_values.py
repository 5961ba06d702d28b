"""What an agent may put into a value comes back as it was from every table, or is refused by name."""

from __future__ import annotations

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.queue.local import LocalQueue
from interlock.core.queue.port import JobKind, NewJob
from interlock.core.store import approvals, decisions, events, runs, snapshots, workflows
from interlock.core.store.engine import read, write

ODD = {
    "nul": "a\0b",
    "half": "x\ud800y",
    "other half": "\udc00",
    "huge": 10**300,
    "small": -(10**40),
    "tiny": 5e-324,
    "big": 1.7976931348623157e308,
    "k\0\ud800": ["\u2028", "\x1b[31m", "\ufffe", "é 漢 😀"],
    "": {"__proto__": {}, "$ref": "#"},
}


def test_odd_values_come_back_from_every_table_that_keeps_an_agents_words(engine, make):
    queue = LocalQueue()
    with write(engine) as conn:
        make.put_run(conn, input=ODD, context=ODD)
        make.put_approval(conn, payload=ODD, schema=ODD)
        decisions.insert(conn, make.decision("a1", answer=ODD, before=ODD, after=ODD))
        snapshots.put(conn, make.snapshot(values=ODD, metadata=ODD, interrupts=(ODD,)))
        events.insert_many(conn, [make.event(1, data=ODD)])
        queue.enqueue(conn, NewJob(job_id="j", kind=JobKind.SNAPSHOT, payload=ODD), now=make.at(0))
        [job] = queue.claim(conn, worker_id="w", limit=1, now=make.at(1))
        queue.finish(conn, "j", failed=True, result=ODD)
    with read(engine) as conn:
        run = runs.fetch(conn, "r1")
        card = approvals.fetch(conn, "a1")
        [decision] = decisions.fetch_for_approval(conn, "a1")
        snapshot = snapshots.fetch(conn, "t1", "c1")
        [event] = events.fetch_for_run(conn, "r1")
        result = queue.fetch_result(conn, "j")
        assert [row.run_id for row in runs.fetch_many(conn, limit=5)] == ["r1"]
        assert [row.approval_id for row in approvals.fetch_summaries(conn, limit=5)] == ["a1"]
    found = {
        "run": (run.input, run.context),
        "card": (card.payload, card.schema),
        "decision": (decision.answer, decision.before, decision.after),
        "snapshot": (snapshot.values, snapshot.metadata, *snapshot.interrupts),
        "event": (event.data,),
        "job": (job.payload, result[1]),
    }
    for name, values in found.items():
        for value in values:
            assert value == ODD, name


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": [float("nan")]}, "a.0: is nan"),
        ({"a": {"b": float("-inf")}}, "a.b: is -inf"),
        ({"a": {1, 2}}, "a: is a set"),
        ({"a": 10**5000}, "a: is a whole number of more than 4300 digits"),
        ({"a": {(1, 2): 3}}, "a: has a key of type tuple"),
    ],
)
def test_what_no_json_can_hold_is_refused_by_its_place_and_nothing_is_written(
    engine, make, value, problem
):
    with pytest.raises(InvalidInput) as refused, write(engine) as conn:
        make.put_run(conn, input=value)
    assert problem in str(refused.value)
    with read(engine) as conn:
        assert runs.fetch(conn, "r1") is None
        assert workflows.fetch_names(conn) == []
