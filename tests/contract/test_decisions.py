from __future__ import annotations

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import Verb
from interlock.core.store import decisions
from interlock.core.store.engine import read, write


def test_a_decision_comes_back_as_it_was_put(engine, make):
    decision = make.decision("a1", verb=Verb.EDIT, before={"b": 1, "a": [2.5]}, after="text")
    with write(engine) as conn:
        make.put_approval(conn)
        decisions.insert(conn, decision)
    with read(engine) as conn:
        assert [decision] == decisions.fetch_for_approval(conn, "a1")


def test_one_version_of_a_card_is_decided_once(engine, make):
    with write(engine) as conn:
        make.put_approval(conn)
        decisions.insert(conn, make.decision("a1"))
    with pytest.raises(Conflict, match="decided already"), write(engine) as conn:
        decisions.insert(conn, make.decision("a1", actor="bob"))
    with write(engine) as conn:
        decisions.insert(conn, make.decision("a1", version=2))
    with read(engine) as conn:
        versions = [decision.version for decision in decisions.fetch_for_approval(conn, "a1")]
    assert versions == [2, 1]


def test_a_decision_belongs_to_a_card(engine, make):
    with pytest.raises(Conflict, match="not there"), write(engine) as conn:
        decisions.insert(conn, make.decision("unknown"))


def test_a_run_carries_its_answers_in_the_order_they_were_given(engine, make):
    with write(engine) as conn:
        for number, name in enumerate(("a1", "a2", "a3")):
            make.put_approval(conn, name)
            given = {"decision_id": f"d{number}", "decided_at": make.at(-number // 2)}
            decisions.insert(conn, make.decision(name, **given))
        decisions.insert(conn, make.decision("a1", version=2, run_id="another"))
    with read(engine) as conn:
        carried = [decision.decision_id for decision in decisions.fetch_for_run(conn, "r2")]
        recent = [decision.approval_id for decision in decisions.fetch_recent(conn, limit=2)]
    assert carried == ["d1", "d2", "d0"]
    assert len(recent) == 2


def test_the_newest_decisions_of_a_thread_come_at_once_oldest_first(engine, make):
    with write(engine) as conn:
        for number, name in enumerate(("a1", "a2", "a3")):
            make.put_approval(conn, name, thread_id="t2" if name == "a2" else "t1")
            given = {"decision_id": f"d{number}", "decided_at": make.at(-number)}
            decisions.insert(conn, make.decision(name, **given))
        decisions.insert(
            conn, make.decision("a1", decision_id="d9", version=2, decided_at=make.at(9))
        )
    with read(engine) as conn:
        found = decisions.fetch_for_thread(conn, "t1", limit=9)
        newest = decisions.fetch_for_thread(conn, "t1", limit=2)
    assert [d.decision_id for d in found] == ["d2", "d0", "d9"]
    assert newest == found[1:]


def test_a_refused_decision_stays_and_says_why(engine, make):
    decision = make.decision("a1")
    with write(engine) as conn:
        make.put_approval(conn)
        decisions.insert(conn, decision)
        decisions.mark_refused(conn, decision.decision_id, "not a number")
    with read(engine) as conn:
        assert [d.refused for d in decisions.fetch_for_approval(conn, "a1")] == ["not a number"]
