from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from langgraph.errors import GraphInterrupt
from sqlalchemy import update

from interlock.core.clock import SystemClock
from interlock.core.errors import BreakerOpen, NotFound, StoreUnavailable
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
from interlock.core.model.policies import BreakerRules, NodePolicy
from interlock.core.queue.local import LocalQueue
from interlock.core.services import tripping
from interlock.core.services.context import App
from interlock.core.services.tripping import Traffic, Wanted
from interlock.core.settings import Settings
from interlock.core.store import audit
from interlock.core.store import breakers as store
from interlock.core.store.engine import read, write
from interlock.core.store.schema_sight import breakers
from interlock.core.worker import breaker_counts
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


def test_all_changes_are_written_before_their_topic(app, list_written):
    tripping.enlist(app, [Wanted("quotes", BreakerRules(), (CHARGE,)), PAYMENTS])
    assert list_written(
        app.engine, lambda: tripping.enlist(app, [Wanted("mail", BreakerRules(), ())], is_all=True)
    ) == ["breakers", "topics"]


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


def total(app, name="payments") -> Traffic:
    return sum(tripping.read_board(app, since=app.clock.now()).traffic[name], Traffic())


def test_a_board_shows_the_traffic_of_the_last_two_minutes_by_span(app, frozen):
    tripping.enlist(app, [PAYMENTS, replace(PAYMENTS, name="other")])
    ended = [(5, Traffic(2, 1)), (15, Traffic(refused=1)), (115, Traffic(1)), (300, Traffic(1, 1))]
    frozen.advance(seconds=310 - frozen.now().timestamp() % 10)
    now = frozen.now()
    for ago, traffic in ended:
        start = now + timedelta(seconds=10 - ago - 5)
        tripping.count_calls(app, {("payments", start): traffic, ("gone", start): Traffic(1)})
    board = tripping.read_board(app, since=now)
    spans = board.traffic["payments"]
    assert (spans[0], spans[10], spans[11]) == (Traffic(1), Traffic(refused=1), Traffic(2, 1))
    assert (total(app), total(app, "other")) == (Traffic(3, 1, 1), Traffic())
    assert set(board.traffic) == {"payments", "other"}
    frozen.advance(seconds=3600)
    tripping.count_calls(app, {})
    with read(app.engine) as conn:
        assert {row.name for row in store.fetch_counts(conn, since=now - timedelta(days=1))} == {
            "gone",
            "payments",
        }
    frozen.advance(seconds=60)
    tripping.count_calls(app, {})
    with read(app.engine) as conn:
        assert store.fetch_counts(conn, since=now - timedelta(days=1)) == []


async def test_each_breaker_counts_what_passed_its_own_guard(app, frozen):
    """Two tools of one node: one cut off, the other healthy; what did not end is no call."""
    guard = Breakers(app)
    rules = BreakerRules(failures=3, reset_s=600)

    async def call(tool, error=None):
        place = Place(workflow="refunds", path="tools", policy=NodePolicy(breaker=rules), tool=tool)
        about = Call(place=place, run=SimpleNamespace(run_id="r1"), task_id="t", notes=Notes())
        async with guard.around_async(about):
            if error is not None:
                raise error

    for _ in range(5):
        with suppress(TimeoutError, BreakerOpen):
            await call("one", TimeoutError())
        await call("two")
    for error in (ValueError("mine"), GraphInterrupt(), BreakerOpen("x", name="b")):
        with suppress(type(error)):
            await call("two", error)
    guard.stop()

    assert total(app, "refunds/tools:one") == Traffic(calls=3, errors=3, refused=2)
    assert total(app, "refunds/tools:two") == Traffic(calls=6, errors=1)


def test_what_cannot_be_written_now_is_written_later(app, frozen, monkeypatch):
    tripping.enlist(app, [PAYMENTS])
    board = Board(app)
    monkeypatch.setattr(breaker_counts, "KEPT_COUNT", 2)
    with monkeypatch.context() as away:
        away.setattr(tripping, "count_calls", fail_to_reach)
        for _ in range(3):
            board.count("payments", None)
            board._write_calls()
            frozen.advance(seconds=10)
    board.count("payments", None)
    board.stop()
    assert total(app) == Traffic(calls=3)  # the oldest is forgotten


def fail_to_reach(*_):
    raise StoreUnavailable("It is away.")


def test_the_databases_clock_is_measured_anew_though_nothing_happens(app, frozen, monkeypatch):
    tripping.enlist(app, [PAYMENTS])
    board = Board(app)
    board.enlist([], is_all=False)
    ahead = timedelta(seconds=40)
    monkeypatch.setattr(tripping, "fetch_now", lambda app, _: app.clock.now() + ahead)
    board._look()
    assert board._now() == frozen.now()
    frozen.advance(seconds=60)
    board._look()
    assert board._now() == frozen.now() + ahead


def test_a_board_without_breakers_is_empty(app, frozen):
    board = tripping.read_board(app, since=frozen.now())
    assert (list(board.breakers), dict(board.traffic), list(board.events)) == ([], {}, [])


