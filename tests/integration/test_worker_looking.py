"""Law 3 where a worker's own loop fails: what it carries stays its own until it is handed over."""

from __future__ import annotations

import asyncio

import pytest

from interlock.core.errors import SealBroken
from interlock.core.services import claiming, presence
from interlock.core.worker.serving import Server


def deliveries(desk, run):
    with desk.app.engine.connect() as conn:
        found = conn.exec_driver_sql("SELECT job_id, deliveries FROM jobs WHERE kind = 'run'")
        return dict(found.all())[run.run_id]


def test_a_look_that_fails_is_tried_again_and_runs_go_on(desk, monkeypatch, wait_until):
    failed, look = [], claiming.look

    def fail_while_it_runs(app, run_ids, **given):
        if run_ids and len(failed) < 2:
            failed.append(1)
            raise SealBroken("One value is damaged.")
        return look(app, run_ids, **given)

    book = desk.open_book()
    book.close("slow")
    monkeypatch.setattr(claiming, "look", fail_while_it_runs)
    worker = desk.start()
    run = desk.launch("working", book)
    wait_until(lambda: len(failed) == 2)
    assert worker.is_alive
    book.open("slow")
    assert desk.wait(run).status == "done"
    assert deliveries(desk, run) == 1
    assert desk.finish("steps", desk.open_book()).status == "done"


def test_a_loop_that_ends_by_an_error_hands_over_before_it_signs_off(desk, monkeypatch, wait_until):
    """Who signs off gives all that it had away, so that nothing may be carried by then."""
    left, leave, drain = [], presence.leave, Server._drain

    async def sleep(server):
        if server._carriers:
            raise RuntimeError("odd")
        await asyncio.sleep(0.01)

    async def drain_and_tell(server):
        await drain(server)
        left.append(len(server._carriers))

    def leave_and_tell(app, worker_id):
        left.append("left")
        leave(app, worker_id)

    book = desk.open_book()
    book.close("slow")
    monkeypatch.setattr(Server, "_sleep", sleep)
    monkeypatch.setattr(Server, "_drain", drain_and_tell)
    monkeypatch.setattr(presence, "leave", leave_and_tell)
    worker = desk.start(drain_s=0.1)
    run = desk.launch("working", book)
    wait_until(lambda: not worker.is_alive)
    with pytest.raises(RuntimeError, match="odd"):
        worker.stop()
    assert left == [0, "left"]
    assert desk.run(run).status == "queued"
    monkeypatch.undo()
    book.open("slow")
    desk.start()
    assert desk.wait(run).status == "done"
