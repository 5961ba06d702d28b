"""Law 4: a job that is handed out again, whatever it was and wherever its last worker died."""

from __future__ import annotations

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import Verb
from interlock.core.services import observing, running


def die_everywhere(desk, act, *, settle):
    """
    Let a worker die before each of its writes in turn, on fresh threads.

    Args:
        desk: The desk.
        act: Brings a fresh thread to where a job is due; gives back what `settle` takes.
        settle: Works without dying, and checks.

    Returns:
        At how many places a worker died.
    """
    place = 0
    while True:
        subject = act()
        (ending,) = desk.carry_unrecorded(die_at=place)
        worker = desk.start()
        settle(subject)
        worker.stop()
        if ending != "dead":
            return place
        place += 1


def test_a_start_survives_a_death_before_each_of_its_writes(desk):
    def act():
        book = desk.open_book()
        return book, desk.launch("one", book)

    def settle(subject):
        book, run = subject
        held = desk.wait(run)
        assert held.status == "waiting"
        assert book.count("before") <= 2
        assert book.count("asking") <= 2
        ended = desk.wait(desk.decide(desk.card(held), "yes").run_id)
        assert desk.values(ended)["answers"] == ["before", "yes", "after"]
        assert [book.count(w) for w in ("answered", "after")] == [1, 1]
        check_books(desk, run)

    assert die_everywhere(desk, act, settle=settle) >= 5


def test_a_resume_survives_a_death_before_each_of_its_writes(desk):
    def act():
        book = desk.open_book()
        worker = desk.start()
        held = desk.finish("one", book)
        worker.stop()
        return book, held, desk.decide(desk.card(held), "yes")

    def settle(subject):
        book, held, decided = subject
        ended = desk.wait(decided.run_id)
        assert ended.status == "done"
        assert desk.values(ended)["answers"] == ["before", "yes", "after"]
        assert book.count("before") == 1
        assert book.count("answered") + book.count("after") <= 3
        assert [c.version for c in desk.cards(held, "pending", "decided")] == [1]
        check_books(desk, held)

    assert die_everywhere(desk, act, settle=settle) >= 4


def test_a_resume_of_several_survives_a_death_before_each_of_its_writes(desk):
    def act():
        book = desk.open_book()
        worker = desk.start()
        held = desk.finish("fan", book, input={"items": ["a", "b", "c"]})
        worker.stop()
        for card in desk.cards(held)[:2]:
            decided = desk.decide(card, card.payload["question"])
        return book, held, decided

    def settle(subject):
        book, held, decided = subject
        assert desk.wait(decided.run_id).status == "waiting"
        ended = desk.wait(desk.decide(desk.card(held), "last").run_id)
        assert ended.status == "done"
        assert sorted(item for item, _ in desk.values(ended)["answers"]) == ["a", "b", "c"]
        assert max(book.count(f"released {item}") for item in "abc") <= 2
        assert book.count("gather") == 1
        assert {c.version for c in desk.cards(held, "decided")} == {1}
        check_books(desk, held)

    assert die_everywhere(desk, act, settle=settle) >= 2


def test_a_retry_survives_a_death_before_each_of_its_writes(desk):
    def act():
        book = desk.open_book()
        book.fail("answered")
        worker = desk.start()
        held = desk.finish("one", book)
        failed = desk.wait(desk.decide(desk.card(held), "yes").run_id)
        worker.stop()
        return book, held, running.retry(desk.app, failed.run_id, actor="cid")

    def settle(subject):
        book, held, retried = subject
        ended = desk.wait(retried)
        assert ended.status == "done"
        assert desk.values(ended)["answers"] == ["before", "yes", "after"]
        assert book.count("before") == 1
        assert book.count("answered") <= 3
        assert [c.version for c in desk.cards(held, "pending", "decided")] == [1]
        check_books(desk, held)

    assert die_everywhere(desk, act, settle=settle) >= 4


