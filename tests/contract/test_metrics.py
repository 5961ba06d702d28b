"""The figures of a scripted set of runs whose true figures are known, raw, rolled and mixed (law 7)."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from interlock.core.model.approvals import ApprovalStatus, Verb
from interlock.core.model.figures import Window
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import Failure, RunKind, RunStatus
from interlock.core.model.spans import DAY, EPOCH, HOUR, Tier
from interlock.core.queue.local import LocalQueue
from interlock.core.services import figuring, metrics
from interlock.core.services.context import App
from interlock.core.services.exposing import Exposition
from interlock.core.settings import Settings
from interlock.core.store import decisions, nodes, raw_figures, rollups, totals
from interlock.core.store.engine import read, write


@pytest.fixture
def app(engine, tmp_path, frozen) -> App:
    """The services on a fresh database of each kind."""
    settings = Settings(data_dir=tmp_path / "data")
    return App(settings=settings, engine=engine, queue=LocalQueue(), clock=frozen)


class Script:
    """Writes runs as a worker leaves them behind, at seconds after the start."""

    def __init__(self, conn, make) -> None:
        self.conn, self.make = conn, make

    def run(self, run_id, begun, ended, status=RunStatus.DONE, error=None, **changes):
        make = self.make
        failure = None if error is None else Failure(type=error, message="it broke")
        return make.put_run(
            self.conn,
            run_id,
            status=status,
            created_at=make.at(begun),
            started_at=make.at(begun),
            ended_at=make.at(ended),
            error=failure,
            **changes,
        )

    def node(self, run_id, path, ended, ms, status=NodeStatus.OK, **changes):
        make = self.make
        record = make.node_run(
            changes.pop("task_id", f"{path}@{ended}"),
            run_id=run_id,
            node=path.rpartition("/")[2],
            path=path,
            status=status,
            started_at=make.at(ended - ms / 1000),
            ended_at=make.at(ended),
            duration_ms=ms,
            **changes,
        )
        nodes.upsert_many(self.conn, [record])

    def card(self, approval_id, run_id, node, asked, decided=None, **changes):
        make = self.make
        deadline_s = changes.pop("deadline_s", None)
        actor, verb = changes.pop("actor", "ann"), changes.pop("verb", Verb.APPROVE)
        make.put_approval(
            self.conn,
            approval_id,
            run_id=run_id,
            node=node,
            asked_at=make.at(asked),
            deadline_at=None if deadline_s is None else make.at(asked + deadline_s),
            status=ApprovalStatus.PENDING if decided is None else ApprovalStatus.DECIDED,
            **changes,
        )
        if decided is not None:
            decisions.insert(
                self.conn,
                make.decision(
                    approval_id,
                    actor=actor,
                    verb=verb,
                    decided_at=make.at(decided),
                    seconds_to_decide=float(decided - asked),
                ),
            )


def tell(conn, make) -> None:
    """
    Two done (one after a human took 400 s), one failed, one cancelled, one still waiting.

    `charge` fails for good once, needs three tries once, and is served from the cache once.
    """
    script = Script(conn, make)
    # Held by `review` from 10 s to 410 s: 2 s and 3 s of run time.
    script.run("held", 8, 10, RunStatus.CONTINUED, variant="b")
    script.node("held", "plan", 9, 100)
    script.node("held", "review", 10, 50, NodeStatus.INTERRUPTED, task_id="review")
    script.card("a1", "held", "review", 10, 410, deadline_s=300)
    script.run(
        "resumed",
        410,
        413,
        kind=RunKind.RESUME,
        previous_run_id="held",
        variant="b",
        created_by="bob",
    )
    script.node("resumed", "review", 411, 60, task_id="review", variant="b")
    script.node("resumed", "charge", 412, 0, NodeStatus.CACHED, origin="memory", variant="b")
    # Three tries.
    script.run("flaky", 20, 24, created_by="eve")
    script.node("flaky", "plan", 21, 200)
    for attempt, ms in ((1, 300), (2, 400)):
        script.node(
            "flaky",
            "charge",
            21 + attempt,
            ms,
            NodeStatus.ERROR,
            task_id="flaky",
            attempt=attempt,
            is_final=False,
            error_type="TimeoutError",
            error_message="slow",
        )
    script.node("flaky", "charge", 24, 500, task_id="flaky", attempt=3, tokens_in=70, cost=0.25)
    # Failed for good.
    script.run("broken", 100, 101, RunStatus.FAILED, error="ValueError")
    script.node(
        "broken",
        "charge",
        101,
        900,
        NodeStatus.ERROR,
        error_type="ValueError",
        error_message="no such account",
    )
    script.run("stopped", 130, 140, RunStatus.CANCELLED)
    script.node("stopped", "plan", 140, 5000, NodeStatus.CANCELLED)
    script.run("waiting", 200, 201, RunStatus.WAITING)
    script.card("a2", "waiting", "review", 201)


def check(read) -> None:
    by_path = {n.path: n for n in read.nodes}
    assert list(by_path) == ["charge", "plan", "review"]  # the worst first
    charge, plan, review = by_path.values()
    assert (charge.runs, charge.errors, charge.attempts, charge.cached) == (2, 1, 4, 1)
    assert (charge.interrupted, charge.wait_s) == (0, 0)
    assert (charge.total_ms, charge.mean_ms) == (2100, 1050)  # 300 + 400 + 500, and 900
    assert (charge.min_ms, charge.max_ms) == (900, 1200)
    assert charge.p50_ms == pytest.approx(1050, rel=0.02)
    assert (charge.tokens_in, charge.cost) == (70, 0.25)
    assert charge.cached_ratio == pytest.approx(1 / 3)
    assert (plan.runs, plan.errors, plan.attempts, plan.total_ms) == (2, 0, 2, 300)
    assert (review.runs, review.errors, review.attempts) == (1, 0, 1)
    assert (review.interrupted, review.wait_s, review.total_ms) == (2, 400, 60)
    assert sum(n.share_ratio for n in read.nodes) == pytest.approx(1)

    (refunds,) = read.workflows
    assert (refunds.started, refunds.completed, refunds.failed, refunds.cancelled) == (5, 2, 1, 1)
    assert refunds.success_ratio == pytest.approx(2 / 3)
    assert refunds.mean_ms == pytest.approx((5000 + 4000 + 1000) / 3)  # no human's time in it
    assert refunds.nodes_per_run == pytest.approx((2 + 2 + 1 + 0) / 4)
    assert refunds.uptime_ratio == pytest.approx(2 / 3)
    assert refunds.failed_last_hour == 1
    assert [v.variant for v in read.variants] == ["", "b"]
    assert [v.completed for v in read.variants] == [1, 1]

    assert {path.rpartition("/")[2] for path in read.heat.cells} == {"charge", "plan", "review"}
    for path, cells in read.heat.cells.items():
        found = next(n for n in read.nodes if n.path == path.rpartition("/")[2])
        assert [c for c in cells if c] == [pytest.approx(found.p50_ms, rel=0.02)]

    (error,) = read.errors
    assert (error.error_type, error.path, error.count) == ("ValueError", "charge", 1)
    assert (error.message, error.run_ids) == ("no such account", ("broken",))
    (ann,) = read.reviewers
    assert (ann.decided, ann.approve_ratio, ann.median_s, ann.overdue) == (1, 1, 400, 1)
    totals = read.totals
    assert (totals.started, totals.completed, totals.failed) == (5, 2, 1)
    assert (totals.interrupted, totals.wait_s, totals.tokens) == (2, 400, 70)
    assert (totals.active_users, totals.active_reviewers) == (2, 1)
    assert sum(p.runs for p in read.series.points) == 3
    assert sum(p.errors for p in read.series.points) == 1
    assert sum(p.cached for p in read.series.points) == 1


def hour(make, **which) -> Window:
    return Window(start=make.at(-1800), end=make.at(1800), **which)


def test_the_true_figures_are_read_from_the_raw_rows(app, engine, make, frozen):
    with write(engine) as conn:
        tell(conn, make)
    frozen.advance(seconds=3600)
    check(metrics.read(app, hour(make)))


def roll_all(app) -> int:
    return sum(1 for _ in iter(lambda: figuring.roll(app), False))


@pytest.mark.parametrize("age_s", [300, 4 * 86_400], ids=lambda s: f"after {s} s")
def test_the_true_figures_are_read_however_much_of_them_is_rolled(app, engine, make, frozen, age_s):
    with write(engine) as conn:
        tell(conn, make)
    frozen.advance(seconds=age_s)
    roll_all(app)
    frozen.advance(seconds=max(0, 3600 - age_s))
    check(metrics.read(app, hour(make)))
    roll_all(app)
    check(metrics.read(app, hour(make)))
    frozen.advance(seconds=5 * 86_400)
    with write(engine) as conn:  # another day begins, so that the first one is finished
        Script(conn, make).run("later", 5 * 86_400, 5 * 86_400 + 1)
    roll_all(app)
    check(metrics.read(app, hour(make)))
    whole = Window(start=make.at(0) - DAY, end=make.at(2 * 86_400))
    assert metrics.read(app, whole).totals.completed == 2


def test_a_workflow_and_a_variant_are_read_by_themselves(app, engine, make, frozen):
    with write(engine) as conn:
        tell(conn, make)
        Script(conn, make).run("other", 50, 51, workflow="essay")
    frozen.advance(seconds=3600)
    for _ in range(2):
        check(metrics.read(app, hour(make, workflow="refunds")))
        (only,) = metrics.read(app, hour(make, variant="b")).workflows
        assert (only.workflow, only.completed, only.failed) == ("refunds", 1, 0)
        assert only.mean_ms == pytest.approx(5000)
        assert roll_all(app) or True
    for variant in (None, "b"):  # once added up, those not read are named too
        one = hour(make, workflow="refunds", variant=variant)
        assert metrics.read(app, one).variant_names == ["b"]
    assert metrics.read(app, hour(make, workflow="refunds", variant="")).variant_names == ["b"]
    assert metrics.read(app, hour(make)).variant_names == []


def test_rolling_goes_on_where_it_stopped_and_counts_nothing_twice(app, engine, make, frozen):
    script_seconds = [5, 65, 3 * 3600 + 7, 26 * 3600, 26 * 3600 + 61]
    for number, second in enumerate(script_seconds):
        with write(engine) as conn:
            Script(conn, make).run(f"r{number}", second, second + 1, thread_id=f"t{number}")
        frozen.advance(seconds=second + 130 - (frozen.now() - make.at(0)).total_seconds())
        roll_all(app)
    assert roll_all(app) == 0
    with read(engine) as conn:
        since = make.at(0) - DAY
        counts = {
            tier: sum(
                run.completed
                for run in rollups.fetch(conn, tier, since, frozen.now()).runs.values()
            )
            for tier in Tier
        }
    assert counts == {Tier.MINUTE: 5, Tier.HOUR: 3, Tier.DAY: 3}
    window = Window(start=make.at(-7 * 86_400), end=frozen.now())
    assert metrics.read(app, window).totals.completed == 5


def test_what_is_written_late_is_counted_all_the_same(app, engine, make, frozen):
    with write(engine) as conn:
        tell(conn, make)
    frozen.advance(seconds=7300)
    roll_all(app)
    with write(engine) as conn:
        Script(conn, make).node("flaky", "plan", 30, 100)
        figuring.mark_late(conn, [make.at(30), None, frozen.now()], now=frozen.now())
    with read(engine) as conn:
        assert rollups.fetch_due(conn) == [make.at(0)]
    assert not metrics.read(app, hour(make)).is_whole
    assert metrics.read(app, Window(start=make.at(1800), end=frozen.now())).is_whole
    roll_all(app)
    figures = metrics.read(app, hour(make))
    assert figures.is_whole
    assert {n.path: n.runs for n in figures.nodes}["plan"] == 3
    frozen.advance(seconds=10 * 86_400)
    with write(engine) as conn:
        Script(conn, make).node("flaky", "plan", 31, 100)
        figuring.mark_late(conn, [make.at(31)], now=frozen.now())
    roll_all(app)
    assert {n.path: n.runs for n in metrics.read(app, hour(make)).nodes}["plan"] == 4


def test_all_rows_are_made_anew_from_the_raw_ones(app, engine, make, frozen):
    with write(engine) as conn:
        tell(conn, make)
    frozen.advance(seconds=2 * 86_400)
    roll_all(app)
    with write(engine) as conn:
        wrong = rollups.fetch(conn, Tier.HOUR, EPOCH, frozen.now())
        wrong.add(rollups.fetch(conn, Tier.HOUR, EPOCH, frozen.now()))
        rollups.put(conn, Tier.HOUR, {make.at(-1800): wrong})
        rollups.put(conn, Tier.HOUR, {make.at(-1800) - 40 * HOUR: wrong})  # its raw rows are gone
    assert figuring.rebuild(app) == 1
    check(metrics.read(app, hour(make)))
    old = Window(start=make.at(-1800) - 48 * HOUR, end=make.at(-1800) - 24 * HOUR)
    assert metrics.read(app, old).totals.completed == 4


def test_nothing_is_rolled_where_nothing_happened(app, frozen, make):
    frozen.advance(seconds=3600)
    assert not figuring.roll(app)
    read_ = metrics.read(app, hour(make))
    assert read_.nodes == []
    assert read_.totals.success_ratio is None
    assert read_.totals.p95_ms is None
    assert len(read_.series.points) == 60


def test_a_node_that_was_tried_and_then_refused_has_run_and_failed(app, engine, make, frozen):
    """One that was refused at once has not run."""
    error = {"error_type": "TimeoutError", "error_message": "slow"}
    refused = {"error_type": "BreakerOpen", "error_message": "It is open."}
    with write(engine) as conn:
        script = Script(conn, make)
        script.run("tried", 20, 24, RunStatus.FAILED, error="BreakerOpen")
        tries = {"task_id": "one", **error, "is_final": False}
        script.node("tried", "charge", 22, 300, NodeStatus.ERROR, **tries)
        last = {"task_id": "one", "attempt": 2, **refused}
        script.node("tried", "charge", 24, 0, NodeStatus.SHORT_CIRCUITED, **last)
        script.run("never", 30, 31, RunStatus.FAILED, error="BreakerOpen")
        script.node("never", "charge", 31, 0, NodeStatus.SHORT_CIRCUITED, **refused)
    frozen.advance(seconds=3600)
    for _ in range(2):
        figures = metrics.read(app, hour(make))
        (charge,) = figures.nodes
        assert (charge.runs, charge.errors, charge.attempts) == (1, 1, 1)
        assert (charge.short_circuited, charge.total_ms) == (2, 300)
        (found,) = figures.errors
        assert (found.error_type, found.count, found.run_ids) == ("BreakerOpen", 1, ("tried",))
        assert figures.workflows[0].nodes_per_run == pytest.approx(1 / 2)
        roll_all(app)


def test_what_a_fallback_served_is_no_try_of_the_node(app, engine, make, frozen):
    """Two runs of it: tried twice and served by the second fallback, and served at once by a model's."""
    error = {"status": NodeStatus.ERROR, "error_type": "TimeoutError", "is_final": False}
    refused = {"status": NodeStatus.SHORT_CIRCUITED, "error_type": "BreakerOpen", "is_final": False}
    with write(engine) as conn:
        script = Script(conn, make)
        script.run("tried", 20, 24)
        for attempt in (1, 2):
            script.node("tried", "charge", 21, 300, task_id="one", attempt=attempt, **error)
        spare = {"task_id": "one", "origin": "fallback:spare"}
        script.node("tried", "charge", 22, 100, attempt=3, **spare, **error)
        script.node("tried", "charge", 23, 50, task_id="one", attempt=4, origin="fallback:{}")
        script.run("cut", 25, 27)
        script.node("cut", "charge", 26, 0, task_id="two", **refused)
        script.node("cut", "charge", 27, 80, task_id="two", attempt=2, origin="fallback:spare")
        script.run("other", 30, 31)
        script.node("other", "charge", 31, 70, origin="stand-in:openai:small")
    frozen.advance(seconds=3600)
    for _ in range(2):
        (charge,) = metrics.read(app, hour(make)).nodes
        assert (charge.runs, charge.errors, charge.attempts) == (3, 0, 3)
        assert (charge.degraded, charge.short_circuited) == (3, 1)
        assert charge.total_ms == 750 + 80 + 70
        roll_all(app)


