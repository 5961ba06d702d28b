"""What another hand did to the checkpoint database while no worker was there."""

from __future__ import annotations

from langgraph.types import Command

from interlock.core.services import observing, reading


def config(run):
    return {"configurable": {"thread_id": run.thread_id}}


def test_a_thread_that_was_answered_by_another_hand_is_no_longer_in_the_inbox(desk):
    worker = desk.start()
    held = desk.finish("one", desk.open_book())
    worker.stop()
    answer = Command(resume={desk.card(held).interrupt_id: "by hand"})
    desk.by_hand("one", lambda graph: graph.ainvoke(answer, config(held)))

    desk.start()

    assert desk.run(held).status == "done"
    assert desk.cards(held) == []
    assert desk.values(held)["answers"] == ["before", "by hand", "after"]
    last = observing.list_events(desk.app, held.run_id)[-1]
    assert last.data == {"status": "done", "reason": "moved by another hand"}


def test_a_thread_that_asks_something_else_by_now_has_the_card_for_that(desk):
    worker = desk.start()
    held = desk.finish("two", desk.open_book())
    worker.stop()
    first = desk.card(held)
    fresh = desk.by_hand(
        "two", lambda graph: graph.ainvoke({"book": str(desk.open_book().folder)}, config(held))
    )

    desk.start()
    second = desk.card(held)

    assert fresh["__interrupt__"][0].id == second.interrupt_id != first.interrupt_id
    assert desk.run(held).status == "waiting"
    assert [c.approval_id for c in desk.cards(held, "superseded")] == [first.approval_id]
    assert desk.wait(desk.decide(second, "yes").run_id).status == "waiting"


def test_a_thread_at_rest_that_another_hand_moved_is_indexed(desk):
    worker = desk.start()
    done = desk.finish("steps", desk.open_book())
    worker.stop()
    desk.by_hand("steps", lambda graph: graph.aupdate_state(config(done), {"log": ["by hand"]}))

    desk.start()

    index = [e.checkpoint_id for e in observing.history(desk.app, done.thread_id)]
    assert index == [t.checkpoint_id for t in desk.read_truth(done)][::-1]
    assert reading.state(desk.app, done.thread_id).values["log"][-1] == "by hand"
    assert desk.run(done).status == "done"


def test_threads_that_nobody_touched_are_left_as_they_are(desk):
    worker = desk.start()
    held = desk.finish("one", desk.open_book())
    card = desk.card(held)
    before = observing.list_events(desk.app, held.run_id)
    worker.stop()

    desk.start()

    assert desk.card(held) == card
    assert observing.list_events(desk.app, held.run_id) == before