@pytest.mark.parametrize(
    ("verb", "value", "log"),
    [
        (Verb.APPROVE, None, ["a", "b", "c", "d"]),
        (Verb.EDIT, {"log": ["edited"]}, ["edited", "b", "c", "d"]),
        (Verb.SKIP, None, ["a", "c", "d"]),
    ],
)
def test_a_breakpoint_survives_a_death_before_each_of_its_writes(desk, verb, value, log):
    def act():
        book = desk.open_book()
        worker = desk.start()
        held = desk.finish("steps", book, break_before=("b", "d"))
        worker.stop()
        return book, held, desk.decide(desk.card(held), value, verb=verb)

    def settle(subject):
        book, held, decided = subject
        assert desk.wait(decided.run_id).status == "paused"
        assert desk.card(held).node == "d"
        ended = desk.wait(desk.decide(desk.card(held), verb=Verb.APPROVE).run_id)
        assert desk.values(ended)["log"] == log
        assert [book.count(step) for step in "ad"] == [1, 1]
        assert book.count("b") <= 2
        check_books(desk, held)

    assert die_everywhere(desk, act, settle=settle) >= 2


@pytest.mark.parametrize("lose", ["end", "all"])
@pytest.mark.parametrize(
    ("workflow", "ending", "counts", "nodes"),
    [
        ("one", "waiting", {"before": 1, "asking": 1}, {"before", "ask"}),
        ("nested", "waiting", {"before": 1, "quick": 1, "asking": 1}, {"before", "team"}),
        ("functions", "waiting", {"entered": 1, "measured": 1, "asking": 1}, {"functions"}),
        ("held", "paused", {"a": 1, "b": 0}, {"a"}),
        ("steps", "done", {"a": 1, "b": 1, "c": 1, "d": 1}, {"a", "b", "c", "d"}),
    ],
)
def test_a_start_whose_end_was_not_recorded_is_only_recorded(
    desk, lose, workflow, ending, counts, nodes
):
    book = desk.open_book()
    run = desk.launch(workflow, book)

    assert desk.carry_unrecorded(lose=lose) == [ending]
    desk.start()

    assert desk.wait(run).status == ending
    assert {what: book.count(what) for what in counts} == counts
    assert len(desk.cards(run)) == (ending != "done")
    assert nodes == {path for path, _ in desk.nodes(run) if "/" not in path}
    check_books(desk, run)


def test_a_node_that_asked_and_ended_after_its_answer_is_told_of_though_its_records_were_lost(desk):
    worker = desk.start()
    held = desk.finish("one", desk.open_book())
    worker.stop()
    decided = desk.decide(desk.card(held), "yes")

    assert desk.carry_unrecorded(lose="all") == ["done"]
    desk.start()

    ended = desk.wait(decided.run_id)
    assert desk.nodes(held) == [("before", "ok"), ("ask", "interrupted")]
    assert sorted(desk.nodes(ended)) == [("after", "ok"), ("ask", "ok")]
    check_books(desk, ended)


def test_nodes_within_a_subgraph_are_told_of_though_their_records_were_lost(desk):
    worker = desk.start()
    held = desk.finish("nested", desk.open_book())
    worker.stop()
    decided = desk.decide(desk.card(held), "yes")
    assert desk.carry_unrecorded(lose="all") == ["done"]
    desk.start()
    lost = desk.wait(decided.run_id)

    kept = desk.finish("nested", desk.open_book())
    whole = desk.wait(desk.decide(desk.card(kept), "yes").run_id)

    assert sorted(desk.nodes(lost)) == sorted(desk.nodes(whole))
    assert any("/" in path for path, _ in desk.nodes(lost))
    shapes = [
        sorted((n.path, n.node, n.step, n.namespace.count("|")) for n in detail.nodes)
        for detail in (observing.run_detail(desk.app, run.run_id) for run in (lost, whole))
    ]
    assert shapes[0] == shapes[1]
    check_books(desk, lost)


def test_a_failure_that_was_not_recorded_is_recorded_and_the_node_not_run_again(desk):
    book = desk.open_book()
    book.fail("right")
    run = desk.launch("side_by_side", book)

    assert desk.carry_unrecorded() == ["failed"]
    desk.start()
    failed = desk.wait(run)

    assert failed.status == "failed"
    assert (failed.error.type, failed.error.node) == ("RuntimeError", "right")
    assert "told to fail" in failed.error.message
    assert book.count("right") == 1
    assert desk.wait(running.retry(desk.app, run.run_id, actor="cid")).status == "done"
    assert [book.count(n) for n in ("right", "last")] == [2, 1]


