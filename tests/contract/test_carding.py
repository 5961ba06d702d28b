"""A card is asked again as a new version when what it asks has changed, and only then."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import carding, deciding
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import approvals, decisions, runs
from interlock.core.store.engine import read, write

PAYLOAD = {
    "question": "Charge 50?",
    "parts": [1, 2.0, 1e300, -0.0, True, None, {"z": "\u00e9\U0001f600", "a": 10**17}],
    "empty": {},
}
SCHEMA = {"type": "object", "properties": {"z": {"maximum": 1.0}, "a": {}}}


@pytest.fixture
def app(engine, tmp_path, frozen) -> App:
    """The services on a fresh database of each kind."""
    settings = Settings(data_dir=tmp_path / "data")
    return App(settings=settings, engine=engine, queue=LocalQueue(), clock=frozen)


@pytest.fixture
def level(engine, make):
    """Make the cards of the thread say that this is asked now; the one card."""
    with write(engine) as conn:
        run = make.put_run(conn, "r1", status=RunStatus.RUNNING)

    def ask(payload=PAYLOAD, schema=SCHEMA, *, after=1):
        asking = LiveInterrupt(
            interrupt_id="i1",
            value=payload,
            schema=schema,
            node="charge",
            namespace="charge:1",
            is_answered=False,
        )
        head = Head(
            checkpoint_id="c1", run_id="r1", due=("charge",), next=("charge",), interrupts=(asking,)
        )
        with write(engine) as conn:
            told = carding.level_cards(
                conn, run, head=head, status=RunStatus.WAITING, refused={}, now=make.at(after)
            )
            return told, approvals.fetch_by_question(conn, "t1", "i1")

    return ask


def test_what_is_asked_again_word_for_word_is_the_same_card(level):
    _, first = level()
    swapped = dict(reversed(json.loads(json.dumps(PAYLOAD)).items()))

    told, again = level(swapped, dict(reversed(SCHEMA.items())), after=2)

    assert again == first
    assert (told.asked, told.pending) == ((), 1)


@pytest.mark.parametrize(
    ("payload", "schema"),
    [
        (PAYLOAD | {"question": "Charge 5?"}, SCHEMA),
        (PAYLOAD | {"parts": [True, *PAYLOAD["parts"][1:]]}, SCHEMA),
        (PAYLOAD, None),
        (PAYLOAD, SCHEMA | {"title": "Amount"}),
        (None, SCHEMA),
    ],
)
def test_what_is_asked_otherwise_is_a_new_version_and_the_old_one_is_refused(
    app, level, make, payload, schema
):
    _, first = level()

    told, again = level(payload, schema, after=2)

    assert (again.approval_id, again.version) == (first.approval_id, 2)
    assert (again.payload, again.schema, again.asked_at) == (payload, schema, make.at(2))
    assert told.asked == (again,)
    with pytest.raises(Conflict, match="asks something else by now"):
        deciding.decide(
            app, first.approval_id, Intent(verb=Verb.RESPOND, value="x"), version=1, actor="ann"
        )


def test_an_answer_on_its_way_to_something_else_is_refused(engine, level, make):
    _, first = level()
    with write(engine) as conn:
        approvals.close(
            conn, first.approval_id, version=1, status=ApprovalStatus.DECIDED, now=make.at(2)
        )
        runs.insert(conn, make.run("r2", kind=RunKind.RESUME))
        decisions.insert(conn, make.decision(first.approval_id, run_id="r2"))

    _, same = level(after=3)
    _, again = level(PAYLOAD | {"question": "Charge 5?"}, after=4)

    with read(engine) as conn:
        (decision,) = decisions.fetch_for_approval(conn, first.approval_id)
    assert (same.status, same.version) == (ApprovalStatus.DECIDED, 1)
    assert (again.status, again.version) == (ApprovalStatus.PENDING, 2)
    assert "asks something else" in decision.refused


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        (Verb.EDIT, ApprovalStatus.SUPERSEDED),
        (Verb.APPROVE, ApprovalStatus.PENDING),
        (Verb.SKIP, ApprovalStatus.PENDING),
    ],
)
def test_an_edit_of_the_state_takes_away_what_was_asked_about_the_old_one(
    app, engine, level, make, verb, status
):
    _, asked = level()
    with write(engine) as conn:
        failure = replace(
            make.approval("f1", kind=Kind.FAILURE, interrupt_id=None, schema=None),
            allowed=(Verb.APPROVE, Verb.EDIT, Verb.SKIP, Verb.STOP),
            payload={"error": "ValueError", "node": "limit", "skips": "limit"},
        )
        approvals.insert(conn, failure, "fail:c1:r1")
        make.put_approval(conn, "elsewhere", thread_id="t2")
    value = {"amount": 5} if verb is Verb.EDIT else None

    deciding.decide(app, "f1", Intent(verb=verb, value=value), version=1, actor="ann")

    with read(engine) as conn:
        assert approvals.fetch(conn, asked.approval_id).status is status
        assert approvals.fetch(conn, "f1").status is ApprovalStatus.DECIDED
        assert approvals.fetch(conn, "elsewhere").status is ApprovalStatus.PENDING
