"""A worker on a real project: what a run leaves behind, all of it and all at once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from interlock.core.errors import StoreUnavailable
from interlock.core.model.runs import RunStatus
from interlock.core.services import observing, running
from interlock.core.store import approvals, events, nodes, runs, snapshots
from interlock.core.store import engine as engines


def test_a_run_asks_once_and_finishes_with_the_answer(desk):
    book = desk.open_book()
    desk.start()

    held = desk.finish("one", book)
    decided = desk.decide(desk.card(held), "yes")
    ended = desk.wait(decided.run_id)

    assert (held.status, ended.status) == ("waiting", "done")
    assert desk.run(held).status == "continued"
    assert desk.values(ended)["answers"] == ["before", "yes", "after"]
    assert [book.count(w) for w in ("before", "asking", "answered", "after")] == [1, 2, 1, 1]
    assert desk.nodes(held) == [("before", "ok"), ("ask", "interrupted")]
    assert desk.nodes(ended) == [("ask", "ok"), ("after", "ok")]


def test_nested_nodes_and_called_functions_are_recorded_by_path(desk):
    desk.start()

    nested = desk.finish("nested", desk.open_book())
    called = desk.finish("functions", desk.open_book())

    assert set(desk.nodes(nested)) == {
        ("before", "ok"),
        ("team", "interrupted"),
        ("team/quick", "ok"),
        ("team/ask", "interrupted"),
    }
    assert set(desk.nodes(called)) == {
        ("functions", "interrupted"),
        ("functions/measure", "ok"),
    }
    assert (desk.card(nested).node, desk.card(called).node) == ("team/ask", "functions/ask_both")


def test_who_sees_a_run_wait_or_end_sees_all_that_belongs_to_it(desk):
    books = [desk.open_book() for _ in range(6)]
    found = []
    stop = threading.Event()

    def look():
        while not stop.is_set():
            with engines.read(desk.app.engine) as conn:
                found.extend(
                    read_all(conn, run)
                    for run in runs.fetch_many(conn, limit=50)
                    if run.status in {RunStatus.WAITING, RunStatus.DONE}
                )

    watching = threading.Thread(target=look)
    watching.start()
    desk.start()
    held = [desk.launch("one", book) for book in books]
    ended = [desk.decide(desk.card(desk.wait(run)), "yes").run_id for run in held]
    for run_id in ended:
        desk.wait(run_id)
    stop.set()
    watching.join()

    assert {status for status, *_ in found} == {"waiting", "done"}
    for status, has_cards, paths, last, values in found:
        assert has_cards == (status == "waiting")
        assert paths == (
            [("before", "ok"), ("ask", "interrupted")]
            if status == "waiting"
            else [("ask", "ok"), ("after", "ok")]
        )
        assert last == {"status": status}
        assert values == (["before"] if status == "waiting" else ["before", "yes", "after"])


def read_all(conn, run):
    """What one look at the database shows of a run that waits or is done."""
    cards = approvals.fetch_many(conn, thread_id=run.thread_id, limit=9)
    attempts = [
        (n.path, str(n.status)) for n in nodes.fetch_for_runs(conn, [run.run_id], limit=100)
    ]
    log = events.fetch_for_run(conn, run.run_id, kinds=["status"])
    snapshot = snapshots.fetch(conn, run.thread_id, run.end_checkpoint_id)
    return (
        str(run.status),
        any(card.run_id == run.run_id for card in cards),
        attempts,
        log[-1].data,
        snapshot.values["answers"],
    )


def test_the_index_is_the_checkpoint_database_and_knows_what_was_due(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("one", book)
    desk.wait(desk.decide(desk.card(held), "yes").run_id)

    index = observing.history(desk.app, held.thread_id)[::-1]

    truth = desk.read_truth(held)
    assert [(e.checkpoint_id, e.parent_id, e.step, e.source, e.size_bytes) for e in index] == [
        (t.checkpoint_id, t.parent_id, t.step, t.source, t.size_bytes) for t in truth
    ]
    assert [e.next for e in index] == [("__start__",), ("before",), ("ask",), ("after",), ()]
    assert {e.branch for e in index} == {0}


def test_a_head_with_a_finished_sibling_is_indexed_with_all_that_was_due(desk, by_question):
    desk.start()
    held = desk.finish("caching", desk.open_book(), input={"question": "a"})

    assert set(observing.history(desk.app, held.thread_id)[0].next) == {"ask", "side"}


def test_forks_made_by_hand_are_branches_of_their_own(desk):
    worker = desk.start()
    run = desk.finish("steps", desk.open_book())
    worker.stop()
    index = observing.history(desk.app, run.thread_id)[::-1]
    ids = [e.checkpoint_id for e in index]

    def at(checkpoint_id):
        place = {"thread_id": run.thread_id, "checkpoint_ns": "", "checkpoint_id": checkpoint_id}
        return {"configurable": place}

    async def fork(graph):
        first = await graph.aupdate_state(at(ids[2]), {"log": ["first"]}, as_node="a")
        second = await graph.aupdate_state(at(ids[3]), {"log": ["second"]}, as_node="b")
        on_first = await graph.aupdate_state(first, {"log": ["more"]}, as_node="b")
        third = await graph.aupdate_state(first, {"log": ["third"]}, as_node="b")
        return [c["configurable"]["checkpoint_id"] for c in (first, second, on_first, third)]

    made = desk.by_hand("steps", fork)
    desk.start()
    branches = {e.checkpoint_id: e.branch for e in observing.history(desk.app, run.thread_id)}

    assert [branches[i] for i in ids] == [0] * len(ids)
    assert [branches[i] for i in made] == [1, 2, 1, 3]
    again = desk.finish("steps", desk.open_book(), thread_id=run.thread_id)
    entries = {e.checkpoint_id: e for e in observing.history(desk.app, run.thread_id)}
    assert entries[again.end_checkpoint_id].branch == 3
    assert list(entries) == [t.checkpoint_id for t in desk.read_truth(run)][::-1]


def test_a_hit_of_the_cache_did_not_run_and_a_result_used_again_is_no_hit(desk):
    book, other = desk.open_book(), desk.open_book()
    desk.start()
    question = {"question": f"asked by {book.folder}"}

    first = desk.finish("caching", book, input=question)
    second = desk.finish("caching", other, input=question)
    resumed = desk.wait(desk.decide(desk.card(first), "yes").run_id)

    assert sorted(desk.nodes(first)) == [("ask", "interrupted"), ("look_up", "ok"), ("side", "ok")]
    assert sorted(desk.nodes(second)) == [
        ("ask", "interrupted"),
        ("look_up", "cached"),
        ("side", "ok"),
    ]
    assert desk.nodes(resumed) == [("ask", "ok")]
    assert [b.count("look_up") for b in (book, other)] == [1, 0]
    steps = observing.run_detail(desk.app, second.run_id).nodes
    assert next(n.step for n in steps if n.path == "look_up") == 1


@pytest.mark.parametrize("workflow", ["nested", "functions"])
def test_results_used_again_within_a_graph_or_a_function_are_no_hits(desk, workflow):
    desk.start()
    held = desk.finish(workflow, desk.open_book())

    resumed = desk.wait(desk.decide(desk.card(held), "yes").run_id)

    assert "cached" not in {status for _, status in desk.nodes(resumed)}
    assert not {"team/quick", "functions/measure"} & {path for path, _ in desk.nodes(resumed)}


def test_a_worker_outlives_a_database_that_does_not_answer_for_a_while(desk, monkeypatch):
    from interlock.core.services import claiming, recording

    left = {"claim_jobs": 2, "record": 2}

    def failing(name, function):
        def call(*args, **kwargs):
            if left[name]:
                left[name] -= 1
                raise StoreUnavailable("it is away")
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(claiming, "claim_jobs", failing("claim_jobs", claiming.claim_jobs))
    monkeypatch.setattr(recording, "record", failing("record", recording.record))
    monkeypatch.setattr("interlock.core.worker.recorder.RETRY_S", 0.01)
    monkeypatch.setattr("interlock.core.worker.serving.LOOK_S", 0.05)
    worker = desk.start()

    done = desk.finish("steps", desk.open_book())

    assert done.status == "done"
    assert worker.is_alive
    assert left == {"claim_jobs": 0, "record": 0}


def test_a_run_whose_end_cannot_be_written_fails_and_takes_no_other_with_it(desk, monkeypatch):
    from interlock.core.services import recording

    book = desk.open_book()
    book.close("slow")
    desk.start()
    broken = desk.launch("working", book)
    real = recording.place_checkpoints

    def place_checkpoints(conn, thread_id, entries, **how):
        if thread_id == broken.thread_id and entries:
            raise ValueError("broken")
        return real(conn, thread_id, entries, **how)

    monkeypatch.setattr(recording, "place_checkpoints", place_checkpoints)
    book.open("slow")
    failed = desk.wait(broken)

    assert (failed.status, failed.error.type) == ("failed", "NotRecorded")
    assert "broken" in failed.error.message
    assert desk.finish("steps", desk.open_book()).status == "done"


def test_runs_of_many_threads_go_side_by_side_and_of_one_thread_in_turn(desk):
    books = [desk.open_book() for _ in range(8)]
    desk.start(concurrency=4)

    ended = [desk.wait(run) for run in [desk.launch("steps", book) for book in books]]

    assert [run.status for run in ended] == ["done"] * 8
    assert [book.count("d") for book in books] == [1] * 8


def test_a_worker_that_starts_takes_over_what_another_left_and_signs_off_in_the_end(desk):
    run = desk.launch("steps", desk.open_book())
    desk.carry_unrecorded(die_at=2)
    left = observing.list_workers(desk.app)
    worker = desk.start()

    assert desk.wait(run).status == "done"
    assert not {w.worker_id for w in left} & {w.worker_id for w in observing.list_workers(desk.app)}
    worker.stop()
    assert observing.list_workers(desk.app) == []


def test_a_cancel_that_comes_after_the_end_changes_nothing(desk, monkeypatch):
    from interlock.core.worker import carrying

    book = desk.open_book()
    desk.start()
    reached, go_on = threading.Event(), threading.Event()
    real = carrying.read_entries

    async def read_entries(*args, **kwargs):
        reached.set()
        await asyncio.to_thread(go_on.wait)
        return await real(*args, **kwargs)

    monkeypatch.setattr(carrying, "read_entries", read_entries)
    run = desk.launch("steps", book)
    assert reached.wait(20)
    running.cancel(desk.app, run.run_id, actor="cid")
    monkeypatch.setattr(carrying, "read_entries", real)
    beside = desk.finish("steps", desk.open_book())  # the worker has looked by now
    go_on.set()

    assert beside.status == "done"
    assert desk.wait(run).status == "done"
