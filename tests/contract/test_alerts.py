"""Alerts on both databases: opened once whoever looks, seen to by people, read from the raw rows."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model import alert_rules
from interlock.core.model.alerts import (
    RULES,
    Alert,
    AlertFigures,
    AlertStatus,
    BreakerReading,
    FailureReading,
    RuleName,
    WorkflowReading,
)
from interlock.core.model.failure_kinds import FailureKind
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import alert_reading, alerting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import audit, nodes, topics, workers
from interlock.core.store.engine import read, write
from interlock.core.store.schema_sight import breakers, run_rollups


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


def bad(app, **changes):
    seen = WorkflowReading(workflow="refunds", ended=10, failed=5, mean_ms=10.0)
    return replace(AlertFigures(at=app.clock.now(), workers_alive=1, workflows=(seen,)), **changes)


def calm(app):
    return bad(app, workflows=())


def head(app):
    with read(app.engine) as conn:
        return topics.fetch_heads(conn).get("alerts", 0)


def open_one(app):
    alerting.settle(app, bad(app))
    return alerting.list_alerts(app).open[0]


def test_an_alert_is_kept_from_its_beginning_to_its_end(app, frozen):
    assert [a.rule for a in alerting.settle(app, bad(app))] == [RuleName.ERROR_RATE]
    alert = alerting.list_alerts(app).open[0]
    assert (alert.status, alert.object, alert.value) == (AlertStatus.OPEN, "refunds", 0.5)
    assert alerting.count_calling(app) == 1
    frozen.advance(seconds=15)
    alerting.settle(app, calm(app))
    found = alerting.list_alerts(app)
    assert found.open == ()
    assert [(a.alert_id, a.resolved_at) for a in found.ended] == [(alert.alert_id, app.clock.now())]
    assert alerting.count_calling(app) == 0


def test_nothing_is_written_while_nothing_changes(app, frozen):
    alerting.settle(app, calm(app))
    assert head(app) == 0
    alerting.settle(app, bad(app))
    before = head(app)
    frozen.advance(seconds=15)
    alerting.settle(app, bad(app))
    assert head(app) == before > 0


@pytest.mark.parametrize(
    "error_type", ["E" * 600, "E\0rror", "E\ud800rror"], ids=["long", "nul", "half"]
)
def test_an_alert_about_what_a_column_cannot_keep_stays_one(app, frozen, error_type):
    def broken(*names):
        return replace(calm(app), failures=tuple(map(failure, names)))

    def failure(name):
        return FailureReading(
            workflow="refunds",
            path="charge",
            error_type=name,
            kind=FailureKind.AUTHENTICATION,
            count=1,
            run_id="r1",
        )

    alerting.settle(app, broken(error_type))
    (alert,) = alerting.list_alerts(app).open
    before = head(app)
    for _ in range(2):
        frozen.advance(seconds=15)
        alerting.settle(app, broken(error_type))
    found = alerting.list_alerts(app)
    assert ([a.alert_id for a in found.open], found.ended) == ([alert.alert_id], ())
    assert head(app) == before
    alerting.settle(app, broken(error_type, error_type + "x"))
    assert len(alerting.list_alerts(app).open) == 2


def test_several_that_look_at_once_open_one_alert(app):
    with read(app.engine):
        pass
    start = threading.Barrier(4)

    def look():
        start.wait()
        alerting.settle(app, bad(app))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(alerting.list_alerts(app).open) == 1


def test_one_of_several_processes_tells_people(app):
    alert = open_one(app)
    claimed_at = alerting.claim_telling(app, alert)
    assert claimed_at is not None
    assert alerting.claim_telling(app, alert) is None
    assert alerting.settle(app, bad(app)) == ()
    alerting.give_back_telling(app, alert, claimed_at=claimed_at)
    assert [a.alert_id for a in alerting.settle(app, bad(app))] == [alert.alert_id]


def test_acknowledging_is_audited_and_done_once(app):
    alert = open_one(app)
    done = alerting.acknowledge(app, alert.alert_id, actor="ann", reason="on it")
    assert done == alerting.list_alerts(app).open[0]
    assert (done.status, done.acknowledged_by, done.note) == ("acknowledged", "ann", "on it")
    assert alerting.count_calling(app) == 0
    assert alerting.settle(app, bad(app)) == ()
    with pytest.raises(Conflict, match="ann looks after"):
        alerting.acknowledge(app, alert.alert_id, actor="bob")
    alerting.settle(app, calm(app))
    with pytest.raises(Conflict, match="has ended already"):
        alerting.acknowledge(app, alert.alert_id, actor="bob")
    with pytest.raises(NotFound):
        alerting.acknowledge(app, "nonsense", actor="bob")
    with read(app.engine) as conn:
        entries = audit.fetch_many(conn, object_=f"alert:{alert.alert_id}", limit=5)
    assert [(e.actor, e.action, e.reason) for e in entries] == [("ann", "acknowledge", "on it")]


def test_an_alert_that_has_not_lasted_yet_is_nobodys_business(app):
    alerting.settle(app, bad(app, workflows=(), workers_alive=0))
    assert alerting.list_alerts(app).open == ()
    with write(app.engine) as conn:
        waiting = alerting.alerts.fetch_unsettled(conn, since=app.clock.now())
    with pytest.raises(NotFound):
        alerting.acknowledge(app, waiting[0].alert_id, actor="ann")
    alerting.settle(app, calm(app))
    with read(app.engine) as conn:
        assert alerting.alerts.fetch(conn, waiting[0].alert_id) is None


def test_a_silence_hushes_at_once_until_it_ends(app, frozen):
    alert = open_one(app)
    made = alerting.silence(app, alert.alert_id, for_s=60, actor="ann", reason="known")
    assert alerting.list_alerts(app).silences == (made,)
    assert alerting.list_alerts(app).open[0].silenced
    assert alerting.count_calling(app) == 0
    assert alerting.settle(app, bad(app)) == ()
    frozen.advance(seconds=60)
    assert len(alerting.settle(app, bad(app))) == 1
    assert alerting.list_alerts(app).silences == ()


def test_a_silence_can_be_ended_before_its_time(app):
    alert = open_one(app)
    made = alerting.silence(app, alert.alert_id, for_s=60, actor="ann", whole_rule=True)
    assert made.object == ""
    alerting.end_silence(app, made.silence_id, actor="bob", reason="enough")
    assert alerting.count_calling(app) == 1
    with pytest.raises(NotFound):
        alerting.end_silence(app, made.silence_id, actor="bob")
    with read(app.engine) as conn:
        entries = audit.fetch_many(conn, limit=5)
        assert audit.verify(conn) is None
    assert [e.action for e in entries] == ["end silence", "silence"]


def test_a_silence_has_an_end(app):
    alert = open_one(app)
    for for_s in (0, -1, 31 * 86_400, float("inf"), float("nan")):
        with pytest.raises(InvalidInput):
            alerting.silence(app, alert.alert_id, for_s=for_s, actor="ann")


def test_an_outage_is_kept_when_it_is_over(app):
    began = app.clock.now() - timedelta(minutes=2)
    told = Alert(
        **vars(alert_rules.outage(RULES[RuleName.STORE_OUTAGE], "Refused.")),
        alert_id="a1",
        status=AlertStatus.OPEN,
        fired_at=began,
        seen_at=began,
    )
    alerting.keep_outage(app, told)
    (alert,) = alerting.list_alerts(app).ended
    assert (alert.rule, alert.fired_at) == (RuleName.STORE_OUTAGE, began)
    assert alert.advice.endswith("Refused.")
    assert alerting.settle(app, calm(app)) == ()


# What they look at --------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_last_minutes(app, make):
    now = app.clock.now()
    with write(app.engine) as conn:
        for ago_s, status in [(10, "done"), (20, "failed"), (30, "failed"), (400, "failed")]:
            ended = now - timedelta(seconds=ago_s)
            make.put_run(
                conn,
                f"r{ago_s}",
                status=RunStatus(status),
                created_at=ended,
                started_at=ended - timedelta(seconds=2),
                ended_at=ended,
            )
        make.put_run(conn, "again", kind=RunKind.RESUME, created_at=now - timedelta(seconds=5))
        for task, kind, ago_s, is_final in [
            ("a", FailureKind.BAD_INPUT, 20, True),
            ("b", FailureKind.BAD_INPUT, 10, True),
            ("c", FailureKind.TIMEOUT, 10, True),
            ("d", FailureKind.BAD_INPUT, 10, False),
            ("e", FailureKind.BAD_INPUT, 1000, True),
            ("f", None, 10, True),
        ]:
            ended = now - timedelta(seconds=ago_s)
            failed = make.node_run(
                task,
                run_id=f"r{20 if task == 'a' else 30}",
                status=NodeStatus.ERROR,
                error_type="ValueError",
                error_kind=kind,
                is_final=is_final,
                ended_at=ended,
            )
            nodes.upsert_many(conn, [failed])
        for name, state, forced in [("a", "open", ""), ("b", "closed", ""), ("c", "open", "open")]:
            conn.execute(
                insert(breakers).values(
                    name=name,
                    state=state,
                    forced=forced,
                    failures=[],
                    rules={},
                    serves=[],
                    short_circuited=3,
                    updated_at=now,
                )
            )
        workers.beat(conn, a_worker("w1", now - timedelta(seconds=39)))
        workers.beat(conn, a_worker("w2", now - timedelta(seconds=41)))
    seen = alert_reading.read_figures(app, {})
    assert seen.workflows == (
        WorkflowReading(workflow="refunds", ended=3, failed=2, mean_ms=2000.0, started=4),
    )
    assert [(f.path, f.kind, f.count, f.run_id) for f in seen.failures] == [
        ("team/charge", FailureKind.BAD_INPUT, 2, "r30")
    ]
    assert seen.breakers == (
        BreakerReading(name="a", short_circuited=3),
        BreakerReading(name="c", is_forced=True, short_circuited=3),
    )
    assert seen.workers_alive == alert_reading.read_workers(app).workers_alive == 1
    assert seen.newest_heartbeat_at == now - timedelta(seconds=39)


@pytest.mark.parametrize(
    ("handler", "status", "told"),
    [
        ("team:1|charge:2|__error_handler__charge:3", NodeStatus.OK, []),
        ("team:1|charge:2|__error_handler__charge:3", NodeStatus.INTERRUPTED, []),
        ("team:1|charge:2|__default_error_handler__:3", NodeStatus.OK, []),
        ("team:1|__error_handler__team:3", NodeStatus.OK, []),
        ("team:1|charge:2|__error_handler__charge:3", NodeStatus.ERROR, ["charge"]),
        ("team:1|charge:9|__error_handler__charge:3", NodeStatus.OK, ["charge"]),
        ("team:1|char|__error_handler__charge:3", NodeStatus.OK, ["charge"]),
        ("team:1|charge:2|xxerror_handlerxxcharge:3", NodeStatus.OK, ["charge"]),
    ],
)
def test_a_failure_that_the_graph_itself_dealt_with_is_not_told(app, make, handler, status, told):
    now = app.clock.now()
    with write(app.engine) as conn:
        make.put_run(conn)
        failed = make.node_run(
            "2",
            node="charge",
            namespace="team:1|charge:2",
            status=NodeStatus.ERROR,
            error_type="ValueError",
            error_kind=FailureKind.UNKNOWN,
            ended_at=now,
        )
        name = handler.rpartition("|")[2].rpartition(":")[0]
        took_over = make.node_run(
            "3", node=name, namespace=handler, status=status, ended_at=now, error_type="ValueError"
        )
        nodes.upsert_many(conn, [failed, took_over])
    assert [f.path.rpartition("/")[2] for f in alert_reading.read_figures(app, {}).failures] == told


def test_what_is_usual_is_read_from_the_same_time_of_earlier_days(app, make):
    now = app.clock.now()
    assert alert_reading.read_history(app) == {}
    with write(app.engine) as conn:
        for day in (1, 2, 3, 4):
            for number in range(day):
                at = now - timedelta(days=day, seconds=60 + number)
                make.put_run(conn, f"r{day}{number}", created_at=at)
        for hour in range(1, 14):
            start = now.replace(minute=0) - timedelta(hours=hour)
            for tier, variant in [("hour", "a"), ("hour", "b"), ("minute", "a")]:
                conn.execute(
                    insert(run_rollups).values(
                        tier=tier,
                        start=start,
                        workflow="refunds",
                        variant=variant,
                        completed=9,
                        failed=1,
                        histogram={},
                        error_types={},
                    )
                )
    usual = alert_reading.read_history(app)["refunds"]
    # Of the fourth day only the last minutes are known, so it does not count.
    assert usual.usual_started == 2.0
    assert usual.error_p95 == 0.1


def a_worker(worker_id, heartbeat_at):
    return Worker(
        worker_id=worker_id,
        host="here",
        pid=1,
        status=WorkerStatus.READY,
        concurrency=1,
        project="p",
        started_at=heartbeat_at,
        heartbeat_at=heartbeat_at,
    )
