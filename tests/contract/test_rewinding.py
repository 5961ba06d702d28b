"""Setting a thread back, as far as the tables go: who wins, what is written, what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model.approvals import ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.history import EditMode, FieldEdit, WhatIf, WhatIfSide, WhatIfStatus
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import deciding, rewinding, what_ifs
from interlock.core.services.context import App
from interlock.core.services.placing import index_checkpoints
from interlock.core.services.pruning import BEING_DELETED
from interlock.core.services.rewinding import ForkRequest
from interlock.core.settings import Settings
from interlock.core.store import (
    approvals,
    audit,
    decisions,
    forks,
    pruning,
    runs,
    threads,
    topics,
    workflows,
)
from interlock.core.store import engine as engines
from interlock.core.store import what_ifs as store
from tests.published import published

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "integer"}, "log": {"type": "array"}},
    "required": ["amount"],
}


@pytest.fixture
def app(engine, frozen, tmp_path, make) -> App:
    """A thread that was asked at c1, was answered, and waits for a second answer at c3."""
    app = App(settings=Settings(data_dir=tmp_path), engine=engine, queue=LocalQueue(), clock=frozen)
    due = [("__start__",), ("review",), ("charge",), ("confirm",)]
    entries = [
        make.checkpoint(
            f"c{n}",
            parent_id=f"c{n - 1}" if n else None,
            source="loop" if n else "input",
            next=nodes,
            step=n - 1,
            created_at=make.at(n),
        )
        for n, nodes in enumerate(due)
    ]
    card = published(
        "refunds",
        nodes=("review", "charge", "confirm"),
        state_schema=SCHEMA,
        channels=("amount", "log"),
        at=make.at(0),
    )
    with engines.write(engine) as conn:
        workflows.replace_all(conn, [card])
        make.put_run(conn, "r1", status=RunStatus.CONTINUED)
        runs.insert(conn, make.run("r2", status=RunStatus.WAITING, context={"who": "ann"}))
        index_checkpoints(conn, "t1", entries)
        made = {"kind": Kind.VALUE, "schema": None, "allowed": (Verb.ANSWER,)}
        make.put_approval(conn, "a1", checkpoint_id="c1", status=ApprovalStatus.DECIDED, **made)
        decisions.insert(conn, make.decision("a1"))
        make.put_approval(
            conn, "a2", interrupt_id="i2", checkpoint_id="c3", run_id="r2", node="confirm", **made
        )
        threads.touch(conn, "t1", head_checkpoint_id="c3", last_run_id="r2", now=make.at(9))
    return app


def ask(verb=RewindVerb.RERUN, at="c2", **given) -> ForkRequest:
    return ForkRequest(verb=verb, checkpoint_id=at, **given)


def apply(app, request=None, *, actor="ann", head=None, reason="wrong amount"):
    return rewinding.apply(
        app, "t1", request or ask(), expected_head=head, actor=actor, reason=reason
    )


def test_a_rewind_queues_a_run_and_leaves_the_cards_of_the_other_branch(app):
    run = apply(app, ask(as_node=None, verb=RewindVerb.SKIP), head="c3")
    with engines.read(app.engine) as conn:
        assert runs.fetch(conn, "r2").status is RunStatus.CONTINUED
        stored = runs.fetch(conn, run.run_id)
        assert (stored.kind, stored.status, stored.previous_run_id) == ("rewind", "queued", "r2")
        assert (stored.context, stored.reason) == ({"who": "ann"}, "wrong amount")
        fork = forks.fetch_for_run(conn, run.run_id)
        assert (fork.verb, fork.target_id, fork.left_id, fork.as_node) == (
            *(RewindVerb.SKIP, "c2", "c3"),
            "charge",
        )
        assert fork.preview["superseded"] == ["a2"]
        assert approvals.fetch(conn, "a2").status is ApprovalStatus.SUPERSEDED
        assert threads.fetch(conn, "t1").last_run_id == run.run_id
        assert app.queue.is_any_due(conn, now=app.clock.now())
        (entry,) = audit.fetch_many(conn, object_="thread:t1", limit=9)
        assert (entry.action, entry.actor, entry.reason) == ("rewind:skip", "ann", "wrong amount")
        assert (entry.before, entry.after["run_id"]) == ({"head": "c3"}, run.run_id)
    with pytest.raises(Conflict, match="ann set the thread back") as caught:
        deciding.decide(app, "a2", Intent(verb=Verb.ANSWER, value=1), version=None, actor="ben")
    assert caught.value.winner["run_id"] == run.run_id


def at_once(*acts):
    """Do several things at the same time; what each came to."""
    gate = Barrier(len(acts))

    def do(act):
        gate.wait()
        try:
            return act()
        except Conflict as exc:
            return exc

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(do, acts))


def test_of_two_who_set_a_thread_back_one_wins(app):
    found = at_once(
        lambda: apply(app, actor="ann", head="c3"), lambda: apply(app, actor="ben", head="c3")
    )
    (lost,) = [each for each in found if isinstance(each, Conflict)]
    (won,) = [each for each in found if not isinstance(each, Conflict)]
    assert (lost.winner["run_id"], lost.winner["actor"]) == (won.run_id, won.created_by)
    with engines.read(app.engine) as conn:
        assert len(forks.fetch_for_thread(conn, "t1", limit=9)) == 1


def test_a_decision_and_a_rewind_of_the_same_moment_have_one_winner(app):
    intent = Intent(verb=Verb.ANSWER, value=1)
    decided, rewound = at_once(
        lambda: deciding.decide(app, "a2", intent, version=1, actor="ben"), lambda: apply(app)
    )
    assert isinstance(decided, Conflict) is not isinstance(rewound, Conflict)
    with engines.read(app.engine) as conn:
        card = approvals.fetch(conn, "a2")
        has_decision = bool(decisions.fetch_for_approval(conn, "a2"))
        queued = [r for r in runs.find_open_or_held(conn, "t1") if r.is_open]
    assert len(queued) == 1
    is_decided = card.status is ApprovalStatus.DECIDED
    assert (is_decided, has_decision) == (
        (True, True) if queued[0].kind == "resume" else (False,) * 2
    )


def test_a_run_in_flight_and_a_head_that_moved_are_told_with_who_moved_it(app):
    with pytest.raises(Conflict, match="moved") as caught:
        apply(app, head="c2")
    assert (caught.value.winner["run_id"], caught.value.winner["head"]) == ("r2", "c3")
    first = apply(app)
    with pytest.raises(Conflict, match="going on") as caught:
        apply(app, actor="ben")
    assert caught.value.winner["verb"] == "rerun"
    assert caught.value.winner["run_id"] == first.run_id


REFUSED = [
    (ask(at="nowhere"), NotFound, "nowhere"),
    (ask(RewindVerb.EDIT, at="c1"), InvalidInput, "Nothing"),
    (ask(RewindVerb.REDECIDE, at="c1"), InvalidInput, "decision"),
    (ask(RewindVerb.GO_BACK), InvalidInput, "current branch"),
    (ask(as_node="charge"), InvalidInput, "does not take a node"),
    (ask(new_thread_id="t2"), InvalidInput, "a new thread"),
    (
        ask(RewindVerb.EDIT, edits=(FieldEdit(field="amount", value="much"),)),
        InvalidInput,
        "amount",
    ),
    (ask(RewindVerb.EDIT, edits=(FieldEdit(field="who", value=1),)), InvalidInput, "who"),
    (
        ask(
            RewindVerb.EDIT,
            edits=(
                FieldEdit(field="log", value=[1]),
                FieldEdit(field="log", value=[2], mode=EditMode.APPEND),
            ),
        ),
        InvalidInput,
        "more than once",
    ),
]


def test_what_cannot_be_done_leaves_everything_as_it_is(app):
    for request, error, text in REFUSED:
        with pytest.raises(error, match=text):
            apply(app, request)
    with engines.read(app.engine) as conn:
        assert approvals.fetch(conn, "a2").status is ApprovalStatus.PENDING
        assert forks.fetch_for_thread(conn, "t1", limit=9) == []
        assert audit.fetch_many(conn, object_="thread:t1", limit=9) == []


def test_a_reason_is_required_and_the_thread_has_to_be_there(app):
    with pytest.raises(InvalidInput, match="reason"):
        apply(app, reason="  ")
    with pytest.raises(NotFound):
        rewinding.apply(app, "nowhere", ask(), actor="ann", reason="x")
    with pytest.raises(NotFound):
        rewinding.preview(app, "nowhere", ask())


def redecide(card="a1", at="c1", value=2) -> ForkRequest:
    intent = Intent(verb=Verb.ANSWER, value=value)
    return ask(RewindVerb.REDECIDE, at=at, approval_id=card, intent=intent)


def test_a_changed_decision_plans_its_answer_and_those_that_were_given_beside_it(app, make):
    with engines.write(app.engine) as conn:
        made = {"kind": Kind.VALUE, "schema": None, "allowed": (Verb.ANSWER,)}
        for number, status in ((3, ApprovalStatus.DECIDED), (4, ApprovalStatus.SUPERSEDED)):
            make.put_approval(
                conn,
                f"a{number}",
                interrupt_id=f"i{number}",
                checkpoint_id="c1",
                status=status,
                **made,
            )
        decisions.insert(conn, make.decision("a3", answer="other"))
    run = apply(app, redecide())
    with engines.read(app.engine) as conn:
        answers = forks.fetch_for_run(conn, run.run_id).answers
    assert [(a.nth, a.is_kept, a.intent.get("value"), a.intent.get("answer")) for a in answers] == [
        (0, False, 2, None),
        (1, True, None, "other"),
    ]


def test_only_a_decision_of_this_point_is_changed(app, make):
    with engines.write(app.engine) as conn:
        decided = {"checkpoint_id": "c1", "status": ApprovalStatus.DECIDED}
        make.put_approval(conn, "a5", interrupt_id="i5", kind=Kind.BREAKPOINT, **decided)
        make.put_approval(conn, "a6", interrupt_id="i6", kind=Kind.VALUE, **decided)
    for request, text in (
        (redecide(at="c2"), "Nothing was decided"),
        (redecide("a2"), "not asked at this point"),
        (redecide("a5"), "how to go on"),
        (redecide("a6"), "never decided"),
        (redecide(value=float("nan")), "not JSON"),
    ):
        with pytest.raises(InvalidInput, match=text):
            apply(app, request)


def test_a_preview_misses_nothing_that_is_not_given_yet(app):
    told = rewinding.preview(app, "t1", ask(RewindVerb.EDIT, at="c1", as_node="review"))
    assert (told.problems, told.head_id) == ((), "c3")
    told = rewinding.preview(app, "t1", ask(RewindVerb.REDECIDE, at="c1", approval_id="a1"))
    assert [d.approval_id for d in told.preview.asked_again] == ["a1"]
    edit = (FieldEdit(field="amount", value="much"),)
    with pytest.raises(InvalidInput, match="amount"):
        rewinding.preview(app, "t1", ask(RewindVerb.EDIT, at="c1", edits=edit))
    assert rewinding.preview(app, "t1", ask(), expected_head="c2").problems != ()


def test_a_copy_leaves_the_thread_alone(app):
    run = apply(app, ask(RewindVerb.COPY, new_thread_id="t2"))
    with engines.read(app.engine) as conn:
        made = threads.fetch(conn, "t2")
        assert (made.origin, made.from_thread_id, made.from_checkpoint_id) == ("copy", "t1", "c2")
        assert (made.last_run_id, run.previous_run_id) == (run.run_id, None)
        assert forks.fetch_for_run(conn, run.run_id).left_id is None
        assert approvals.fetch(conn, "a2").status is ApprovalStatus.PENDING
        assert runs.fetch(conn, "r2").status is RunStatus.WAITING
    with pytest.raises(Conflict, match="t2 already"):
        apply(app, ask(RewindVerb.COPY, new_thread_id="t2"))


def test_a_copy_has_an_id_as_any_thread_and_a_source_that_stays(app):
    for named in ("", " x", "what-if:1:a", "a\nb"):
        with pytest.raises(InvalidInput, match="id"):
            apply(app, ask(RewindVerb.COPY, new_thread_id=named))
    with engines.write(app.engine) as conn:
        pruning.mark(conn, "t1", BEING_DELETED)
    with pytest.raises(Conflict, match="being deleted"):
        apply(app, ask(RewindVerb.COPY, new_thread_id="t3"))
    with engines.read(app.engine) as conn:
        assert threads.fetch(conn, "t3") is None


def test_a_thread_is_judged_while_others_write(app, monkeypatch):
    """What is read of a long thread to judge it takes its time: nobody has to wait for that."""
    real, judged = rewinding.staging.judge, []

    def judge(situation, intention, **given):
        with engines.write(app.engine) as conn:
            audit.append(conn, at=app.clock.now(), actor="x", action="x", object_="x")
        judged.append(situation.tree.head_id)
        return real(situation, intention, **given)

    monkeypatch.setattr(rewinding.staging, "judge", judge)
    apply(app)
    assert judged == ["c3"]


@pytest.mark.parametrize("moves", [1, 3], ids=["once", "all the time"])
def test_a_thread_that_moves_while_it_is_judged_is_judged_again(app, make, monkeypatch, moves):
    real, heads = rewinding.staging.judge, []

    def judge(situation, intention, **given):
        heads.append(situation.tree.head_id)
        if (n := len(heads)) <= moves:
            entry = make.checkpoint(f"c{n + 3}", parent_id=f"c{n + 2}", next=("review",))
            with engines.write(app.engine) as conn:
                index_checkpoints(conn, "t1", [entry])
        return real(situation, intention, **given)

    monkeypatch.setattr(rewinding.staging, "judge", judge)
    run = apply(app)
    assert heads == [f"c{n + 3}" for n in range(moves + 1)]
    with engines.read(app.engine) as conn:
        assert forks.fetch_for_run(conn, run.run_id).left_id == f"c{moves + 3}"


def test_who_looked_at_a_thread_that_moved_while_it_was_judged_is_told(app, make, monkeypatch):
    real = rewinding.staging.judge

    def judge(situation, intention, **given):
        with engines.write(app.engine) as conn:
            index_checkpoints(conn, "t1", [make.checkpoint("c4", parent_id="c3")])
        return real(situation, intention, **given)

    monkeypatch.setattr(rewinding.staging, "judge", judge)
    with pytest.raises(Conflict, match="moved"):
        apply(app, head="c3")


@pytest.mark.parametrize("approval_id", ["a1", "a2"])  # a fork, and a decision
def test_an_answer_that_was_tried_is_kept_before_all_audit_and_the_topics(
    app, make, list_written, approval_id
):
    side = WhatIfSide(
        what_if_id="w1",
        side="a",
        intent={"verb": "answer", "value": 7},
        stand_ins={},
        status=WhatIfStatus.DONE,
    )
    with engines.write(app.engine) as conn:
        card = approvals.fetch(conn, approval_id)
        tried = WhatIf(
            what_if_id="w1",
            thread_id="t1",
            workflow="refunds",
            checkpoint_id=card.checkpoint_id,
            approval_id=approval_id,
            version=card.version,
            status=WhatIfStatus.OPEN,
            created_at=make.at(60),
            created_by="ann",
            sides=(side,),
        )
        store.insert(conn, tried)
    written = list_written(
        app.engine, lambda: what_ifs.keep(app, "w1", "a", actor="ann", reason="it is right")
    )
    assert written[-3:] == ["what_ifs", "audit", "topics"]
    with engines.read(app.engine) as conn:
        assert store.fetch(conn, "w1").status is WhatIfStatus.KEPT
        last, before = audit.fetch_many(conn, limit=2)
        assert last.action == "what-if:keep"
        assert before.action == {"a1": "rewind:redecide", "a2": "decide:answer"}[approval_id]
        heads = topics.fetch_heads(conn)
        assert (heads["what_ifs"], heads["inbox"], heads["runs"]) == (1, 1, 1)