def test_prometheus_is_told_the_same_numbers(app, engine, make, frozen):
    """What was tried in vain and refused, what was given up, and a node around others, too."""
    slow = {"error_type": "TimeoutError", "error_message": "slow"}
    open_ = {"error_type": "BreakerOpen", "error_message": "It is open."}
    with write(engine) as conn:
        tell(conn, make)
        script = Script(conn, make)
        script.run("tried", 220, 224, RunStatus.FAILED, error="BreakerOpen")
        for attempt, ms in ((1, 300), (2, 450)):
            task = {"task_id": "one", "attempt": attempt, "is_final": False}
            script.node("tried", "charge", 221 + attempt, ms, NodeStatus.ERROR, **task, **slow)
        last = {"task_id": "one", "attempt": 3, **open_}
        script.node("tried", "charge", 224, 0, NodeStatus.SHORT_CIRCUITED, **last)
        script.run("waited", 230, 234)
        first = {"task_id": "two", "is_final": False, **open_}
        script.node("waited", "charge", 231, 0, NodeStatus.SHORT_CIRCUITED, **first)
        script.node("waited", "charge", 233, 20, task_id="two", attempt=2, tokens_out=5)
        script.node("waited", "team/charge", 233, 20)
        outer = {"task_id": "out"}
        script.node("waited", "team", 232, 700, NodeStatus.ERROR, is_final=False, **outer, **slow)
        script.node("waited", "team", 234, 800, attempt=2, **outer)
        script.run("given up", 240, 241, RunStatus.CANCELLED, error="ValueError")
    frozen.advance(seconds=1700)
    figures = metrics.read(app, hour(make))
    families = text_string_to_metric_families(Exposition(app).text().decode())
    told = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }

    for node in figures.nodes:
        place = ("refunds", node.path)
        ended = {
            status: told.get(("agent_steps_total", *place, status), 0)
            for status in ("ok", "error", "retried", "cached", "short_circuited")
        }
        assert ended["ok"] + ended["error"] == node.runs, place
        assert ended["error"] == node.errors, place
        assert ended["cached"] == node.cached, place
        assert ended["short_circuited"] == node.short_circuited, place
        refused_after_tries = 1 if node.path == "charge" else 0
        tries = ended["ok"] + ended["error"] + ended["retried"] - refused_after_tries
        assert tries == node.attempts, place
        assert told["latency_node_seconds_count", *place] == node.runs, place
        took_s = told["latency_node_seconds_sum", *place]
        assert took_s == pytest.approx(node.total_ms / 1000), place
        assert told["reasoning_tokens_total", *place] == node.tokens_in + node.tokens_out, place
        assert told["interlock_model_cost_total", *place] == pytest.approx(node.cost), place
    (refunds,) = figures.workflows
    ends = [told["agent_executions_total", "refunds", s] for s in ("done", "failed", "cancelled")]
    assert ends == [refunds.completed, refunds.failed, refunds.cancelled]
    assert told["agent_duration_seconds_count", "refunds"] == refunds.completed + refunds.failed
    mean_s = told["agent_duration_seconds_sum", "refunds"] / sum(ends[:2])
    assert mean_s == pytest.approx(refunds.mean_ms / 1000, abs=0.001)
    assert {node.path for node in figures.nodes} == {
        "charge",
        "plan",
        "review",
        "team",
        "team/charge",
    }


