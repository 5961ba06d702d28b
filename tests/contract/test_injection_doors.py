"""
NUL, half a letter, very long and very deep texts through every door that writes: kept as far as the
databases can, or refused by name; never a crash, never half a command.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.errors import InterlockError
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.nodes import RunEvent
from interlock.core.services import deciding, holding, launching, observing, presence
from interlock.core.services.launching import Launch
from interlock.core.store import approvals, audit, engine, events, runs, threads
from tests.published import published

ODD = {
    "NUL": "a\0b",
    "very long": "x" * 300_000,
    "every control and half a letter": "".join(map(chr, range(1, 32))) + "\ud83d",
}


def deep(levels: int):
    value: object = "end"
    for _ in range(levels):
        value = {"a": [value]}
    return value


def try_(act) -> str:
    """What a door says where it refuses."""
    try:
        act()
    except InterlockError as exc:
        return str(exc)
    return ""


@pytest.fixture
def desk(app, engine, make):
    app = replace(app, engine=engine)
    workflow = published("refunds", nodes=("review",), at=make.at(0))
    presence.publish(app, [workflow])
    return app


@pytest.mark.parametrize("name", ODD)
def test_an_odd_text_is_kept_or_refused_at_every_door(desk, make, name):
    text = ODD[name]
    with engine.write(desk.engine) as conn:
        threads.insert(conn, make.thread())
        runs.insert(conn, make.run("r1"))
        card = make.approval("a1", title=text, payload={"say": text, text[:100]: 1}, node=text)
        approvals.insert(conn, card, "q1")
        events.insert_many(
            conn, [RunEvent(run_id="r1", seq=1, kind="k", path=text, at=make.at(0), data=text)]
        )
        audit.append(
            conn, at=make.at(0), actor=text, action="x", object_=text, after=text, reason=text
        )
        assert audit.verify(conn) is None
    asked = observing.get_card(desk, "a1").approval
    assert "\0" not in asked.title
    assert asked.payload["say"] == text
    acts = [
        lambda: launching.launch(
            desk, Launch(workflow="refunds", input={"say": text}), actor="ann"
        ),
        lambda: holding.hold(desk, "refunds", actor="ann", reason=text),
        lambda: deciding.decide(
            desk,
            "a1",
            Intent(verb=Verb.APPROVE, reason=text),
            version=asked.version,
            actor="ann",
        ),
    ]
    assert all(len(refused) < 2_000 for refused in map(try_, acts))
    with engine.read(desk.engine) as conn:
        assert audit.verify(conn) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("levels", [5_000, 50_000])
def test_a_deep_value_is_refused_by_name_and_nothing_is_begun(desk, make, levels):
    value = deep(levels)
    with pytest.raises(InterlockError) as refused:
        launching.launch(desk, Launch(workflow="refunds", input=value), actor="ann")
    assert len(str(refused.value)) < 2_000
    assert observing.list_runs(desk) == []
