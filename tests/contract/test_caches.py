"""What caches keep, how they let go of it, and what is counted: the same on both databases."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from operator import add
from pathlib import Path
from typing import Annotated, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from sqlalchemy import select, update

from interlock.core.errors import NotFound, StoreUnavailable
from interlock.core.graphs.caching import NodeCaches, origin_of
from interlock.core.graphs.guarding import Place as NodePlace
from interlock.core.graphs.notes import Notes
from interlock.core.graphs.serde import serializer_for
from interlock.core.model.caches import Asked, Clearing, Counts, Place, Tier
from interlock.core.model.policies import CacheRules, NodePolicy, WorkflowPolicy
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.spans import HOUR, floor
from interlock.core.queue.local import LocalQueue
from interlock.core.services import caching, keeping, presence
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import audit, cache_counts, topics
from interlock.core.store import caches as table
from interlock.core.store import engine as engines
from interlock.core.store.schema_sight import cache_counters, cache_entries
from interlock.core.types import RunId, ThreadId
from interlock.core.worker.caches import Caches
from tests.published import published

NODE = Place("quotes", "price")


def ask(key: str, place: Place = NODE, **more) -> Asked:
    return Asked(place=place, namespace=f"ns-{place}", key=key, **{"question": key, **more})


@pytest.fixture
def app(engine, frozen) -> App:
    return App(settings=Settings(), engine=engine, queue=LocalQueue(), clock=frozen)


@pytest.fixture
def caches(app):
    made = Caches(app)
    yield made
    made.close()


@pytest.fixture
def other(app):
    """Another worker on the same database."""
    made = Caches(app)
    yield made
    made.close()


def put(caches: Caches, asked: Asked, value: bytes = b"v", cost_ms: float = 100.0) -> bool:
    return caches.keep(asked, "msgpack", value, cost_ms=cost_ms, clears=caches.clears)


def counts(app: App, place: Place = NODE) -> Counts:
    with engines.read(app.engine) as conn:
        since = app.clock.now().replace(year=2000)
        return cache_counts.fetch_sums(conn, since=since).get(place, Counts())


def test_a_hit_of_a_lower_tier_is_promoted(app, caches, other):
    put(caches, ask("a"))
    assert [other.find(ask("a")).tier, other.find(ask("a")).tier] == [Tier.DATABASE, Tier.MEMORY]
    other.flush()
    caches.flush()
    found = counts(app)
    assert (found.database_hits, found.memory_hits, found.stores) == (1, 1, 1)
    assert found.saved_ms == 200.0


def test_an_entry_is_not_used_after_its_time(caches, other, frozen):
    put(caches, ask("a", ttl_s=60))
    frozen.advance(seconds=59)
    assert caches.find(ask("a")) is not None
    frozen.advance(seconds=1)
    assert caches.recall(ask("a")) is None
    assert caches.find(ask("a")) is None
    assert other.find(ask("a")) is None


def test_expired_entries_are_deleted(app, caches, frozen):
    put(caches, ask("a", ttl_s=60))
    frozen.advance(seconds=61)
    assert keeping.tidy(app, now=frozen.now()) == 1


def test_counts_are_kept_for_90_days(app, caches, frozen):
    caches.miss(NODE)
    caches.flush()
    frozen.advance(seconds=90 * 86400)
    caches.miss(NODE)
    caches.flush()
    (figures,) = caching.list_caches(app)
    assert figures.counts.misses == 2
    frozen.advance(seconds=3600)  # what is old is kept by the hour
    (figures,) = caching.list_caches(app)
    assert figures.counts.misses == 1
    assert counts(app).misses == 2
    keeping.tidy(app, now=frozen.now())
    assert counts(app).misses == 1


def test_all_caches_together_are_counted_as_the_list_counts_them_and_beside_the_hour_before(
    app, frozen
):
    now = frozen.now().replace(second=0, microsecond=0)
    with engines.write(app.engine) as conn:
        counted = {
            (NODE, now): Counts(memory_hits=2, misses=1),
            (Place("quotes", "other"), now - timedelta(minutes=59)): Counts(misses=3),
            (NODE, now - timedelta(minutes=90)): Counts(database_hits=5),
            (NODE, now - timedelta(minutes=150)): Counts(misses=7),
        }
        cache_counts.add(conn, counted)
    last, before = caching.count_all(app, window=HOUR)
    listed = [each.counts for each in caching.list_caches(app, window=HOUR)]
    assert (
        (last.hits, last.lookups)
        == (2, 6)
        == tuple(sum(getattr(each, name) for each in listed) for name in ("hits", "lookups"))
    )
    assert (before.hits, before.lookups) == (5, 5)


def test_counts_that_are_not_new_are_added_up_to_hours(app, frozen):
    hour = frozen.now().replace(minute=0, second=0, microsecond=0)
    minutes = [hour + timedelta(minutes=n) for n in (0, 1, 59, 60, 150)]
    counted = {(NODE, at): Counts(misses=1, memory_hits=2, saved_ms=0.5) for at in minutes}
    counted[Place("quotes", "tax"), minutes[1]] = Counts(stores=3)

    def fold(before: timedelta, **more) -> int:
        with engines.write(app.engine) as conn:
            return cache_counts.fold(conn, before=hour + before, **{"max_hours": 9, **more})

    with engines.write(app.engine) as conn:
        cache_counts.add(conn, counted)
    assert fold(timedelta(hours=3), max_hours=1) == 1
    assert fold(timedelta(hours=2, minutes=59)) == 0  # the last hour is not over
    assert fold(timedelta(hours=3)) == 1
    with engines.write(app.engine) as conn:  # counted after an outage
        cache_counts.add(conn, {(NODE, minutes[2]): Counts(misses=1)})
    assert fold(timedelta(hours=3)) == 1
    with engines.read(app.engine) as conn:
        starts = [hour + timedelta(hours=n) for n in range(4)]
        spans = cache_counts.fetch_spans(conn, starts)
        rows = set(conn.execute(select(cache_counters.c.path, cache_counters.c.start)).all())
    assert rows == {("price", at) for at in starts[:3]} | {("tax", hour)}
    assert {at: c.misses for at, c in spans[NODE].items()} == dict(
        zip(starts[:3], (4, 1, 1), strict=True)
    )
    assert spans[NODE][hour].saved_ms == 1.5
    assert counts(app).memory_hits == 10
    assert counts(app, Place("quotes", "tax")) == Counts(stores=3)


def test_tidying_leaves_the_minutes_of_the_last_day(app, frozen):
    old, new = frozen.now() - timedelta(days=3, minutes=7), frozen.now() - timedelta(hours=24)
    with engines.write(app.engine) as conn:
        cache_counts.add(conn, {(NODE, at): Counts(misses=1) for at in (old, new)})
    keeping.tidy(app, now=frozen.now())
    with engines.read(app.engine) as conn:
        starts = set(conn.execute(select(cache_counters.c.start)).scalars())
    assert starts == {floor(old, HOUR), new}


def test_a_window_holds_the_hour_that_it_begins_in(app, frozen):
    """Where only hours are kept; a row of an hour stands at its start."""
    begun = frozen.now() - timedelta(days=7) + timedelta(minutes=2)
    with engines.write(app.engine) as conn:
        cache_counts.add(conn, {(NODE, begun.replace(second=0, microsecond=0)): Counts(misses=45)})
    keeping.tidy(app, now=frozen.now())

    (figures,) = caching.list_caches(app, window=timedelta(days=7))
    assert figures.counts.misses == 45
    assert caching.count_all(app, window=timedelta(days=7))[0].misses == 45


def test_the_longest_unused_goes_when_the_bound_is_reached(app, caches, other, frozen):
    for key in "abc":
        frozen.advance(seconds=1)
        put(caches, ask(key, max_entries=3))
    frozen.advance(seconds=1)
    assert caches.find(ask("a", max_entries=3)) is not None
    caches.flush()
    frozen.advance(seconds=1)
    put(caches, ask("d", max_entries=3))
    caches.flush()
    held = [key for key in "abcd" if other.find(ask(key)) is not None]
    assert held == ["a", "c", "d"]
    assert counts(app).evictions == 1


def test_what_cannot_be_counted_now_is_counted_the_next_time(app, caches, monkeypatch):
    def fail(*_):
        raise StoreUnavailable("It is away.")

    put(caches, ask("a"))
    for _ in range(2):
        assert caches.find(ask("a")) is not None
        with monkeypatch.context() as away, pytest.raises(StoreUnavailable):
            away.setattr(keeping, "note", fail)
            caches.flush()
    caches.flush()
    assert counts(app).hits == 2
    with engines.read(app.engine) as conn:
        assert conn.execute(select(cache_entries.c.hits)).scalar_one() == 2


def test_who_cannot_keep_what_he_made_holds_no_claim_on_it(caches, frozen, monkeypatch):
    def fail(*_, **__):
        raise StoreUnavailable("It is away.")

    asked = ask("a", once=True)
    assert caches.claim(asked)
    with monkeypatch.context() as away, pytest.raises(StoreUnavailable):
        away.setattr(keeping, "keep", fail)
        put(caches, asked)
    frozen.advance(seconds=31)  # as long as a claim lasts by itself
    assert caches.claim(asked)


def test_a_clearing_empties_the_memory_of_every_worker(app, caches, other):
    put(caches, ask("a"))
    assert other.find(ask("a")) is not None
    with engines.write(app.engine) as conn:
        assert table.clear(conn, Clearing(workflow="quotes", path="price")) == 1
        topics.bump(conn, keeping.CLEARED)
    assert caches.find(ask("a")) is None
    assert other.find(ask("a")) is None


def test_what_was_being_made_during_a_clearing_is_not_kept(app, caches):
    before = caches.clears
    with engines.write(app.engine) as conn:
        topics.bump(conn, keeping.CLEARED)
    assert caches.keep(ask("a"), "msgpack", b"old", cost_ms=1, clears=before) is False
    assert caches.find(ask("a")) is None


@pytest.mark.parametrize(
    ("clearing", "gone"),
    [
        (Clearing(), {"quotes/price:a", "quotes/price:b", "quotes/team/price:a", "other/price:a"}),
        (Clearing(workflow="quotes"), {"quotes/price:a", "quotes/price:b", "quotes/team/price:a"}),
        (Clearing(path="price"), {"quotes/price:a", "quotes/price:b", "other/price:a"}),
        (Clearing(pattern="quotes/team*"), {"quotes/team/price:a"}),
        (Clearing(pattern="b", workflow="quotes"), {"quotes/price:b"}),
        (Clearing(places=(Place("other", "price"),)), {"other/price:a"}),
    ],
)
def test_a_clearing_takes_what_it_names(app, caches, clearing, gone):
    places = [NODE, NODE, Place("quotes", "team/price"), Place("other", "price")]
    all_of = [(place, key) for place, key in zip(places, "abaa", strict=True)]
    for place, key in all_of:
        put(caches, ask(key, place))
    with engines.write(app.engine) as conn:
        assert table.clear(conn, clearing) == len(gone)
        topics.bump(conn, keeping.CLEARED)
    left = {f"{p}:{k}" for p, k in all_of if caches.find(ask(k, p)) is not None}
    assert left == {f"{p}:{k}" for p, k in all_of} - gone


def test_a_question_nearly_the_same_is_answered_by_meaning(app, caches, other):
    asked = ask("one", texts=("What is your refund policy?",), semantic=0.95)
    put(caches, replace(asked, question="What is your refund policy?"))
    near = ask("two", texts=("what is your refund policy",), semantic=0.95)
    found = other.find(near)
    assert (found.tier, found.entry.question) == (Tier.SEMANTIC, "What is your refund policy?")
    assert found.similarity == pytest.approx(1.0)
    named = origin_of(found, serializer_for(None, None))
    assert named == "semantic 1.000: What is your refund policy?"
    far = ask("three", texts=("How do I reset my password?",), semantic=0.95)
    assert other.find(far) is None
    elsewhere = replace(near, namespace="another tenant's")
    assert other.find(elsewhere) is None


def test_an_embedder_that_fails_is_a_miss(app):
    def fail(texts):
        raise RuntimeError("no model")

    caches = Caches(app, embed=fail)
    asked = ask("one", texts=("a",), semantic=0.5)
    assert put(caches, asked) is True
    assert caches.find(replace(asked, key="two")) is None
    caches.close()


def test_of_several_workers_one_makes_an_entry(caches, other, frozen):
    assert caches.claim(ask("a")) is True
    assert other.claim(ask("a")) is False
    assert caches.claim(ask("a")) is False
    assert other.find(ask("a")) is None
    put(caches, ask("a"))
    assert other.claim(ask("a")) is False
    assert other.find(ask("a")) is not None


def test_a_claim_is_given_back_or_runs_out(caches, other, frozen):
    assert caches.claim(ask("a"))
    caches.release([ask("a").id])
    assert other.claim(ask("a"))
    frozen.advance(seconds=31)  # its worker died
    assert caches.claim(ask("a"))


def test_counters_are_exact_under_8_threads_and_2_processes(app, database_url):
    script = str(Path(__file__).with_name("cache_counting.py"))
    keys = ",".join(f"k{i}" for i in range(5))
    command = [sys.executable, script, database_url, keys]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [[int(n) for n in process.communicate()[0].split()] for process in processes]
    found = counts(app)
    assert found.lookups == sum(count for _, count in told) == 80
    assert found.hits == sum(hits for hits, _ in told)
    assert found.stores == found.misses
    with engines.read(app.engine) as conn:
        assert table.fetch_sizes(conn, now=app.clock.now())[NODE][0] == 5


# -- in a graph ----------------------------------------------------------------------------


class State(TypedDict):
    question: str
    noise: int
    log: Annotated[list[str], add]


def make_run(app: App, number: int = 1, *, user="ann", tenant="north", **context) -> Run:
    return Run(
        run_id=RunId(f"run-{number}"),
        thread_id=ThreadId(f"thread-{number}"),
        workflow="quotes",
        kind=RunKind.START,
        status=RunStatus.RUNNING,
        input=None,
        context={"tenant": tenant, **context},
        options=RunOptions(),
        priority=0,
        created_at=app.clock.now(),
        created_by=user,
    )


class Desk:
    """A graph of one counted node, run as supervising does."""

    def __init__(self, caches: Caches, rules: CacheRules) -> None:
        self.slot = NodeCaches(caches)
        self.place = NodePlace(workflow="quotes", path="price", policy=NodePolicy(cache=rules))
        self.calls = 0
        self.gate: asyncio.Event | None = None
        self.started = asyncio.Event()

    async def run(self, run: Run, **given) -> tuple[list[str], Notes]:
        async def price(state: State):
            self.calls += 1
            self.started.set()
            if self.gate is not None:
                await self.gate.wait()
            return {"log": [f"made {self.calls}"]}

        notes = Notes()
        async with self.slot.around(run, notes, serializer_for(None, None)):
            builder = StateGraph(State)
            builder.add_node("price", price, cache_policy=self.slot.policy_for(self.place, run))
            builder.add_edge(START, "price").add_edge("price", END)
            graph = builder.compile(cache=self.slot.open(WorkflowPolicy(), run, notes, None))
            result = await graph.ainvoke({"question": "q", "noise": 0, "log": [], **given})
        return result["log"], notes


async def test_a_node_is_served_from_the_chosen_fields(app, caches, other):
    desk = Desk(caches, CacheRules(key=("question",)))
    assert (await desk.run(make_run(app, 1), noise=1))[0] == ["made 1"]
    log, notes = await desk.run(make_run(app, 2), noise=2)
    assert (log, notes.take_hit("price")) == (["made 1"], "memory")
    assert (await desk.run(make_run(app, 3), question="other"))[0] == ["made 2"]
    elsewhere = Desk(other, CacheRules(key=("question",)))
    log, notes = await elsewhere.run(make_run(app, 4))
    assert (log, notes.take_hit("price")) == (["made 1"], "database")
    found = counts(app)
    assert (found.memory_hits, found.database_hits, found.misses, found.stores) == (1, 1, 2, 2)


async def test_who_is_cancelled_while_he_claims_keeps_nobody_waiting(app, caches, monkeypatch):
    claims, may_claim, claim = threading.Event(), threading.Event(), keeping.claim

    def slow(*args, **more):
        claims.set()
        assert may_claim.wait(20)
        return claim(*args, **more)

    desk = Desk(caches, CacheRules(key=("question",), once=True))
    with monkeypatch.context() as slowly:
        slowly.setattr(keeping, "claim", slow)
        first = asyncio.create_task(desk.run(make_run(app, 1)))
        await asyncio.to_thread(claims.wait, 20)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        may_claim.set()
    async with asyncio.timeout(20):
        assert (await desk.run(make_run(app, 2)))[0] == ["made 1"]


async def test_a_result_is_shared_within_its_user_and_context_alone(app, caches):
    desk = Desk(caches, CacheRules(key=("question",)))
    await desk.run(make_run(app, 1))
    await desk.run(make_run(app, 2, user="bob"))
    await desk.run(make_run(app, 3, tenant="south"))
    await desk.run(make_run(app, 4, customer="B"))
    assert desk.calls == 4
    await desk.run(make_run(app, 5, customer="B"))
    assert desk.calls == 4
    narrowed = Desk(caches, CacheRules(key=("question",), scope=("user", "tenant")))
    await narrowed.run(make_run(app, 6, customer="A"))
    await narrowed.run(make_run(app, 7, customer="B"))
    await narrowed.run(make_run(app, 8, tenant="south"))
    assert narrowed.calls == 2
    shared = Desk(caches, CacheRules(key=("question",), scope=()))
    await shared.run(make_run(app, 4))
    await shared.run(make_run(app, 5, user="bob", tenant="south"))
    assert shared.calls == 1


class Chat(TypedDict):
    messages: Annotated[list, add_messages]


async def test_the_same_question_twice_on_a_thread_has_two_answers(app, caches):
    slot = NodeCaches(caches)
    place = NodePlace(
        workflow="quotes",
        path="price",
        policy=NodePolicy(cache=CacheRules(key=("question",))),
    )
    history: list = []
    for number in range(3):
        run, notes = make_run(app, number), Notes()
        async with slot.around(run, notes, serializer_for(None, None)):
            builder = StateGraph(Chat)
            builder.add_node(
                "price",
                lambda state: {"messages": [AIMessage("fine", id="said")]},
                cache_policy=slot.policy_for(place, run),
            )
            builder.add_edge(START, "price")
            graph = builder.compile(cache=slot.open(WorkflowPolicy(), run, notes, None))
            result = await graph.ainvoke({"messages": [*history, HumanMessage("How is it?")]})
        history = result["messages"]
    assert [m.content for m in history] == ["How is it?", "fine"] * 3
    assert notes.take_hit("price") == "memory"


async def test_what_cannot_be_loaded_any_more_is_a_miss_and_replaced(app, caches, other):
    rules = CacheRules(key=("question",), once=True)
    await Desk(caches, rules).run(make_run(app, 1))
    with engines.write(app.engine) as conn:
        conn.execute(update(cache_entries).values(value=b"\xc1"))
    desk = Desk(other, rules)
    assert (await desk.run(make_run(app, 2)))[0] == ["made 1"]
    log, notes = await desk.run(make_run(app, 3))
    assert (log, notes.take_hit("price"), desk.calls) == (["made 1"], "memory", 1)
    found = counts(app)
    assert (found.hits, found.misses, found.stores) == (1, 2, 2)


async def test_once_lets_one_of_two_workers_compute(app, caches, other):
    rules = CacheRules(key=("question",), once=True)
    first, second = Desk(caches, rules), Desk(other, rules)
    first.gate = second.gate = asyncio.Event()
    racing = [
        asyncio.create_task(first.run(make_run(app, 1))),
        asyncio.create_task(second.run(make_run(app, 2))),
    ]
    await next(asyncio.as_completed([first.started.wait(), second.started.wait()], timeout=20))
    first.gate.set()
    logs = [log for log, _ in await asyncio.gather(*racing)]
    assert logs == [["made 1"], ["made 1"]]
    assert first.calls + second.calls == 1


async def test_once_goes_to_the_next_when_the_first_fails(app, caches, other):
    rules = CacheRules(key=("question",), once=True)
    desk = Desk(caches, rules)
    desk.gate = asyncio.Event()
    failing = asyncio.create_task(desk.run(make_run(app, 1)))
    await asyncio.wait_for(desk.started.wait(), 20)
    failing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await failing
    log, _ = await Desk(other, rules).run(make_run(app, 2))
    assert log == ["made 1"]
    assert counts(app).misses == 2


# -- operators -----------------------------------------------------------------------------


def publish(app: App, policy) -> None:
    presence.publish(
        app,
        [published("quotes", nodes=("price",), at=app.clock.now(), policy=policy)],
    )


def test_a_cache_is_listed_with_its_bound_before_it_was_asked(app):
    publish(app, {"node": {"price": {"cache": {"max_entries": 7, "events": ["prices"]}}}})
    (figures,) = caching.list_caches(app)
    assert (figures.place, figures.max_entries, figures.counts.hit_ratio) == (NODE, 7, None)
    assert caching.list_events(app) == ["prices"]


def test_the_cache_that_hits_the_least_comes_first(app, caches):
    often, rarely = Place("quotes", "a"), Place("quotes", "b")
    for place in (often, rarely):
        put(caches, ask("k", place))
        caches.find(ask("k", place))
    caches.miss(rarely)
    caches.flush()
    found = caching.list_caches(app)
    assert [f.place for f in found] == [rarely, often]
    assert found[0].trend[-1] == 0.5
    assert [f.entries for f in found] == [1, 1]


@pytest.mark.parametrize(
    ("policy", "place"),
    [
        ({"default": {"cache": {"max_entries": 7, "events": ["new"]}}}, NODE),
        (
            {"default": {"tool": {"search": {"cache": {"max_entries": 7, "events": ["new"]}}}}},
            Place("quotes", "price:search"),
        ),
        (
            {"model_caches": {"gpt": {"max_entries": 7, "events": ["new"]}}},
            Place("quotes", "model:gpt"),
        ),
    ],
    ids=["default", "a tool of the default", "a model"],
)
def test_a_cache_that_names_no_node_is_known_by_bound_and_event(app, caches, policy, place):
    nested = Place("quotes", place.path.replace("price", "team/price"))
    publish(app, policy)
    for each in {place, nested}:
        put(caches, ask("k", each))

    assert {f.place: f.max_entries for f in caching.list_caches(app)} == dict.fromkeys(
        {place, nested}, 7
    )
    assert caching.list_events(app) == ["new"]
    assert caching.clear(app, event="new", actor="ann") == len({place, nested})
    assert caches.find(ask("k", place)) is None


def test_a_node_with_a_policy_of_its_own_has_nothing_of_the_default(app):
    publish(
        app,
        {
            "default": {"cache": {"events": ["new"]}},
            "node": {"price": {"side_effects": False}},
        },
    )
    assert caching.list_caches(app) == []


def test_a_clearing_by_event_is_audited(app, caches):
    publish(app, {"node": {"price": {"cache": {"events": ["prices"]}}}})
    put(caches, ask("k"))
    put(caches, ask("k", Place("quotes", "tax")))
    assert caching.clear(app, event="prices", actor="ann", reason="new list") == 1
    assert caches.find(ask("k")) is None
    assert caches.find(ask("k", Place("quotes", "tax"))) is not None
    with engines.read(app.engine) as conn:
        (entry,) = audit.fetch_many(conn, limit=1)
    assert (entry.actor, entry.action, entry.reason) == ("ann", "clear cache", "new list")
    with pytest.raises(NotFound):
        caching.clear(app, event="nothing", actor="ann")
