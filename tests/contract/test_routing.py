"""Who decides a card, and votes on it, held where decisions are carried out; on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from interlock.core.model import people
from interlock.core.model.approvals import ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.inbox_filters import InboxFilter, Sort
from interlock.core.model.people import Caller, CallerKind, Operator, Permission, Role, Token
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.routes import Route
from interlock.core.model.runs import Failure, RunKind, RunStatus
from interlock.core.model.threads import Origin
from interlock.core.model.workflows import Workflow
from interlock.core.queue.local import LocalQueue
from interlock.core.services import (
    beginning,
    carding,
    deadlines,
    deciding,
    observing,
    permitting,
    presence,
    running,
    sifting,
    standing_in,
    voting,
)
from interlock.core.services.beside import Beside
from interlock.core.services.context import App
from interlock.core.services.voting import Counted
from interlock.core.settings import Settings
from interlock.core.store import (
    approvals,
    audit,
    decisions,
    operators,
    runs,
    snapshots,
    tokens,
    votes,
)
from interlock.core.store import engine as engines
from interlock.core.store import threads as thread_rows
from interlock.core.store import workflows as workflow_rows
from interlock.core.store.engine import read, write

POLICY = {
    "approval": {
        "money": {
            "approvers": ["group:finance"],
            "rules": [{"when": "amount > 1000", "approvers": ["group:leads"], "risk": "high"}],
            "deadline_s": 900,
            "on_timeout": "escalate:group:board",
        },
        "two": {"quorum": 2, "deadline_s": 900, "on_timeout": "reject"},
        "both": {"quorum": 2, "one_rejects": False},
        "owner": {"approvers": "$state.owner"},
        "other": {"self_approval": False, "priority": 4},
    }
}
ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
YES, NO = Intent(verb=Verb.APPROVE), Intent(verb=Verb.REJECT)
EDIT = Intent(verb=Verb.ANSWER, value=3)


@pytest.fixture
def app(engine, tmp_path, frozen) -> App:
    app = App(Settings(data_dir=tmp_path / "data"), engine, LocalQueue(), frozen)
    nodes = (*POLICY["approval"], "free")
    presence.publish(
        app,
        [
            Workflow(
                name="refunds",
                description="",
                nodes=nodes,
                graph={},
                input_schema=None,
                context_schema=None,
                state_schema=None,
                channels=(),
                error=None,
                published_at=frozen.now(),
                policy=POLICY,
            )
        ],
    )
    return app


@pytest.fixture
def ask(app, make):
    """Ask a card of a node, in a thread of its own; the card."""

    def ask(node, payload="Go?", *, name="", values=None, **run):
        name = name or f"t-{node}"
        asking = LiveInterrupt(
            interrupt_id=f"i-{name}",
            value=payload,
            schema=None,
            node=node,
            namespace=f"{node}:1",
            is_answered=False,
        )
        with write(app.engine) as conn:
            made = make.put_run(conn, f"r-{name}", thread_id=name, status=RunStatus.WAITING, **run)
            if values is not None:
                snapshots.put(conn, make.snapshot(thread_id=name, values=values))
            head = Head(
                checkpoint_id="c1",
                run_id=made.run_id,
                due=(node,),
                next=(node,),
                interrupts=(asking,),
            )
            levelled = carding.level_cards(
                conn, made, head=head, status=RunStatus.WAITING, refused={}, now=app.clock.now()
            )
        return levelled.asked[0]

    return ask


@pytest.fixture
def sign_in(app):
    """One has to sign in from here on: the parts as somebody has them who did."""

    def sign_in(name, role=Role.OPERATOR, *groups) -> App:
        now = app.clock.now()
        account = Operator(name=name, role=role, groups=groups, created_at=now, updated_at=now)
        shown = Token(
            token_id=name,
            operator=name,
            label="",
            scopes=tuple(Permission),
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        with engines.write(app.engine) as conn:
            operators.insert(conn, account, password_hash=None)
            tokens.insert(conn, shown, secret_hash=people.hash_secret(name))
            operators.set_sign_in(conn, "local", by="test", now=now)
        return replace(app, caller=Caller(CallerKind.TOKEN, people.hash_secret(name)))

    return sign_in


def decide(app, card, intent=YES, actor="ann", **more):
    return deciding.decide(app, card.approval_id, intent, version=card.version, actor=actor, **more)


def test_a_card_keeps_how_it_was_routed(app, ask):
    card = ask("money", {"amount": 2000})
    with read(app.engine) as conn:
        assert approvals.fetch(conn, card.approval_id).route == card.route
    assert card.route == Route(approvers=("group:leads",))
    assert card.risk == "high"
    assert ask("owner", values={"owner": ["Zoe"]}).route.approvers == ("Zoe",)
    assert ask("owner", name="t2").route.approvers == ()
    assert ask("free").route.is_open


def test_whoever_is_no_approver_is_refused_and_told_who_is(app, ask, sign_in):
    card = ask("money", {"amount": 10})
    ben = sign_in("ben")
    vic = sign_in("vic", Role.VIEWER, "finance")
    with pytest.raises(NotAllowed, match="ben may not decide this card: the group finance"):
        decide(ben, card, actor="ben")
    with pytest.raises(NotAllowed, match="the group finance"):
        deadlines.extend(ben, card.approval_id, by=timedelta(hours=1), version=None, actor="ben")
    assert decide(vic, card, actor="vic").approval.status is ApprovalStatus.DECIDED
    with pytest.raises(NotAllowed, match="any operator"):
        decide(vic, ask("free"), actor="vic")


def test_while_nobody_signs_in_names_are_not_held_against_anybody(app, ask):
    assert decide(app, ask("money", {"amount": 2000}), actor="whoever").run_id
    assert decide(app, ask("other", created_by="ann"), actor="ann").run_id


def test_an_escalated_card_is_for_that_group_as_well(app, ask, sign_in, frozen):
    card = ask("money", {"amount": 10})
    lea = sign_in("lea", Role.VIEWER, "board")
    with pytest.raises(NotAllowed):
        decide(lea, card, actor="lea")
    frozen.advance(seconds=901)
    assert deadlines.carry_out_due(app).done == 1
    assert decide(lea, card, actor="lea").run_id


# -- who began it -----------------------------------------------------------------------------------


def test_who_launched_it_does_not_decide_it(app, ask, sign_in):
    ann, ben = sign_in("ann", Role.ADMIN), sign_in("ben")
    card = ask("other", created_by="ann")
    assert card.route.initiators == ("ann",)
    for intent in (YES, NO, EDIT):
        with pytest.raises(NotAllowed, match="themselves launched"):
            decide(ann, card, intent, actor="ann")
    assert decide(ben, card, actor="ben").run_id


@ONE
def test_who_set_back_copied_or_edited_began_it_too(app, make):
    with write(app.engine) as conn:
        first = make.put_run(conn, "r1", created_by="ann")
        make.put_approval(conn, "a1", run_id="r1")
        chain = first
        for kind, who in (
            (RunKind.RESUME, "rae"),
            (RunKind.REWIND, "fay"),
            (RunKind.PROCEED, "eda"),
            (RunKind.PROCEED, "pia"),
            (RunKind.RETRY, "tim"),
        ):
            chain = make.run(who, kind=kind, created_by=who, previous_run_id=chain.run_id)
            runs.insert(conn, chain)
        decisions.insert(conn, make.decision("a1", run_id="eda", verb=Verb.EDIT))
        decisions.insert(conn, make.decision("a1", run_id="pia", version=2))
        thread_rows.touch(conn, "t1", last_run_id=chain.run_id, now=app.clock.now())
        copy = replace(make.thread("t2"), origin=Origin.COPY, from_thread_id="t1")
        thread_rows.insert(conn, copy)
        copied = make.run("cat", thread_id="t2", kind=RunKind.COPY, created_by="cat")
        runs.insert(conn, copied)
        assert beginning.find_initiators(conn, chain) == ("eda", "fay", "ann")
        assert beginning.find_initiators(conn, copied) == ("cat", "eda", "fay", "ann")
        attached = make.run("x", kind=RunKind.ATTACHED, created_by="another")
        assert beginning.find_initiators(conn, attached) == ()
        lost = make.run("y", thread_id="gone", kind=RunKind.COPY, created_by="cat")
        assert beginning.find_initiators(conn, lost) == ("cat",)


# -- votes ------------------------------------------------------------------------------------------


def test_two_people_who_say_the_same_decide(app, ask):
    card = ask("two")
    counted = decide(app, card, Intent(verb=Verb.APPROVE, reason="ok"), actor="ann")
    assert isinstance(counted, Counted)
    assert (counted.missing, counted.run_id, counted.changed) == (1, None, None)
    assert counted.approval.status is ApprovalStatus.PENDING
    made = decide(app, card, actor="ben")
    assert made.decision.actor == "ben"
    with read(app.engine) as conn:
        entries = {e.action: e for e in audit.fetch_many(conn, limit=9)}
        kept = votes.fetch_on(conn, card.approval_id, 1)
        assert len(decisions.fetch_for_approval(conn, card.approval_id)) == 1
    assert [(v.actor, v.verb, v.reason) for v in kept] == [
        ("ann", Verb.APPROVE, "ok"),
        ("ben", Verb.APPROVE, ""),
    ]
    assert (entries["vote:approve"].actor, entries["vote:approve"].after["missing"]) == ("ann", 1)
    assert entries["decide:approve"].actor == "ben"
    assert observing.get_card(app, card.approval_id).votes == tuple(kept)
    with pytest.raises(Conflict, match="ben chose approve"):
        decide(app, card, actor="cyd")


def test_nobody_votes_twice_but_may_change_their_mind(app, ask):
    card = ask("both")
    decide(app, card, actor="ann")
    with pytest.raises(Conflict, match="voted so already; it takes 1 more") as caught:
        decide(app, card, actor="ann")
    assert caught.value.winner["actor"] == "ann"
    changed = decide(app, card, NO, actor="ann")
    assert (changed.missing, changed.changed.verb) == (1, Verb.APPROVE)
    decide(app, card, actor="ben")
    assert decide(app, card, NO, actor="cyd").decision.verb is Verb.REJECT
    with read(app.engine) as conn:
        cast = votes.fetch_on(conn, card.approval_id, 1)
    assert sorted((v.actor, v.verb.value) for v in cast) == [
        ("ann", "reject"),
        ("ben", "approve"),
        ("cyd", "reject"),
    ]


def test_one_no_ends_it(app, ask):
    card = ask("two")
    decide(app, card, actor="ann")
    assert decide(app, card, NO, actor="ben").decision.verb is Verb.REJECT


def test_an_edit_is_a_new_version_on_which_nobody_else_has_voted(app, ask):
    action = {
        "action_request": {"action": "pay", "args": {"eur": 5}},
        "config": {"allow_accept": True, "allow_edit": True, "allow_ignore": True},
        "description": "",
    }
    card = ask("two", action)
    decide(app, card, actor="ann")
    counted = decide(app, card, Intent(verb=Verb.EDIT, value={"eur": 4}), actor="ben")
    assert (counted.approval.version, counted.missing) == (2, 1)
    assert [v.actor for v in counted.votes] == ["ben"]
    with pytest.raises(Conflict, match="version 2"):
        decide(app, card, actor="cyd")  # who still sees the version before
    with pytest.raises(NotFound, match="ann"):
        deciding.agree(app, card.approval_id, with_="ann", version=2, actor="cyd")
    made = deciding.agree(
        app, card.approval_id, with_="ben", version=2, actor="ann", reason="right"
    )
    assert (made.decision.version, made.decision.reason) == (2, "right")
    assert made.decision.answer[0]["args"]["args"] == {"eur": 4}
    assert [v.version for v in observing.get_card(app, card.approval_id).votes] == [1, 2, 2]


def test_the_deadline_acts_over_votes_that_are_not_enough(app, ask, frozen):
    card = ask("two")
    decide(app, card, actor="ann")
    frozen.advance(seconds=901)
    assert deadlines.carry_out_due(app).done == 1
    with read(app.engine) as conn:
        (made,) = decisions.fetch_for_approval(conn, card.approval_id)
    assert (made.verb, made.by_deadline) == (Verb.REJECT, True)


@ONE
def test_what_is_written_beside_a_decision_is_beside_no_vote(app, ask):
    card = ask("two")
    with pytest.raises(InvalidInput, match="takes 2 people"):
        decide(app, card, also=Beside(write=lambda conn, run_id: None))
    assert observing.get_card(app, card.approval_id).votes == ()


def test_of_many_who_vote_at_once_exactly_one_decides(app, ask):
    """Each of six people says yes twice at the same moment, to a card that takes three."""
    with write(app.engine) as conn:
        conn.exec_driver_sql("SELECT 1")
    card = ask("two")
    with write(app.engine) as conn:
        route = replace(card.route, quorum=3)
        conn.execute(approvals.approvals.update().values(**approvals.route_columns(route)))
    together = threading.Barrier(12)

    def vote(number):
        together.wait()
        try:
            return decide(app, card, actor=f"p{number % 6}")
        except Conflict as exc:
            return exc

    with ThreadPoolExecutor(12) as pool:
        came = list(pool.map(vote, range(12)))
    decided = [each for each in came if not isinstance(each, Counted | Conflict)]
    assert len(decided) == 1
    assert sum(isinstance(each, Counted) for each in came) == 2
    with read(app.engine) as conn:
        cast = votes.fetch_on(conn, card.approval_id, 1)
        assert len(decisions.fetch_for_approval(conn, card.approval_id)) == 1
        assert len(runs.find_open_or_held(conn, card.thread_id)) == 1
    assert len({v.actor for v in cast}) == len(cast) == 3


# -- answers that were planned ----------------------------------------------------------------------


@ONE
def test_who_asked_for_it_before_is_somebody_as_of_now(app, ask, sign_in):
    card, two = ask("money", {"amount": 10}), ask("two")
    with read(app.engine) as conn:
        voting.require_alone(card, voting.person_named(conn, "anybody"))
        with pytest.raises(InvalidInput, match="takes 2 people"):
            voting.require_alone(two, voting.person_named(conn, "anybody"))
    sign_in("fin", Role.OPERATOR, "finance")
    sign_in("ben")
    with read(app.engine) as conn:
        voting.require_alone(card, voting.person_named(conn, "fin"))
        for name in ("ben", "nobody"):
            with pytest.raises(NotAllowed):
                voting.require_alone(card, voting.person_named(conn, name))


# -- lists ------------------------------------------------------------------------------------------


def test_what_is_mine_to_decide_is_listed(app, ask, sign_in, frozen):
    cards = {
        "free": ask("free"),
        "small": ask("money", {"amount": 10}),
        "large": ask("money", {"amount": 9999}, name="t2"),
        "owner": ask("owner", values={"owner": ["Zoe_"]}),
        "lost": ask("owner", name="t3"),
        "other": ask("other", created_by="ben"),
        "two": ask("two"),
    }
    names = {card.approval_id: name for name, card in cards.items()}
    who = {
        "ben": sign_in("ben"),
        "fin": sign_in("fin", Role.VIEWER, "finance"),
        "Zoe_": sign_in("Zoe_"),
        "zoe_": sign_in("zoe_"),
        "ada": sign_in("ada", Role.ADMIN, "leads"),
    }

    def mine(name):
        wanted = InboxFilter(mine=permitting.resolve(who[name]))
        found = sifting.list_cards(app, wanted, limit=50)
        assert len(found) == sifting.count(app, wanted)
        return {names[card.approval_id] for card in found}

    def may(name):
        person = permitting.resolve(who[name])
        return {n for n, card in cards.items() if not voting.routing.why_not(card, person)}

    assert mine("ben") == may("ben") == {"free", "two"}
    assert mine("fin") == may("fin") == {"small"}
    assert mine("Zoe_") == may("Zoe_") == {"free", "owner", "other", "two"}
    assert mine("zoe_") == may("zoe_") == {"free", "other", "two"}
    assert mine("ada") == may("ada") == {"free", "large", "lost", "other", "two"}
    decide(who["ben"], cards["two"], actor="ben")
    assert mine("ben") == {"free"}
    everybody = InboxFilter(mine=people.trusted("ann"))
    assert sifting.count(app, everybody) == len(cards)
    of_group = sifting.list_cards(app, InboxFilter(approver="group:finance"), limit=9)
    assert [names[card.approval_id] for card in of_group] == ["small"]
    assert sifting.count(app, InboxFilter(approver="Zoe_")) == 1
    frozen.advance(seconds=901)
    while deadlines.carry_out_due(app).done:
        pass
    assert sifting.count(app, InboxFilter(approver="group:board")) == 2


def test_cards_are_listed_by_the_priority_of_their_policy(app, ask, frozen):
    first = ask("free")
    frozen.advance(seconds=1)
    urgent = ask("other")
    by = {"sort": Sort.PRIORITY, "limit": 1}
    everything = InboxFilter(statuses=())
    (top,) = sifting.list_cards(app, everything, **by)
    assert top.approval_id == urgent.approval_id
    (following,) = sifting.list_cards(app, InboxFilter(), after=top.approval_id, **by)
    assert following.approval_id == first.approval_id


# -- what goes past a question -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "who", "told"),
    [
        ("money", ("bob", Role.OPERATOR), "the group finance"),
        ("money", ("root", Role.ADMIN), "the group finance"),
        ("two", ("bob", Role.OPERATOR), "takes 2 people"),
        ("other", ("ann", Role.OPERATOR), "launched or set back"),
    ],
)
def test_nobody_goes_past_a_question_that_others_decide(app, ask, sign_in, node, who, told):
    card = ask(node, {"amount": 5})
    person = permitting.resolve(sign_in(*who))
    with pytest.raises(NotAllowed, match=told):
        stand_in(app, card, person, as_node=node)
    with pytest.raises(NotAllowed, match=told):
        stand_in(app, card, person, as_node=None)


def test_whoever_decides_a_card_may_go_past_it_too(app, ask, sign_in):
    card = ask("money", {"amount": 5})
    stand_in(
        app, card, permitting.resolve(sign_in("fin", Role.OPERATOR, "finance")), as_node="money"
    )
    stand_in(app, ask("free"), permitting.resolve(sign_in("bob")), as_node="free")
    stand_in(app, card, people.trusted("local"), as_node="money")
    stand_in(app, card, None, as_node="money")


@ONE
def test_what_a_node_would_ask_is_not_gone_past_before_it_is_asked(app, ask, sign_in):
    card = ask("free")
    bob, root = permitting.resolve(sign_in("bob")), permitting.resolve(sign_in("root", Role.ADMIN))
    for node in ("money", "two", "other"):
        with pytest.raises(NotAllowed, match="let it ask"):
            stand_in(app, card, bob, as_node=node, checkpoint_id="c0")
        stand_in(app, card, root, as_node=node, checkpoint_id="c0")


@ONE
def test_a_question_within_a_subgraph_is_not_gone_past_by_the_name_of_the_whole(app, ask, sign_in):
    with write(app.engine) as conn:
        inner = workflow_rows.fetch(conn, "refunds")
        policy = {"approval": {"check/review": {"approvers": ["group:finance"]}}}
        workflow_rows.replace_all(conn, [replace(inner, policy=policy)])
    bob = permitting.resolve(sign_in("bob"))
    card = ask("free")
    with pytest.raises(NotAllowed, match="let it ask"):
        stand_in(app, card, bob, as_node="check", checkpoint_id="c0")
    card = ask("check/review")
    with pytest.raises(NotAllowed, match="the group finance"):
        stand_in(app, card, bob, as_node="check", checkpoint_id="c0")


@pytest.mark.parametrize("verb", [RewindVerb.RERUN, RewindVerb.EDIT])
@ONE
def test_nobody_goes_past_a_breakpoint_that_others_decide(app, make, sign_in, verb):
    with write(app.engine) as conn:
        card = make.put_approval(
            conn,
            "a1",
            thread_id="t1",
            kind=Kind.BREAKPOINT,
            node="send",
            route=Route(approvers=("group:finance",)),
        )
    bob = permitting.resolve(sign_in("bob"))
    with pytest.raises(NotAllowed, match="the group finance"):
        stand_in(app, card, bob, as_node=None, verb=verb)
    fin = permitting.resolve(sign_in("fin", Role.OPERATOR, "finance"))
    stand_in(app, card, fin, as_node=None, verb=verb)


@ONE
def test_a_failed_node_is_tried_again_by_whoever_decides_that_alone(app, make, sign_in):
    with write(app.engine) as conn:
        made = make.put_run(
            conn,
            "r1",
            status=RunStatus.PAUSED,
            error=Failure(type="ValueError", message="no", stack=""),
        )
        thread_rows.touch(conn, made.thread_id, last_run_id=made.run_id, now=app.clock.now())
        make.put_approval(
            conn,
            "a1",
            kind=Kind.FAILURE,
            node="charge",
            interrupt_id=None,
            route=Route(approvers=("group:finance",)),
        )
    with pytest.raises(NotAllowed, match="the group finance"):
        running.retry(sign_in("bob"), "r1", actor="bob")
    assert running.retry(sign_in("fin", Role.OPERATOR, "finance"), "r1", actor="fin")


@ONE
def test_a_vote_of_who_has_left_the_group_counts_no_more(app, ask, sign_in):
    card = ask("both")
    ann = sign_in("ann2", Role.OPERATOR)
    ben, cid = sign_in("ben", Role.OPERATOR), sign_in("cid", Role.OPERATOR)
    assert isinstance(decide_as(ann, card, "ann2"), Counted)
    with write(app.engine) as conn:
        operators.change(conn, "ann2", {"role": Role.VIEWER.value})
    assert isinstance(decide_as(ben, card, "ben"), Counted)
    assert not isinstance(decide_as(cid, card, "cid"), Counted)


def decide_as(who, card, actor):
    return deciding.decide(who, card.approval_id, YES, version=None, actor=actor)


def stand_in(app, card, person, *, as_node, checkpoint_id="c1", verb=RewindVerb.EDIT):
    with read(app.engine) as conn:
        thread = thread_rows.fetch(conn, card.thread_id)
        standing_in.require_may(
            conn, person, thread, verb=verb, checkpoint_id=checkpoint_id, as_node=as_node
        )
