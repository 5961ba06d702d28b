"""What ever ended is counted as law 7 says, on both databases, and told as Prometheus reads it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services.context import App
from interlock.core.services.exposing import Exposition
from interlock.core.settings import Settings
from interlock.core.store import decisions, nodes
from interlock.core.store.engine import write
from interlock.core.store.schema_sight import breakers, cache_counters


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    """An App on each kind of database."""
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


def scrape(exposition: Exposition) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample as Prometheus' own parser reads it."""
    families = text_string_to_metric_families(exposition.text().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found, name, /, **labels):
    return found[name, frozenset(labels.items())]


def tell(conn, make, *, n=0, at=0.0):
    """An execution that asked a human in its midst: 1 s of work, an hour of waiting, 2 s of work."""
    make.put_run(
        conn,
        f"ask{n}",
        thread_id=f"t{n}",
        status=RunStatus.CONTINUED,
        started_at=make.at(at - 3603),
        ended_at=make.at(at - 3602),
    )
    make.put_run(
        conn,
        f"end{n}",
        thread_id=f"t{n}",
        kind=RunKind.RESUME,
        status=RunStatus.DONE,
        previous_run_id=f"ask{n}",
        started_at=make.at(at - 2),
        ended_at=make.at(at),
    )


def node(make, task_id, status, *, at=0.0, **changes):
    given = {"run_id": "end0", "status": status, "duration_ms": 200.0, "ended_at": make.at(at)}
    return make.node_run(task_id, **(given | changes))


def test_an_execution_counts_once_and_a_humans_time_is_not_in_it(app, make):
    with write(app.engine) as conn:
        tell(conn, make)

    found = scrape(Exposition(app))

    assert value(found, "agent_executions_total", agent_name="refunds", status="done") == 1
    assert value(found, "agent_duration_seconds_count", agent_name="refunds") == 1
    took = value(found, "agent_duration_seconds_sum", agent_name="refunds")
    assert took == pytest.approx(3, abs=0.01)
    assert value(found, "agent_duration_seconds_bucket", agent_name="refunds", le="2.5") == 0
    assert value(found, "agent_duration_seconds_bucket", agent_name="refunds", le="5.0") == 1


def test_attempts_waits_and_cached_nodes_are_told_apart(app, make):
    with write(app.engine) as conn:
        tell(conn, make)
        nodes.upsert_many(
            conn,
            [
                node(make, "a", NodeStatus.ERROR, is_final=False, tokens_in=5, tokens_out=1),
                node(make, "a", NodeStatus.OK, attempt=2, tokens_in=5, tokens_out=4, cost=0.5),
                node(make, "b", NodeStatus.INTERRUPTED, duration_ms=90_000.0),
                node(make, "c", NodeStatus.CACHED, duration_ms=0.0),
                node(make, "d", NodeStatus.ERROR, duration_ms=3_000.0),
            ],
        )

    found = scrape(Exposition(app))

    place = {"agent_name": "refunds", "node": "team/charge"}
    statuses = ("ok", "error", "interrupted", "cached", "retried")
    steps = [value(found, "agent_steps_total", **place, status=s) for s in statuses]
    assert steps == [1, 1, 1, 1, 1]
    assert value(found, "latency_node_seconds_count", **place) == 2
    assert value(found, "latency_node_seconds_sum", **place) == pytest.approx(3.4)
    assert value(found, "latency_node_seconds_bucket", **place, le="0.25") == 0
    assert value(found, "latency_node_seconds_bucket", **place, le="0.5") == 1
    assert value(found, "latency_node_seconds_bucket", **place, le="+Inf") == 2
    assert value(found, "reasoning_tokens_total", **place) == 15
    assert value(found, "interlock_model_cost_total", **place) == 0.5