def test_a_failure_after_an_approval_that_was_not_recorded_does_not_ask_again(desk):
    book = desk.open_book()
    book.fail("answered")
    worker = desk.start()
    held = desk.finish("one", book)
    worker.stop()
    decided = desk.decide(desk.card(held), "yes")

    assert desk.carry_unrecorded() == ["failed"]
    desk.start()

    assert desk.wait(decided.run_id).status == "failed"
    assert desk.cards(held) == []
    assert book.count("answered") == 1


def test_an_answer_that_led_to_the_next_question_is_not_sent_to_that_one(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("two", book)
    worker.stop()
    decided = desk.decide(desk.card(held), "yes")

    assert desk.carry_unrecorded() == ["waiting"]
    desk.start()

    assert desk.wait(decided.run_id).status == "waiting"
    assert desk.card(held).payload["question"] == "Pay 1000000?"
    assert [book.count(what) for what in ("asking", "small", "large")] == [2, 1, 0]


@pytest.mark.parametrize("workflow", ["two", "functions"])
def test_a_node_that_fails_between_two_questions_keeps_its_answer_for_the_first(desk, workflow):
    book = desk.open_book()
    book.fail("small")
    worker = desk.start()
    held = desk.finish(workflow, book)
    worker.stop()
    decided = desk.decide(desk.card(held), "yes")

    assert desk.carry_unrecorded() == ["failed"]
    worker = desk.start()
    assert desk.wait(decided.run_id).status == "failed"
    assert desk.cards(held) == []
    assert book.count("small") == 1
    retried = desk.wait(running.retry(desk.app, decided.run_id, actor="cid"))

    assert retried.status == "waiting"
    assert desk.card(held).payload["question"] == "Pay 1000000?"
    assert book.count("large") == 0
    ended = desk.wait(desk.decide(desk.card(held), "no").run_id)
    assert desk.values(ended)["answers"] == ["yes", "no"]


def test_what_stands_before_a_breakpoint_is_not_walked_past_when_handed_out_again(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("steps", book, break_before=("*",))
    worker.stop()
    decided = desk.decide(desk.card(held), verb=Verb.APPROVE)

    assert desk.carry_unrecorded() == ["paused"]
    desk.start()

    assert desk.wait(decided.run_id).status == "paused"
    assert desk.card(held).node == "b"
    assert [book.count(step) for step in "ab"] == [1, 0]


def test_a_job_dies_at_three_places_and_its_events_have_no_gap_and_no_repeat(desk):
    book = desk.open_book()
    run = desk.launch("steps", book)
    for place, lose in ((1, "all"), (4, "end"), (4, "all")):
        desk.carry_unrecorded(die_at=place, lose=lose)
    desk.start()

    assert desk.wait(run).status == "done"
    check_books(desk, run)
    assert desk.run(run).deliveries == 4


def test_a_decision_is_refused_while_a_lost_resume_waits_to_be_handed_out_again(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("one", book)
    worker.stop()
    card = desk.card(held)
    desk.decide(card, "yes")
    desk.carry_unrecorded(die_at=0)

    with pytest.raises(Conflict):
        desk.decide(card, "no")


def check_books(desk, run):
    """Events without gap or repeat, every attempt closed, the index equal to the truth."""
    for known in observing.list_runs(desk.app, thread_id=run.thread_id):
        events = observing.list_events(desk.app, known.run_id)
        assert [e.seq for e in events] == list(range(1, len(events) + 1))
        assert "running" not in [status for _, status in desk.nodes(known)]
    index = observing.history(desk.app, run.thread_id)[::-1]
    truth = desk.read_truth(run)
    assert [(e.checkpoint_id, e.parent_id, e.step, e.source, e.run_id) for e in index] == [
        (t.checkpoint_id, t.parent_id, t.step, t.source, t.run_id) for t in truth
    ]
