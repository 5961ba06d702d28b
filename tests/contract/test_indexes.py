"""Each list, count and claim is served by an index, in its order, on both databases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

import pytest
from sqlalchemy import Connection, Engine, event, insert, text

from interlock.core.model.approvals import ApprovalStatus, Kind
from interlock.core.model.audit_lists import AuditFilter
from interlock.core.model.caches import Counts, Place
from interlock.core.model.history import PointFilter
from interlock.core.model.inbox_filters import InboxFilter, Risk, Sort
from interlock.core.model.people import Person, Role
from interlock.core.model.run_lists import RunFilter
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.model.thread_lists import ThreadFilter
from interlock.core.queue.choosing import queue_for
from interlock.core.store import (
    approvals,
    audit,
    audit_lists,
    cache_counts,
    checkpoints,
    decisions,
    events,
    forks,
    history,
    inbox,
    nodes,
    notices,
    occurrences,
    run_lists,
    runs,
    schema,
    snapshots,
    thread_lists,
    threads,
    totals,
    workers,
)
from interlock.core.store import engine as engines

pytestmark = pytest.mark.xdist_group("indexes")  # filled once, by one process

# Name of the query -> the call, and the indexes of which the plan must use one.
# Both begin alike; of pending cards the longer one, by which one's own are sifted, does as well.
STATUS_ASKED = "ix_approvals_status_asked ix_approvals_mine"
QUERIES = {
    "runs": (lambda c, m: runs.fetch_many(c, limit=5), "ix_runs_created"),
    "runs by status": (
        lambda c, m: runs.fetch_many(c, statuses=[RunStatus.FAILED], limit=5),
        "ix_runs_status_created",
    ),
    "runs by statuses": (
        lambda c, m: runs.fetch_many(c, statuses=[RunStatus.WAITING, RunStatus.FAILED], limit=5),
        "ix_runs_status_created",
    ),
    "runs by workflow": (
        lambda c, m: runs.fetch_many(c, workflow="w3", limit=5),
        "ix_runs_workflow_status_created",
    ),
    "runs by workflow and status": (
        lambda c, m: runs.fetch_many(c, workflow="w3", statuses=[RunStatus.FAILED], limit=5),
        "ix_runs_workflow_status_created",
    ),
    "runs by thread": (
        lambda c, m: runs.fetch_many(c, thread_id="t3", limit=5),
        "ix_runs_thread_status_created",
    ),
    "runs by thread and status": (
        lambda c, m: runs.fetch_many(c, thread_id="t3", statuses=[RunStatus.FAILED], limit=5),
        "ix_runs_thread_status_created",
    ),
    "runs by error": (
        lambda c, m: runs.fetch_many(c, error_type="E3", limit=5),
        "ix_runs_status_error_created",
    ),
    "runs counted": (
        lambda c, m: run_lists.count_by_status(c, RunFilter()),
        "ix_runs_status_created ix_runs_status_ended ix_runs_status_error_created",
    ),
    "runs of a workflow counted": (
        lambda c, m: run_lists.count_by_status(c, RunFilter(workflow="w3")),
        "ix_runs_workflow_status_created",
    ),
    "failed runs by error": (
        lambda c, m: run_lists.group_failed(c, RunFilter(), limit=5),
        "ix_runs_status_error_created",
    ),
    "queued resume": (
        lambda c, m: runs.find_queued_resume(c, "t3"),
        "uq_runs_queued_resume ix_runs_thread_status_created",
    ),
    "open runs": (lambda c, m: runs.find_open_or_held(c, "t3"), "ix_runs_thread_status_created"),
    "cancel requests": (
        lambda c, m: runs.fetch_cancel_requests(c, run_ids=["r1", "r2"]),
        "pk_runs sqlite_autoindex_runs_1",
    ),
    "runs count": (
        lambda c, m: runs.count_by_status(c),
        "ix_runs_status_created ix_runs_status_ended ix_runs_status_error_created",
    ),
    "cards": (lambda c, m: approvals.fetch_many(c, limit=5), STATUS_ASKED),
    "cards of any status": (
        lambda c, m: approvals.fetch_many(c, statuses=(), limit=5),
        STATUS_ASKED,
    ),
    "cards newest first": (
        lambda c, m: approvals.fetch_many(c, newest_first=True, limit=5),
        STATUS_ASKED,
    ),
    "cards by workflow": (
        lambda c, m: approvals.fetch_many(c, workflow="w3", limit=5),
        "ix_approvals_workflow_status_asked",
    ),
    "cards by thread": (
        lambda c, m: approvals.fetch_many(c, thread_id="t3", limit=5),
        "ix_approvals_thread_status_asked",
    ),
    "cards by run": (
        lambda c, m: approvals.fetch_many(c, run_id="r3", limit=5),
        "ix_approvals_run_status_asked",
    ),
    "card by question": (
        lambda c, m: approvals.fetch_by_question(c, "t3", "key"),
        "uq_approvals_question ix_approvals_thread_status_asked sqlite_autoindex_approvals_2",
    ),
    "oldest card": (lambda c, m: approvals.oldest_asked_at(c), STATUS_ASKED),
    "cards count": (
        lambda c, m: approvals.count(c),
        "ix_approvals_status_asked ix_approvals_workflow_status ix_approvals_status_",
    ),
    "inbox": (lambda c, m: sift(c), STATUS_ASKED),
    "inbox newest first": (lambda c, m: sift(c, sort=Sort.NEWEST), STATUS_ASKED),
    "inbox by risk": (lambda c, m: sift(c, sort=Sort.RISK), "ix_approvals_status_order_asked"),
    "inbox by priority": (
        lambda c, m: sift(c, sort=Sort.PRIORITY),
        "ix_approvals_status_priority_asked",
    ),
    "inbox of mine": (
        lambda c, m: sift(c, mine=Person(name="ann", role=Role.OPERATOR)),
        STATUS_ASKED,
    ),
    "inbox without what others have": (
        lambda c, m: sift(c, free_for="ann", as_of=m.at(0)),
        STATUS_ASKED,
    ),
    "inbox of a risk": (
        lambda c, m: sift(c, risk=Risk.MEDIUM, sort=Sort.RISK),
        "ix_approvals_status_order_asked",
    ),
    "inbox of a node": (lambda c, m: sift(c, node="n3"), "ix_approvals_node_status_asked"),
    "inbox of a kind": (
        lambda c, m: sift(c, kind=Kind.CHOICE),
        "ix_approvals_kind_status_asked",
    ),
    "inbox until then": (
        lambda c, m: sift(c, asked_until=m.at(20)),
        STATUS_ASKED,
    ),
    "inbox of several statuses": (
        lambda c, m: sift(c, statuses=tuple(ApprovalStatus)),
        STATUS_ASKED,
    ),
    "inbox count": (
        lambda c, m: inbox.count(c, InboxFilter(workflow="w3")),
        "ix_approvals_workflow_status_asked",
    ),
    "inbox's nodes": (
        lambda c, m: inbox.fetch_nodes(c, InboxFilter(), limit=5),
        "ix_approvals_node_status_asked",
    ),
    "decisions of a card": (
        lambda c, m: decisions.fetch_for_approval(c, "a3"),
        "uq_decisions_one_answer sqlite_autoindex_decisions_2",
    ),
    "rows of cards": (
        lambda c, m: approvals.fetch_summaries(c, thread_id="t3", limit=5),
        "ix_approvals_thread_status_asked",
    ),
    "longest queued run": (lambda c, m: runs.oldest_queued_at(c), "ix_runs_status_created"),
    "decisions of a thread": (
        lambda c, m: decisions.fetch_for_thread(c, "t3", limit=5),
        "uq_decisions_one_answer sqlite_autoindex_decisions_2",
    ),
    "decisions of a run": (lambda c, m: decisions.fetch_for_run(c, "r3"), "ix_decisions_run"),
    "ends of nodes for a scrape": (
        lambda c, m: [*totals.fetch_nodes(c, since=m.at(-60), until=m.at(60))],
        "ix_node_runs_ended",
    ),
    "recent decisions": (lambda c, m: decisions.fetch_recent(c, limit=5), "ix_decisions_decided"),
    "node runs": (
        lambda c, m: nodes.fetch_for_runs(c, ["r3"]),
        "pk_node_runs sqlite_autoindex_node_runs_1",
    ),
    "node runs of a thread": (
        lambda c, m: nodes.fetch_for_thread(c, "t3", since=m.at(0), limit=5),
        "ix_node_runs_thread_task",
    ),
    "events": (
        lambda c, m: events.fetch_for_run(c, "r3", after_seq=2, limit=5),
        "pk_run_events sqlite_autoindex_run_events_1",
    ),
    "last event": (
        lambda c, m: events.last_seq(c, "r3"),
        "pk_run_events sqlite_autoindex_run_events_1",
    ),
    "history": (
        lambda c, m: checkpoints.fetch_for_thread(c, "t3", limit=5, before="c9"),
        "pk_checkpoints_index sqlite_autoindex_checkpoints_index_1",
    ),
    "points": (
        lambda c, m: history.fetch_points(c, "t3", PointFilter(), limit=5),
        "pk_checkpoints_index sqlite_autoindex_checkpoints_index_1",
    ),
    "points that ask": (
        lambda c, m: history.fetch_points(c, "t3", PointFilter(only_decisions=True), limit=5),
        "ix_approvals_thread_status_asked",
    ),
    "branches": (
        lambda c, m: history.fetch_spans(c, "t3"),
        "pk_checkpoints_index sqlite_autoindex_checkpoints_index_1",
    ),
    "forks of a thread": (lambda c, m: forks.fetch_for_thread(c, "t3", limit=5), "ix_forks_thread"),
    "fork of a run": (
        lambda c, m: forks.fetch_for_run(c, "r3"),
        "uq_forks_run sqlite_autoindex_forks_2",
    ),
    "newest checkpoint": (
        lambda c, m: checkpoints.newest_id(c, "t3"),
        "pk_checkpoints_index sqlite_autoindex_checkpoints_index_1",
    ),
    "snapshot": (
        lambda c, m: snapshots.fetch(c, "t3", "c3"),
        "pk_snapshots sqlite_autoindex_snapshots_1",
    ),
    "threads": (lambda c, m: threads.fetch_many(c, limit=5), "ix_threads_updated"),
    "threads as lists tell them": (
        lambda c, m: thread_lists.fetch_page(c, ThreadFilter(), limit=5, before=m.thread("t3")),
        "ix_threads_updated",
    ),
    "threads of a workflow": (
        lambda c, m: thread_lists.fetch_page(c, ThreadFilter(workflow="w3"), limit=5),
        "ix_threads_workflow_updated",
    ),
    "audit": (lambda c, m: audit.fetch_many(c, limit=5), "pk_audit PRIMARY"),
    "audit of somebody": (
        lambda c, m: audit.fetch_actions(c, actor="ann", since=m.at(0)),
        "ix_audit_actor ix_audit_at",
    ),
    "audit by time": (lambda c, m: audit.fetch_latest(c, limit=5), "ix_audit_at"),
    "audit of an object": (
        lambda c, m: audit.fetch_many(c, object_="run:3", limit=5),
        "ix_audit_object",
    ),
    "audit as a page lists it": (
        lambda c, m: audit_lists.fetch_page(c, AuditFilter(), limit=5, before=30),
        "ix_audit_at",
    ),
    "audit by who": (
        lambda c, m: audit_lists.fetch_page(c, AuditFilter(actor="ann"), limit=5, before=30),
        "ix_audit_actor",
    ),
    "audit by what": (
        lambda c, m: audit_lists.fetch_page(c, AuditFilter(action="decide"), limit=5),
        "ix_audit_action ix_audit_at",  # all rows here are of one
    ),
    "audit since then": (
        lambda c, m: audit_lists.fetch_page(c, AuditFilter(since=m.at(0), until=m.at(9)), limit=5),
        "ix_audit_at",
    ),
    "audit by object and text": (
        lambda c, m: audit_lists.fetch_page(c, AuditFilter(object="run:3", text="x"), limit=5),
        "ix_audit_object",
    ),
    "who is in the audit": (
        lambda c, m: audit_lists.fetch_names(c, "actor"),
        "ix_audit_actor",
    ),
    "workers alive": (
        lambda c, m: workers.fetch_alive(c, since=m.at(0)),
        "ix_workers_heartbeat",
    ),
    "claim": (
        lambda c, m: queue_for(c.engine).claim(c, worker_id="w", limit=5, now=m.at(0)),
        "ix_jobs_lanes",
    ),
    "put back": (
        lambda c, m: queue_for(c.engine).put_back(c, worker_id="w"),
        "ix_jobs_claimed_by uq_jobs_one_doing",
    ),
    "what caches saved": (
        lambda c, m: cache_counts.fetch_spans(c, [m.at(0), m.at(60)]),
        "ix_cache_counters_start pk_cache_counters sqlite_autoindex_cache_counters_1",
    ),
    "the first minute not added up": (
        lambda c, m: cache_counts.fold(c, before=m.at(7200), max_hours=1),
        "ix_cache_counters_start",
    ),
    "due jobs": (
        lambda c, m: queue_for(c.engine).count_due(c, now=m.at(0)),
        "ix_jobs_todo ix_jobs_lanes",
    ),
    **{
        f"what is told of: {read.__name__}": (
            lambda c, m, read=read: list(read(c, occurrences.Span(m.at(2990), m.at(2995)))),
            index,
        )
        for read, index in (
            (occurrences.asked, STATUS_ASKED),
            (occurrences.waiting, STATUS_ASKED),
            (
                occurrences.warned,
                "ix_approvals_deadline ix_approvals_status ix_approvals_mine",
            ),  # those that wait
            (occurrences.decided, "ix_decisions_decided"),
            (occurrences.ended, "ix_runs_status_ended"),
        )
    },
    "what was done to cards": (
        lambda c, m: list(occurrences.moved(c, occurrences.Span(m.at(-1), m.at(-1)), "forward")),
        "ix_audit_action",
    ),
    "where messages are due": (
        lambda c, m: notices.fetch_places(c, now=m.at(50)),
        "ix_notices_due",
    ),
    "messages that are due": (
        lambda c, m: notices.claim_due(
            c, ("people", "r1", 0), now=m.at(50), until=m.at(60), limit=5
        ),
        "ix_notices_due",
    ),
    "messages": (lambda c, m: notices.fetch_many(c, limit=5), "ix_notices_created"),
    "messages that were given up": (
        lambda c, m: notices.fetch_many(c, statuses=["given_up"], limit=5),
        "ix_notices_status_created",
    ),
    "old messages": (
        lambda c, m: notices.prune(c, before=m.at(-1), limit=5),
        "ix_notices_settled",
    ),
}
# Those that read no more than a page, so that nothing is sorted.
SORTED_BY_INDEX = {
    "runs",
    "runs by status",
    "runs by thread and status",
    "runs by workflow and status",
    "cards by thread",
    "cards by run",
    "cards",
    "cards newest first",
    "cards by workflow",
    "inbox",
    "inbox newest first",
    "inbox by risk",
    "inbox by priority",
    "inbox of a risk",
    "inbox of a node",
    "inbox of a kind",
    "inbox until then",
    "recent decisions",
    "events",
    "history",
    "forks of a thread",
    "threads",
    "audit",
    "audit of an object",
    "audit as a page lists it",
    "audit by who",
    "audit by what",
    "audit since then",
}


def sift(conn, *, sort=Sort.WAITING, **wanted):
    """A page of the inbox."""
    return inbox.fetch_summaries(conn, InboxFilter(**wanted), sort=sort, limit=5)


@pytest.fixture(scope="module")
def databases(request, tmp_path_factory, make) -> Iterator[Callable[[str], Engine]]:
    """Open the database of a kind, filled once: the tests of the two kinds come mixed."""
    with ExitStack() as stack:

        @cache
        def open_(kind: str) -> Engine:
            if kind == "postgres":
                url = stack.enter_context(request.getfixturevalue("clone_postgres")())
            else:
                path = tmp_path_factory.mktemp("filled") / "app.db"
                shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
                url = f"sqlite:///{path}"
            opened = engines.open_engine(url)
            stack.callback(opened.dispose)
            with engines.write(opened) as conn:
                _fill(conn, make)
                if kind == "postgres":  # its own statistics come by themselves, but later
                    conn.execute(text("ANALYZE"))
            return opened

        yield open_


@pytest.fixture(params=["sqlite", "postgres"])
def filled(request, databases) -> Engine:
    """A database with so many rows that a plan without the right index would not be chosen."""
    return databases(request.param)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_served_by_its_index(filled, make, name):
    call, indexes = QUERIES[name]
    with engines.write(filled) as conn:
        if conn.dialect.name == "postgresql":
            # A table as small as ours is read whole at times; what counts is what can be done.
            for way in ("seqscan", "bitmapscan"):
                conn.execute(text(f"SET LOCAL enable_{way} = off"))
        with _plans(conn) as plans:
            call(conn, make)
    plan = "\n".join(plans)
    assert any(index in plan for index in indexes.split()), plan
    assert "Seq Scan" not in plan
    for table in schema.metadata.tables:
        assert f"SCAN {table}\n" not in f"{plan}\n", plan
    if name in SORTED_BY_INDEX:
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("filled", ["postgres"], indirect=True)  # SQLite counts no rows read
def test_a_page_of_several_statuses_reads_a_page_of_each(filled):
    statuses = (ApprovalStatus.PENDING, ApprovalStatus.DECIDED)
    with engines.write(filled) as conn, _plans(conn, analyze=True) as plans:
        assert len(approvals.fetch_many(conn, statuses=statuses, limit=10)) == 10
    most = max(_rows_read(json.loads(plans[0])[0]["Plan"]))
    assert most <= 20, plans[0]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite counts no rows read
def test_the_history_of_a_thread_that_the_statistics_do_not_know_reads_no_more(engine, make):
    entries = [
        make.checkpoint(f"c{n:03}", thread_id="t", parent_id=f"c{n - 1:03}", branch=n // 50)
        for n in range(300)
    ]
    with engines.write(engine) as conn:
        threads.insert(conn, make.thread("t"))
        checkpoints.insert_many(conn, entries)
        with _plans(conn, analyze=True) as plans:
            assert len(history.fetch_points(conn, "t", PointFilter(), limit=100)) == 100
            assert history.count_points(conn, "t", PointFilter(node="charge")) == 300
            assert len(history.fetch_spans(conn, "t")) == 6
    for plan in plans:
        assert sum(_rows_read(json.loads(plan)[0]["Plan"])) <= 1500, plan


def _fill(conn: Connection, make) -> None:
    count = 3000
    numbers = range(count)

    def put(table, rows):
        conn.execute(insert(table), list(rows))

    put(schema.threads, (vars(make.thread(f"t{n}", updated_at=make.at(n))) for n in numbers))
    rare = list(RunStatus)
    for n in numbers:
        run = make.run(
            f"r{n}",
            thread_id=f"t{n}",
            workflow=f"w{n % 50}",
            status=rare[n // 20 % 8] if n % 20 == 0 else RunStatus.DONE,
            kind=RunKind.RESUME if n % 40 == 0 else RunKind.START,
            created_at=make.at(n),
            ended_at=make.at(n),
        )
        runs.insert(conn, run)
        card = make.approval(
            f"a{n}",
            thread_id=f"t{n}",
            run_id=f"r{n}",
            workflow=f"w{n % 50}",
            node=f"n{n % 50}",
            kind=list(Kind)[n // 10 % 8],
            risk=("high", "medium", "low", "")[n // 10 % 4],
            status=ApprovalStatus.DECIDED if n % 10 else ApprovalStatus.PENDING,
            asked_at=make.at(n),
        )
        approvals.insert(conn, card, f"key{n}")
    for n in numbers:
        decision = make.decision(f"a{n}", run_id=f"r{n}", decided_at=make.at(n))
        decisions.insert(conn, decision)
    nodes.upsert_many(conn, [make.node_run(f"task{n}", run_id=f"r{n % 500}") for n in numbers])
    events.insert_many(conn, [make.event(n // 500, run_id=f"r{n % 500}") for n in numbers])
    counted = {(Place("w", f"n{n % 20}"), make.at(60 * n)): Counts(misses=1) for n in numbers}
    cache_counts.add(conn, counted)
    entries = [make.checkpoint(f"c{n}", thread_id=f"t{n % 300}") for n in numbers]
    checkpoints.insert_many(conn, entries)
    for n in range(500):
        snapshots.put(conn, make.snapshot(thread_id=f"t{n}", checkpoint_id=f"c{n}"))
    entry = {"at": make.at(0), "actor": "ann", "action": "decide", "reason": ""}
    sealed = {"previous_hash": "", "hash": ""}
    put(
        schema.audit,
        ({**entry, **sealed, "seq": n, "object": f"run:{n % 500}"} for n in range(1, count)),
    )
    worker = {"host": "h", "pid": 1, "status": "ready", "concurrency": 1, "started_at": make.at(0)}
    put(
        schema.workers,
        ({**worker, "worker_id": f"w{n}", "heartbeat_at": make.at(n)} for n in range(1000)),
    )
    job = {"kind": "run", "payload": {}, "run_at": make.at(0)}
    message = {"kind": "people", "position": 0, "target": "x", "event": "card.asked", "link": ""}
    message |= {"object": "approval:a", "workflow": "w", "at": make.at(0), "body": {}}
    put(
        schema.notices,
        (
            {
                **message,
                "notice_id": f"n{n}",
                "rule": f"r{n % 5}",
                "status": "sent" if n % 20 else "waiting",
                "next_at": make.at(n),
                "created_at": make.at(n),
                "settled_at": make.at(n) if n % 20 else None,
            }
            for n in numbers
        ),
    )
    put(
        schema.jobs,
        (
            {
                **job,
                "job_id": f"j{n}",
                "lock": f"t{n}",
                "status": "done" if n % 20 else "todo",
                "created_at": make.at(n),
                "priority": n % 3,
                "claimed_by": f"worker{n % 100}" if n % 3 else None,
            }
            for n in numbers
        ),
    )


def _rows_read(plan):
    yield plan["Actual Rows"] * plan["Actual Loops"] if "Index" in plan["Node Type"] else 0
    for part in plan.get("Plans", ()):
        yield from _rows_read(part)


@contextmanager
def _plans(conn, *, analyze=False):
    """The plans of the SELECT, UPDATE and DELETE statements that the block executes."""
    if conn.dialect.name == "sqlite":
        prefix = "EXPLAIN QUERY PLAN "
    else:
        prefix = "EXPLAIN (FORMAT JSON, ANALYZE) " if analyze else "EXPLAIN "
    found = []

    def explain(conn, cursor, statement, parameters, context, executemany):
        if "pg_advisory" in statement or statement.startswith(
            ("EXPLAIN", "INSERT", "SAVEPOINT", "RELEASE")
        ):
            return
        own = conn.connection.dbapi_connection.cursor()
        own.execute(prefix + statement, parameters[0] if executemany else parameters)
        rows = own.fetchall()
        is_json = analyze and conn.dialect.name == "postgresql"
        found.append(json.dumps(rows[0][0]) if is_json else "\n".join(str(row[-1]) for row in rows))
        own.close()

    event.listen(conn, "before_cursor_execute", explain)
    yield found
    event.remove(conn, "before_cursor_execute", explain)