def test_a_fallback_that_failed_is_no_try_that_was_repeated(app, make):
    """What it spent counts; a step that a fallback served in the end is one that went well."""
    failed = {"is_final": False, "tokens_in": 5, "tokens_out": 1, "cost": 0.25}
    with write(app.engine) as conn:
        tell(conn, make)
        nodes.upsert_many(
            conn,
            [
                node(make, "a", NodeStatus.ERROR, **failed),
                node(make, "a", NodeStatus.ERROR, attempt=2, origin="fallback:spare", **failed),
                node(make, "a", NodeStatus.OK, attempt=3, origin="fallback:value"),
                node(make, "b", NodeStatus.ERROR, **failed),
                node(make, "b", NodeStatus.ERROR, attempt=2, origin="fallback:spare"),
            ],
        )

    found = scrape(Exposition(app))

    place = {"agent_name": "refunds", "node": "team/charge"}
    statuses = ("ok", "error", "retried")
    steps = [value(found, "agent_steps_total", **place, status=s) for s in statuses]
    assert steps == [1, 1, 2]
    assert value(found, "latency_node_seconds_count", **place) == 2
    assert value(found, "latency_node_seconds_sum", **place) == pytest.approx(1.0)
    assert value(found, "reasoning_tokens_total", **place) == 18
    assert value(found, "interlock_model_cost_total", **place) == 0.75


def test_what_stands_now_is_told(app, make, frozen):
    with write(app.engine) as conn:
        make.put_run(conn, "r1", status=RunStatus.RUNNING)
        make.put_approval(conn, "a1", asked_at=frozen.now() - timedelta(seconds=90))
        decisions.insert(conn, make.decision("a1", decided_at=make.at(-5)))
        conn.execute(
            breakers.insert(),
            {
                "name": "payments",
                "state": "open",
                "failures": [],
                "short_circuited": 7,
                "rules": {},
                "serves": [],
                "updated_at": frozen.now(),
            },
        )
        counters = {"workflow": "refunds", "path": "quote", "memory_hits": 3, "misses": 2}
        conn.execute(cache_counters.insert(), counters | {"start": make.at(-600)})

    found = scrape(Exposition(app))

    assert value(found, "active_workflows", agent_name="refunds") == 1
    assert value(found, "interlock_approvals_pending", agent_name="refunds") == 1
    assert value(found, "interlock_approvals_oldest_seconds") == 90
    assert value(found, "interlock_decisions_total", verb="approve") == 1
    assert value(found, "interlock_queue_jobs", status="todo") == 0
    assert value(found, "interlock_breaker_state", name="payments", state="open") == 1
    assert value(found, "interlock_breaker_state", name="payments", state="closed") == 0
    assert value(found, "interlock_breaker_short_circuited_total", name="payments") == 7
    place = {"agent_name": "refunds", "node": "quote"}
    assert value(found, "interlock_cache_lookups_total", **place, outcome="memory") == 3
    assert value(found, "interlock_cache_lookups_total", **place, outcome="miss") == 2


def test_a_record_that_is_written_very_late_is_told_from_the_next_start_on(app, make, frozen):
    """As docs/watching.md says: the minute was counted before it came."""
    running = Exposition(app)
    scrape(running)
    frozen.advance(seconds=600)
    scrape(running)
    with write(app.engine) as conn:
        tell(conn, make, at=60.0)
    done = {"agent_name": "refunds", "status": "done"}
    frozen.advance(seconds=600)
    name = ("agent_executions_total", frozenset(done.items()))
    assert name not in scrape(running)
    assert scrape(Exposition(app))[name] == 1


def test_what_was_counted_once_is_not_read_again_and_two_processes_agree(app, make, frozen):
    first = Exposition(app)
    done = {"agent_name": "refunds", "status": "done"}
    for n in range(4):
        with write(app.engine) as conn:
            tell(conn, make, n=n, at=n * 90.0)
        frozen.advance(seconds=90)
        assert value(scrape(first), "agent_executions_total", **done) == n + 1

    second = scrape(Exposition(app))

    assert value(second, "agent_executions_total", **done) == 4
    shared = [key for key in second if not key[0].startswith(("process_", "python_"))]
    again = scrape(first)
    assert {key: again[key] for key in shared} == {key: second[key] for key in shared}
