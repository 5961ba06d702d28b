"""The card of a run that failed is written with the run's end, and by whoever asks for it later."""

from __future__ import annotations

import threading

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import Intent, Kind, Verb
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import REFUSED, Failure, RunOptions, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import deciding, running
from interlock.core.services.context import App
from interlock.core.services.recording import Batch, Ending, record
from interlock.core.settings import Settings
from interlock.core.store import approvals, decisions, events, nodes, runs, threads
from interlock.core.store.engine import read, write

ASKS = RunOptions(asks_on_failure=True)
FAILED = Failure("ValueError", "no funds", node="charge", attempt=2)


@pytest.fixture
def app(engine, tmp_path, frozen) -> App:
    """The services on a fresh database of each kind."""
    settings = Settings(data_dir=tmp_path / "data")
    return App(settings=settings, engine=engine, queue=LocalQueue(), clock=frozen)


@pytest.fixture
def begin(engine, make):
    """Put a running run there."""

    def put(run_id="r1", **given):
        with write(engine) as conn:
            run = make.put_run(
                conn, run_id, **({"status": RunStatus.RUNNING, "options": ASKS} | given)
            )
            threads.touch(conn, run.thread_id, last_run_id=run_id, now=make.at(0))
        return run

    return put


def head(**given):
    fields = {"checkpoint_id": "c1", "run_id": "r1", "due": ("charge", "mail"), "next": ("charge",)}
    return Head(**(fields | {"has_failed": True} | given))


def end(app, make, run, *, failure=FAILED, at=None, **given):
    ending = Ending(
        run=run,
        job=None,
        status=RunStatus.FAILED,
        failure=failure,
        head=at or head(),
        entries=(make.checkpoint("c1", next=("charge",)),),
        **given,
    )
    return record(app, Batch(endings=[ending]))[run.run_id]


def pending(engine, thread_id="t1"):
    with read(engine) as conn:
        return approvals.fetch_many(conn, thread_id=thread_id, limit=10)


def test_a_run_that_asks_is_paused_with_its_error_and_its_card(app, engine, make, begin):
    run = begin()

    status = end(app, make, run)

    (card,) = pending(engine)
    with read(engine) as conn:
        kept = runs.fetch(conn, "r1")
        told = events.fetch_for_run(conn, "r1")
    assert (status, kept.status, kept.error) == (RunStatus.PAUSED, RunStatus.PAUSED, FAILED)
    assert (card.kind, card.node, card.run_id, card.checkpoint_id) == (
        Kind.FAILURE,
        "charge",
        "r1",
        "c1",
    )
    assert [event.kind for event in told] == ["interrupt", "status"]
    assert told[-1].data == {"status": "paused", "error": "ValueError: no funds"}


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, RunOptions()),
        ({"at": head(due=(), next=())}, ASKS),
        ({"failure": Failure(REFUSED, "moved on")}, ASKS),
    ],
)
def test_a_run_that_does_not_ask_or_has_nowhere_to_go_on_from_failed(
    app, engine, make, begin, given, options
):
    assert end(app, make, begin(options=options), **given) is RunStatus.FAILED
    assert pending(engine) == []


def test_a_run_whose_thread_goes_on_already_asks_nobody(app, engine, make, begin):
    run = begin()
    with write(engine) as conn:
        runs.insert(conn, make.run("r2"))

    assert end(app, make, run) is RunStatus.FAILED
    assert pending(engine) == []


def test_what_an_edit_costs_is_read_from_the_records(app, engine, make, begin):
    run = begin()
    ok = {"step": 3, "status": NodeStatus.OK}
    with write(engine) as conn:
        failed = make.node_run("a", path="charge", step=3, status=NodeStatus.ERROR)
        others = [
            make.node_run("b", path="mail", **ok),
            make.node_run("c", path="team/part", **ok),
            make.node_run("d", path="late", step=4, status=NodeStatus.OK),
            make.node_run("e", path="log", run_id="r1", thread_id="t1", **ok),
        ]
        nodes.upsert_many(conn, [failed, *others])
        card = make.put_approval(conn, "a1", node="charge", status="decided", title="Pay?")
        make.put_approval(conn, "a2", "other", namespace="mail:b", status="decided", title="Mail?")
        make.put_approval(
            conn, "a3", "third", namespace="log:z|x:e", title="Log?", interrupt_id="i3"
        )
        make.put_approval(conn, "a4", "old", checkpoint_id="c0", status="decided", title="Old?")
        decisions.insert(conn, make.decision(card.approval_id))

    end(app, make, run)

    (asked,) = pending(engine)
    assert asked.payload["edit_starts_again"] is True
    assert sorted(asked.payload["asked_again"][:2]) == ["Log?", "Pay?"]
    assert asked.payload["asked_again"][2:] == ["Mail?"]  # it has finished, and is run again
    assert sorted(asked.payload["runs_again"]) == ["log", "mail"]


def test_an_edit_leaves_alone_a_question_that_is_settled(app, engine, make, begin):
    run = begin()
    with write(engine) as conn:
        nodes.upsert_many(conn, [make.node_run("b", path="mail", status=NodeStatus.OK)])
        make.put_approval(conn, "a2", namespace="mail:b", status="decided", title="Mail?")

    end(app, make, run)

    (asked,) = pending(engine)
    assert (asked.payload["edit_starts_again"], asked.payload["asked_again"]) == (False, [])