def test_a_retry_after_a_quiet_hour_does_not_hold_the_figures_up(app, engine, make, frozen):
    """It was launched when nothing else happened, which is no figure of that hour."""
    with write(engine) as conn:
        script = Script(conn, make)
        script.run("first", 5, 6, RunStatus.FAILED, error="ValueError")
        script.run("again", 4 * 3600, 5 * 3600 + 9, kind=RunKind.RETRY, previous_run_id="first")
        script.node("again", "plan", 5 * 3600 + 9, 100)
    frozen.advance(seconds=6 * 3600)
    assert figuring.roll(app)
    assert figuring.roll(app)
    assert not figuring.roll(app)
    assert figuring.rebuild(app) == 2
    totals = metrics.read(app, Window(start=make.at(-1800), end=frozen.now())).totals
    assert (totals.started, totals.completed, totals.failed) == (1, 1, 1)


def test_rolling_ends_even_where_nothing_is_found_in_what_happened(
    app, engine, make, frozen, monkeypatch
):
    with write(engine) as conn:
        script = Script(conn, make)
        script.run("first", 5, 6)
        script.run("last", 4 * 3600, 4 * 3600 + 6)
    frozen.advance(seconds=6 * 3600)
    count = raw_figures.count_by_minute
    monkeypatch.setattr(raw_figures, "count_by_minute", lambda *_, **__: {})
    assert [figuring.roll(app) for _ in range(3)] == [True, True, False]
    monkeypatch.setattr(raw_figures, "count_by_minute", count)
    window = Window(start=make.at(-1800), end=frozen.now())
    assert metrics.read(app, window).totals.completed == 0
    assert figuring.rebuild(app) == 2
    assert metrics.read(app, window).totals.completed == 2