def call_of(run_id="r1", path="charge", tool=""):
    policy = NodePolicy(breaker=RULES.model_copy(update={"name": "payments"}))
    place = Place(workflow="refunds", path=path, policy=policy, tool=tool)
    return Call(run=SimpleNamespace(run_id=run_id), place=place, task_id="t", notes=Notes())


async def test_branches_of_one_run_wait_for_its_probe_and_others_are_refused(app, frozen):
    """Else the branch that is refused would make LangGraph cancel the probe beside it, each time."""
    trip(app)
    frozen.advance(seconds=RULES.reset_s)
    guard = Breakers(app)
    has_begun, may_end, order = asyncio.Event(), asyncio.Event(), []

    async def branch(name):
        async with guard.around_async(call_of()):
            order.append(name)
            has_begun.set()
            await may_end.wait()

    try:
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for name in range(4):
                group.create_task(branch(name))
            await has_begun.wait()
            for other in (call_of("r2"), call_of(path="charge/inner"), call_of(tool="pay")):
                with pytest.raises(BreakerOpen, match="in flight"):
                    async with guard.around_async(other):
                        pass
            assert order == [0]
            may_end.set()
    finally:
        guard.stop()

    assert sorted(order) == [0, 1, 2, 3]
    assert only(app).state == BreakerState.CLOSED


async def test_branches_that_waited_for_a_probe_that_failed_are_refused(app, frozen):
    trip(app)
    frozen.advance(seconds=RULES.reset_s)
    guard = Breakers(app)

    async def branch():
        async with guard.around_async(call_of()):
            raise ConnectionError("still gone")

    try:
        async with asyncio.timeout(30):
            ends = await asyncio.gather(*(branch() for _ in range(4)), return_exceptions=True)
    finally:
        guard.stop()

    assert [type(end) for end in ends] == [ConnectionError, BreakerOpen, BreakerOpen, BreakerOpen]


async def test_a_branch_takes_over_where_the_probe_of_its_run_was_cancelled(app, frozen):
    trip(app)
    frozen.advance(seconds=RULES.reset_s)
    guard = Breakers(app)

    has_begun = asyncio.Event()

    async def probe():
        async with guard.around_async(call_of()):
            has_begun.set()
            await asyncio.Event().wait()

    async def branch():
        async with guard.around_async(call_of()):
            pass

    try:
        async with asyncio.timeout(30):
            first = asyncio.create_task(probe())
            await has_begun.wait()
            second = asyncio.create_task(branch())
            await asyncio.sleep(0)
            first.cancel()
            await second
    finally:
        guard.stop()

    assert only(app).state == BreakerState.CLOSED


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


class Off(SystemClock):
    """A machine's clock that goes wrong by some seconds."""

    def __init__(self, seconds: float) -> None:
        self._by = timedelta(seconds=seconds)

    def now(self):
        return super().now() + self._by


@pytest.fixture(params=[-60, 60])
def other(app, request) -> App:
    """A worker whose clock is a minute behind, or ahead."""
    return replace(app, clock=Off(request.param))


@pytest.fixture
def right(app) -> App:
    return replace(app, clock=SystemClock())


def test_no_clock_that_is_off_lets_a_second_probe_through(right, other):
    soon = replace(PAYMENTS, rules=BreakerRules(failures=1, reset_s=0.001))
    for first, second in [(right, other), (other, right)]:
        tripping.enlist(first, [soon])
        tripping.order(first, "payments", Order.RESET, actor="ann")
        passed = Pass(only(first).epoch)
        opened = tripping.tell(first, "payments", passed, Outcome.FAILURE)
        ago = SystemClock().now() - opened.opened_at
        assert abs(ago.total_seconds()) < PROBE_LEASE_S
        assert opened.retry_at == opened.opened_at + timedelta(milliseconds=1)
        won = first_probe(first)
        assert tripping.claim_probe(second, "payments")[0] is None
        assert tripping.renew_probe(first, "payments", won)
        assert tripping.claim_probe(second, "payments")[0] is None
        lease = only(first).probe_until - SystemClock().now()
        assert abs(lease.total_seconds() - PROBE_LEASE_S) < PROBE_LEASE_S


def first_probe(app: App) -> Pass:
    """Ask until the millisecond after which a probe may follow is over."""
    while True:
        passed, _ = tripping.claim_probe(app, "payments")
        if passed is not None:
            return passed


def test_a_worker_whose_clock_is_off_knows_when_a_probe_is_due(right, other):
    board = Board(other)
    late = replace(PAYMENTS, rules=BreakerRules(failures=1, reset_s=45))
    board.enlist([], is_all=False)
    tripping.enlist(right, [late])
    tripping.tell(right, "payments", Pass(0), Outcome.FAILURE)
    with pytest.raises(BreakerOpen) as refused:
        board.enter(late, "r1")
    wait = refused.value.retry_at - SystemClock().now()
    assert 15 < wait.total_seconds() <= 45.1
    assert only(right).state == BreakerState.OPEN
    with write(right.engine) as conn:  # the time passes
        conn.execute(update(breakers).values(retry_at=SystemClock().now() - timedelta(seconds=1)))
    tripping.count_refusals(right, {"payments": 1})  # so that it is looked at anew
    board._look()
    assert board.enter(late, "r1").probe == only(right).probe_by
    board.stop()