def test_an_edit_at_the_same_place_before_is_found(app, engine, make, begin):
    run = begin()
    with write(engine) as conn:
        card = make.put_approval(
            conn, "a1", node="charge", status="decided", kind=Kind.BREAKPOINT, interrupt_id=None
        )
        decisions.insert(conn, make.decision(card.approval_id, verb=Verb.EDIT))

    end(app, make, run, failure=Failure("ValueError", "no"))

    (asked,) = pending(engine)
    assert (asked.payload["edit_starts_again"], asked.payload["runs_again"]) == (True, [])
    assert asked.node == "charge, mail"


def test_a_card_that_is_asked_for_twice_is_one_and_once_closed_is_asked_again(
    app, engine, make, begin
):
    run = begin()
    end(app, make, run)
    (first,) = pending(engine)
    assert end(app, make, run) is RunStatus.PAUSED
    assert pending(engine) == [first]

    running.cancel(app, "r1", actor="ann")
    with write(engine) as conn:
        runs.move(conn, "r1", from_={RunStatus.CANCELLED}, to=RunStatus.FAILED)
    again = running.ask(app, "r1", actor="ann")

    assert (again.approval_id, again.version) == (first.approval_id, 2)
    assert pending(engine) == [again]


def test_a_sibling_that_is_answered_closes_the_card_of_the_failure(app, engine, make, begin):
    run = begin()
    asking = LiveInterrupt(
        interrupt_id="i9",
        value="Mail?",
        schema=None,
        node="mail",
        namespace="m:1",
        is_answered=False,
    )
    end(app, make, run, at=head(interrupts=(asking,)))
    cards = {card.kind: card for card in pending(engine)}

    decided = deciding.decide(
        app,
        cards[Kind.VALUE].approval_id,
        Intent(verb=Verb.APPROVE),
        version=1,
        actor="ann",
    )

    assert decided.decision.answer is True
    assert pending(engine) == []
    with pytest.raises(Conflict, match="superseded"):
        deciding.decide(
            app, cards[Kind.FAILURE].approval_id, Intent(verb=Verb.SKIP), version=1, actor="ben"
        )


def test_only_a_failed_run_at_the_end_of_its_thread_is_asked_about(app, engine, make, begin):
    run = begin(options=RunOptions())
    with pytest.raises(Conflict, match="is running"):
        running.ask(app, "r1", actor="ann")
    end(app, make, run)
    with write(engine) as conn:
        threads.touch(conn, "t1", last_run_id="r2", now=make.at(1))
    with pytest.raises(Conflict, match="went on with run r2"):
        running.ask(app, "r1", actor="ann")


def test_a_run_that_failed_before_its_first_checkpoint_is_not_asked_about(app, engine, make, begin):
    begin(status=RunStatus.FAILED, error=FAILED)

    with pytest.raises(Conflict, match="before it stood anywhere"):
        running.ask(app, "r1", actor="ann")


def test_a_run_that_was_given_up_meanwhile_is_not_asked_about(
    app, engine, make, begin, monkeypatch
):
    run = begin(options=RunOptions())
    end(app, make, run)
    fetch = running.checkpoints.fetch

    def give_up(conn, *found):
        runs.move(conn, "r1", from_={RunStatus.FAILED}, to=RunStatus.CANCELLED)
        return fetch(conn, *found)

    monkeypatch.setattr(running.checkpoints, "fetch", give_up)
    with pytest.raises(Conflict, match="meanwhile"):
        running.ask(app, "r1", actor="ann")

    assert pending(engine) == []


@pytest.mark.parametrize("first", ["ask", "give up"])
def test_asking_about_a_run_and_giving_it_up_wait_for_each_other(
    app, engine, make, begin, monkeypatch, first
):
    run = begin(options=RunOptions())
    end(app, make, run)
    lock = running.threads.lock
    is_locked, is_next, may_go_on = (threading.Event() for _ in range(3))
    told = []

    def lock_and_wait(conn, thread_id):
        if is_locked.is_set():
            is_next.set()
            return lock(conn, thread_id)
        found = lock(conn, thread_id)
        is_locked.set()
        assert may_go_on.wait(20)
        return found

    def ask():
        try:
            told.append(running.ask(app, "r1", actor="ann").status)
        except Conflict as exc:
            told.append(str(exc))

    def give_up():
        told.append(running.cancel_many(app, ["r1"], actor="ben")[0].refusal)

    monkeypatch.setattr(running.threads, "lock", lock_and_wait)
    acts = [ask, give_up] if first == "ask" else [give_up, ask]
    people = [threading.Thread(target=act) for act in acts]
    people[0].start()
    assert is_locked.wait(20)
    people[1].start()
    if engine.dialect.name == "postgresql":  # in SQLite whoever writes is alone anyway
        assert is_next.wait(20)
    may_go_on.set()
    for person in people:
        person.join(20)

    with read(engine) as conn:
        assert runs.fetch(conn, "r1").status is RunStatus.CANCELLED
    assert pending(engine) == []
    assert len(told) == 2
