from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest

from interlock.core.errors import BreakerOpen, NotFound
from interlock.core.graphs.guarding import Call, Place
from interlock.core.graphs.notes import Notes
from interlock.core.model.breaker import (
    PROBE_LEASE_S,
    BreakerState,
    Order,
    Outcome,
    Pass,
    Served,
)
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.policies import BreakerRules, NodePolicy
from interlock.core.queue.local import LocalQueue
from interlock.core.services import tripping
from interlock.core.services.context import App
from interlock.core.services.tripping import Traffic, Wanted
from interlock.core.settings import Settings
from interlock.core.store import audit, nodes
from interlock.core.store.engine import read, write
from interlock.core.worker.breaker_board import Board
from interlock.core.worker.breaking import Breakers

RULES = BreakerRules(failures=2, reset_s=30)
CHARGE = Served("refunds", "charge")
PAYMENTS = Wanted("payments", RULES, (CHARGE,))


@pytest.fixture
def app(engine, frozen) -> App:
    return App(settings=Settings(), engine=engine, queue=LocalQueue(), clock=frozen)


def trip(app: App) -> None:
    tripping.enlist(app, [PAYMENTS])
    for _ in range(RULES.failures):
        tripping.tell(app, "payments", Pass(0), Outcome.FAILURE, run_id="r1")


def only(app: App):
    (found,) = tripping.list_breakers(app)
    return found


def test_a_new_breaker_is_closed_and_a_known_one_keeps_its_state(app):
    trip(app)
    opened = only(app)
    assert opened.state == BreakerState.OPEN
    other = replace(PAYMENTS, rules=BreakerRules(failures=9), serves=(Served("orders", "pay"),))
    known = tripping.enlist(app, [other])
    assert opened.opened_at == known.breakers["payments"].opened_at
    assert only(app).rules.failures == 9
    assert (CHARGE, Served("orders", "pay")) == only(app).serves


def test_what_policies_no_longer_name_is_not_listed_and_keeps_its_state(app):
    trip(app)
    tripping.enlist(app, [], is_all=True)
    assert tripping.list_breakers(app) == []
    tripping.enlist(app, [PAYMENTS], is_all=True)
    assert only(app).state == BreakerState.OPEN


def test_nothing_moves_where_nothing_changed(app):
    head = tripping.enlist(app, [PAYMENTS]).head
    assert head == tripping.enlist(app, [PAYMENTS], is_all=True).head
    assert tripping.read_known(app, head=head) is None
    tripping.count_refusals(app, {"payments": 2})
    assert tripping.read_known(app, head=head).breakers["payments"].short_circuited == 2


def test_a_late_failure_is_not_counted_and_is_no_event(app, frozen):
    trip(app)
    tripping.order(app, "payments", Order.RESET, actor="ann")
    assert tripping.tell(app, "payments", Pass(0), Outcome.FAILURE).failures == ()
    board = tripping.read_board(app, since=frozen.now())
    assert [e.cause for e in board.events] == ["reset by an operator", "2 failures within 60 s"]
    assert [e.run_id or "" for e in board.events] == ["", "r1"]


def test_who_changes_a_state_is_told_and_nobody_else(app, frozen):
    tripping.enlist(app, [Wanted("payments", BreakerRules(failures=2), ())])
    told: list[tuple[str, str]] = []

    def fail() -> None:
        tripping.tell(
            app,
            "payments",
            Pass(0),
            Outcome.FAILURE,
            on_change=lambda breaker, cause: told.append((breaker.state.value, cause)),
        )

    fail()
    assert told == []
    fail()
    fail()  # it began before
    assert told == [("open", "2 failures within 60 s")]


def test_of_many_at_once_one_is_the_probe(app, frozen):
    trip(app)
    frozen.advance(seconds=30)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: tripping.claim_probe(app, "payments"), range(40)))
    (won,) = [passed for passed, _ in results if passed is not None]
    assert won.probe == only(app).probe_by
    tripping.tell(app, "payments", won, Outcome.SUCCESS)
    assert only(app).state == BreakerState.CLOSED


def test_no_probe_before_its_time_nor_while_it_is_held(app, frozen):
    trip(app)
    assert tripping.claim_probe(app, "payments")[0] is None
    tripping.order(app, "payments", Order.OPEN, actor="ann")
    frozen.advance(seconds=1000)
    assert tripping.claim_probe(app, "payments")[0] is None