def test_a_reviewer_has_approved_what_was_taken_as_it_was_proposed(app, make):
    with write(app.engine) as conn:
        script = Script(conn, make)
        for number, verb in enumerate(Verb):
            script.run(f"r{number}", 0, 1, RunStatus.CONTINUED)
            asked = {"interrupt_id": f"i{number}", "checkpoint_id": f"c{number}"}
            script.card(f"a{number}", f"r{number}", "review", 1, 3, verb=verb, **asked)
    (ann,) = metrics.read(app, hour(make)).reviewers
    assert (ann.decided, ann.approved) == (len(Verb), 1)


def test_what_is_set_back_after_it_was_done_is_not_done_twice_and_a_copy_never(app, make):
    with write(app.engine) as conn:
        script = Script(conn, make)
        script.run("done", 1, 2)
        again = {"kind": RunKind.REWIND, "previous_run_id": "done"}
        script.run("again", 10, 12, RunStatus.CONTINUED, **again)
        script.run("after", 20, 21, kind=RunKind.RESUME, previous_run_id="again")
        script.run("broken", 30, 31, RunStatus.FAILED, error="ValueError")
        script.run("mended", 32, 33, kind=RunKind.REWIND, previous_run_id="broken")
        script.run("copied", 40, 41, kind=RunKind.COPY)
    (found,) = metrics.read(app, hour(make)).workflows
    assert (found.started, found.completed, found.failed) == (2, 2, 1)
    assert found.mean_ms == 1000
    with read(app.engine) as conn:
        ended = totals.fetch_totals(conn, since=make.at(0), until=make.at(60)).executions.tallies
    assert {key.status: tally.count for key, tally in ended.items()} == {"done": 2, "failed": 1}
