"""The first page, drawn without a browser: what waits, what runs, what failed, and what to do first."""

from __future__ import annotations

from datetime import timedelta

from interlock.core.model.caches import Counts, Place
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.store import cache_counts, engine
from interlock.dashboard import keys
from interlock.dashboard.http import heads
from interlock.dashboard.views.flow import Flow


def texts(at):
    return [*(m.value for m in at.markdown), *(c.value for c in at.caption)]


def test_an_empty_room_offers_the_first_launch(seed, open_page):
    seed.worker()
    seed.workflow()
    at = open_page("overview")
    assert not at.exception
    assert any("Nobody waits for a decision" in t for t in texts(at))
    assert at.metric[0].value == "0"


def test_what_waits_is_listed_oldest_first_and_drawn_inert(seed, open_page):
    seed.worker()
    seed.card(title="![x](evil/a.png)")
    seed.card(title="Second")
    at = open_page("overview")
    assert not at.exception
    assert at.metric[0].value == "2"
    titles = [t for t in texts(at) if t.startswith("**")]
    assert titles == [r"**\!\[x\]\(evil\/a\.png\)**", "**Second**"]


def test_what_runs_and_what_failed_is_counted_with_the_way_there(app, seed, open_page):
    seed.worker()
    seed.run(RunStatus.RUNNING, workflow="essay")
    at = seed.at - timedelta(minutes=5)
    seed.run(
        RunStatus.FAILED,
        created_at=at,
        started_at=at,
        ended_at=at,
        error=Failure("ValueError", "no funds"),
    )
    at = open_page("overview")
    assert not at.exception
    figures = {m.label: m.value for m in at.metric}
    assert (figures["Running"], figures["Failed"]) == ("1", "1")
    labels = [link.proto.label for link in at.get("page_link")]
    assert {"Waiting", "Running", "Failed", "p95", "Cache hits", "Breakers open"} <= set(labels)


def test_the_graph_says_what_each_node_does_and_follows_the_picker(app, seed, open_page):
    seed.worker()
    nodes = [{"id": "review", "label": "review", "kind": "node"}]
    seed.workflow(graph={"nodes": nodes, "edges": []})
    seed.workflow("essay", graph={"nodes": [{"id": "draft", "kind": "node"}], "edges": []})
    seed.card()
    at = open_page("overview", graph="refund_desk")
    assert not at.exception
    assert "1 card waits" in at.get("graphviz_chart")[0].proto.spec
    at.selectbox(key=keys.metrics_graph_of("overview")).set_value("essay").run()
    assert not at.exception
    assert at.query_params["graph"] == "essay"
    assert "did not run" in at.get("graphviz_chart")[0].proto.spec


def test_a_missing_worker_is_said(seed, open_page):
    seed.worker(heartbeat_at=seed.at - timedelta(minutes=3))
    at = open_page("overview")
    assert not at.exception
    assert any("No worker for 3 min" in e.value for e in at.error)


def test_a_queue_that_stands_still_is_said_on_the_page_and_beside_every_page(seed, open_page):
    seed.worker()
    seed.run(RunStatus.QUEUED, created_at=seed.at - timedelta(minutes=2))
    at = open_page("overview")
    assert not at.exception
    said = [w.value for w in at.warning]
    assert len([w for w in said if "The queue is not moving" in w]) == 2
    assert any("queued for 2 min" in w.value for w in at.sidebar.warning)


def test_open_pages_are_told_that_the_queue_stands_though_nothing_is_written(app, clock, seed):
    seed.worker(heartbeat_at=seed.at + timedelta(minutes=2))
    seed.run(RunStatus.QUEUED)
    source = heads.ServiceHeads(app)
    assert source.read(())[heads.WORKERS] == Flow.MOVING
    source.close()
    clock.advance(seconds=120)
    source = heads.ServiceHeads(app)
    assert source.read(())[heads.WORKERS] == Flow.STANDING
    source.close()


def test_a_figure_that_stands_on_two_pages_is_the_same_on_both(app, seed, open_page):
    seed.worker()
    at = seed.at - timedelta(minutes=5)
    ended = {"created_at": at, "started_at": at, "ended_at": at}
    seed.run(RunStatus.FAILED, error=Failure("ValueError", "x"), **ended)
    seed.run(RunStatus.DONE, **ended)
    with engine.write(app.engine) as conn:
        place = Place("refund_desk", "quote")
        cache_counts.add(conn, {(place, at): Counts(memory_hits=3, misses=1)})
    first, *others = (
        {m.label: m.value for m in open_page(name, **which).metric}
        for name, which in (("overview", {}), ("figures", {}), ("caches", {"window": "1 h"}))
    )
    figures, caches = others
    assert first["Failed"] == figures["Failed"] == "1"
    assert first["p95"] == figures["p95 of a run"]
    assert first["Cache hits"] == caches["Hit rate"] == "75.0 %"