def test_a_probe_that_is_renewed_keeps_its_lease_and_a_lost_one_does_not(app, frozen):
    trip(app)
    frozen.advance(seconds=30)
    first, _ = tripping.claim_probe(app, "payments")
    frozen.advance(seconds=20)
    assert tripping.renew_probe(app, "payments", first)
    frozen.advance(seconds=20)
    assert tripping.claim_probe(app, "payments")[0] is None
    frozen.advance(seconds=20)
    second, _ = tripping.claim_probe(app, "payments")
    assert not tripping.renew_probe(app, "payments", first)
    tripping.tell(app, "payments", first, Outcome.SUCCESS)
    assert (BreakerState.HALF_OPEN, second.probe) == (only(app).state, only(app).probe_by)


def test_a_call_goes_through_once_anothers_probe_went_well(app, frozen):
    """Its own worker has not seen yet that the breaker is closed again."""
    trip(app)
    board = Board(app)
    board.enlist([], is_all=False)
    frozen.advance(seconds=30)
    won, _ = tripping.claim_probe(app, "payments")
    with pytest.raises(BreakerOpen):
        board.enter(PAYMENTS, "r2")
    tripping.tell(app, "payments", won, Outcome.SUCCESS)
    frozen.advance(seconds=PROBE_LEASE_S)
    assert board.enter(PAYMENTS, "r2") == Pass(only(app).epoch) == board.peek("payments")
    assert only(app).short_circuited == 1


def test_an_order_is_audited_with_its_reason(app):
    tripping.enlist(app, [PAYMENTS])
    tripping.order(app, "payments", Order.OPEN, actor="ann", reason="bank is down")
    with read(app.engine) as conn:
        (entry,) = audit.fetch_many(conn, limit=10)
    assert (
        entry.actor,
        entry.action,
        entry.object,
        entry.reason,
    ) == ("ann", "breaker open", "breaker:payments", "bank is down")
    assert entry.after == {"state": "open", "held": "open"}


def test_an_unknown_breaker_is_named_with_those_there_are(app):
    tripping.enlist(app, [PAYMENTS])
    with pytest.raises(NotFound, match="There are: payments"):
        tripping.order(app, "other", Order.OPEN, actor="ann")


def test_a_board_shows_the_traffic_of_the_last_two_minutes_by_span(app, make, frozen):
    tripping.enlist(app, [replace(PAYMENTS, serves=(CHARGE, Served("refunds", "charge", "pay")))])
    ended = [
        (5, NodeStatus.OK),
        (5, NodeStatus.ERROR),
        (5, NodeStatus.INTERRUPTED),
        (15, NodeStatus.SHORT_CIRCUITED),
        (115, NodeStatus.OK),
        (300, NodeStatus.ERROR),
    ]
    frozen.advance(seconds=300)
    now = frozen.now()
    with write(app.engine) as conn:
        make.put_run(conn)
        nodes.upsert_many(
            conn,
            [
                make.node_run(f"t{n}", path="charge", status=status, ended_at=make.at(300 - ago))
                for n, (ago, status) in enumerate(ended)
            ],
        )
    assert now == make.at(300)
    spans = tripping.read_board(app, since=now).traffic["payments"]
    assert (Traffic(calls=1), Traffic(refused=1), Traffic(calls=2, errors=1)) == (
        spans[0],
        spans[10],
        spans[11],
    )
    assert Traffic(calls=3, errors=1, refused=1) == Traffic(
        *(sum(getattr(s, name) for s in spans) for name in ("calls", "errors", "refused"))
    )


def test_a_board_without_breakers_is_empty(app, frozen):
    board = tripping.read_board(app, since=frozen.now())
    assert (list(board.breakers), dict(board.traffic), list(board.events)) == ([], {}, [])


async def test_the_log_of_the_run_whose_call_opened_a_breaker_says_so(app):
    policy = NodePolicy(breaker=BreakerRules(failures=2))
    place = Place(workflow="refunds", path="charge", policy=policy)
    told: list[tuple[str, str]] = []
    call = Call(
        run=SimpleNamespace(run_id="r1"),
        place=place,
        task_id="t",
        notes=Notes(lambda text, path: told.append((text, path))),
    )
    guard = Breakers(app)
    try:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                async with guard.around_async(call):
                    raise ConnectionError("gone")
    finally:
        guard.stop()
    assert told == [("The breaker 'refunds/charge' opened: 2 failures within 60 s.", "charge")]
