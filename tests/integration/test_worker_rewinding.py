"""Setting threads back, by a real worker on a real project: what runs again, what is asked, what stays."""

from __future__ import annotations

import pytest

from interlock.core.errors import Conflict, InvalidInput
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.history import EditMode, FieldEdit
from interlock.core.model.rewinding import RewindVerb
from interlock.core.services import history, rewinding
from interlock.core.services.rewinding import ForkRequest


@pytest.fixture(scope="module")
def desk(open_module_desk):
    """One desk with one worker for all of these."""
    return open_module_desk("counted")


def points(desk, run):
    """The points of a run's thread, oldest first."""
    return history.open_history(desk.app, run.thread_id).points[::-1]


def point_before(desk, run, node):
    """The first point of a thread where a node is due."""
    return next(p for p in points(desk, run) if node in p.next).checkpoint_id


def rewind(desk, run, verb, at, **given):
    """Do it, and wait for what it leads to."""
    return desk.wait(apply(desk, run, verb, at, **given))


def apply(desk, run, verb, at, **given):
    head = given.pop("expected_head", None)
    request = ForkRequest(verb=verb, checkpoint_id=at, **given)
    return rewinding.apply(
        desk.app, run.thread_id, request, expected_head=head, actor="ann", reason="to test it"
    )


def test_a_thread_that_ended_runs_again_from_a_point_of_it(desk):
    book = desk.open_book()
    run = desk.finish("steps", book)
    at = point_before(desk, run, "c")

    again = rewind(desk, run, RewindVerb.RERUN, at)

    assert (again.status, again.kind, again.previous_run_id) == ("done", "rewind", run.run_id)
    assert [book.count(step) for step in "abcd"] == [1, 1, 2, 2]
    assert desk.values(again)["log"] == ["a", "b", "c", "d"]
    tree = history.open_history(desk.app, run.thread_id)
    (fork,) = tree.forks
    assert (fork.verb, fork.actor, fork.reason, fork.target_id) == (
        "rerun",
        "ann",
        "to test it",
        at,
    )
    assert len(tree.spans) == 2


def test_an_edit_replaces_or_appends_and_goes_on_from_there(desk):
    book = desk.open_book()
    run = desk.finish("steps", book)
    at = point_before(desk, run, "d")
    edits = (FieldEdit(field="log", value=["edited"]),)

    replaced = rewind(desk, run, RewindVerb.EDIT, at, edits=edits)
    added = rewind(
        desk,
        run,
        RewindVerb.EDIT,
        at,
        edits=(FieldEdit(field="log", value=["more"], mode=EditMode.APPEND),),
    )

    assert desk.values(replaced)["log"] == ["edited", "d"]
    assert desk.values(added)["log"] == ["a", "b", "c", "more", "d"]
    assert [book.count(step) for step in "abcd"] == [1, 1, 1, 3]


def redecide(desk, run, card, value):
    """Change a decision, and wait until its answer has led somewhere; the run that ended."""
    first = apply(
        desk,
        run,
        RewindVerb.REDECIDE,
        card.checkpoint_id,
        approval_id=card.approval_id,
        intent=Intent(verb=Verb.ANSWER, value=value),
    )
    desk.wait(first)
    return last_of(desk, run)


def last_of(desk, run):
    """The run that moved a thread last, once it has ended."""
    while True:
        newest = history.open_history(desk.app, run.thread_id).runs[0]
        ended = desk.wait(newest.run_id)
        if history.open_history(desk.app, run.thread_id).runs[0].run_id == newest.run_id:
            return ended


def answers_of(desk, run):
    """Every decision of a thread: its card's question and the answer, in order."""
    found = history.open_history(desk.app, run.thread_id)
    return [(d.actor, d.answer) for d in found.decisions]


def test_a_changed_decision_never_uses_the_old_answer(desk):
    book = desk.open_book()
    run = desk.finish("one", book)
    card = desk.card(run)
    desk.wait(desk.decide(card, "yes").run_id)

    ended = redecide(desk, run, card, "no")
    again = redecide(desk, run, card, "perhaps")

    assert desk.values(ended)["answers"] == ["before", "no", "after"]
    assert desk.values(again)["answers"] == ["before", "perhaps", "after"]
    assert book.count("answered") == book.count("after") == 3
    assert answers_of(desk, run) == [("ben", "yes"), ("ann", "no"), ("ann", "perhaps")]
    cards = desk.cards(run, "decided", "pending", "superseded")
    assert len({c.interrupt_id for c in cards}) == len(cards) == 3
    assert [r.status for r in history.open_history(desk.app, run.thread_id).runs] == [
        *("done", "continued", "done", "continued", "done", "continued"),
    ]


def test_of_several_decisions_one_is_changed_and_the_others_are_given_again(desk, by_question):
    book = desk.open_book()
    run = desk.finish("fan", book, input={"items": ["a", "b", "b"]})
    cards = desk.cards(run)
    for number, card in enumerate(cards):
        decided = desk.decide(card, number)
    desk.wait(decided.run_id)
    last_of(desk, run)

    ended = redecide(desk, run, cards[1], "other")

    assert sorted(map(str, desk.values(ended)["answers"])) == sorted(
        map(str, [["a", 0], ["b", "other"], ["b", 2]])
    )
    assert len(answers_of(desk, run)) == 6
    assert book.count("gather") == 2


def test_of_two_questions_of_one_task_the_second_is_changed(desk):
    book = desk.open_book()
    run = desk.finish("two", book)
    desk.wait(desk.decide(desk.card(run), "yes").run_id)
    second = desk.card(run)
    desk.wait(desk.decide(second, "yes").run_id)

    ended = redecide(desk, run, second, "no")

    assert desk.values(ended)["answers"] == ["yes", "no"]
    assert answers_of(desk, run) == [("ben", "yes"), ("ben", "yes"), ("ann", "yes"), ("ann", "no")]


def test_what_was_answered_at_a_copy_is_asked_under_a_new_id(desk):
    """A head that is a copy itself is run in place by LangGraph: its questions would keep their ids."""
    book = desk.open_book()
    run = desk.finish("one", book)
    first = desk.card(run)
    rewind(desk, run, RewindVerb.RERUN, first.checkpoint_id)
    second = desk.card(run)
    third = rewind(desk, run, RewindVerb.RERUN, second.checkpoint_id)

    assert (third.status, second.checkpoint_id != desk.card(run).checkpoint_id) == ("waiting", True)
    cards = desk.cards(run, "pending", "superseded")
    assert sorted(c.status for c in cards) == ["pending", "superseded", "superseded"]
    assert len({c.interrupt_id for c in cards}) == 3
    with pytest.raises(Conflict, match="ann set the thread back") as caught:
        desk.decide(first, "yes")
    assert caught.value.winner["verb"] == "rerun"
    ended = desk.wait(desk.decide(desk.card(run), "yes").run_id)
    assert desk.values(ended)["answers"] == ["before", "yes", "after"]


def test_a_node_is_skipped_and_a_thread_stopped_at_a_point(desk):
    book = desk.open_book()
    run = desk.finish("steps", book)

    skipped = rewind(desk, run, RewindVerb.SKIP, point_before(desk, run, "b"))
    stopped = rewind(desk, run, RewindVerb.STOP, point_before(desk, run, "c"))

    assert (skipped.status, desk.values(skipped)["log"]) == ("done", ["a", "c", "d"])
    assert (stopped.status, desk.values(stopped)["log"]) == ("cancelled", ["a", "b"])
    assert [book.count(step) for step in "abcd"] == [1, 1, 2, 2]


def test_a_thread_goes_back_to_a_branch_that_it_left(desk):
    book = desk.open_book()
    run = desk.finish("one", book)
    card = desk.card(run)
    left = card.checkpoint_id
    desk.wait(desk.decide(card, "yes").run_id)
    end = history.open_history(desk.app, run.thread_id).head_id
    waiting = rewind(desk, run, RewindVerb.RERUN, left)
    other = desk.card(run)

    back = rewind(desk, run, RewindVerb.GO_BACK, end)

    assert (waiting.status, back.status) == ("waiting", "done")
    assert desk.values(back)["answers"] == ["before", "yes", "after"]
    assert desk.cards(run) == []
    assert book.count("after") == 1
    again = rewind(desk, run, RewindVerb.GO_BACK, other.checkpoint_id)
    assert (again.status, desk.card(run).interrupt_id != other.interrupt_id) == ("waiting", True)


def test_what_does_not_fit_is_refused_before_anything_is_written(desk):
    book = desk.open_book()
    run = desk.finish("steps", book)
    at = point_before(desk, run, "c")
    edits = (FieldEdit(field="log", value="no list"),)
    with pytest.raises(InvalidInput, match="log"):
        apply(desk, run, RewindVerb.EDIT, at, edits=edits)
    with pytest.raises(InvalidInput, match="reason"):
        request = ForkRequest(verb=RewindVerb.RERUN, checkpoint_id=at)
        rewinding.apply(desk.app, run.thread_id, request, actor="ann", reason=" ")
    with pytest.raises(Conflict, match="moved"):
        apply(desk, run, RewindVerb.RERUN, at, expected_head=at)
    assert len(history.open_history(desk.app, run.thread_id).runs) == 1


def copy(desk, run, at, **given):
    """Copy a thread at a point; the ended run of the copy."""
    made = apply(desk, run, RewindVerb.COPY, at, **given)
    return desk.wait(made)


def test_a_copy_of_a_thread_that_waits_asks_for_itself(desk):
    book = desk.open_book()
    run = desk.finish("one", book)
    card = desk.card(run)

    made = copy(desk, run, card.checkpoint_id, new_thread_id="copied")

    assert (made.status, made.kind, made.thread_id) == ("waiting", "copy", "copied")
    own = desk.card(made)
    assert (own.interrupt_id, own.thread_id) == (card.interrupt_id, "copied")
    assert own.approval_id != card.approval_id
    ended = desk.wait(desk.decide(own, "no").run_id)
    assert desk.values(ended)["answers"] == ["before", "no", "after"]
    assert desk.card(run).status == "pending"
    assert desk.values(desk.wait(desk.decide(card, "yes").run_id))["answers"][1] == "yes"
    opened = history.open_history(desk.app, "copied")
    assert (opened.thread.origin, opened.thread.from_thread_id) == ("copy", run.thread_id)
    assert opened.forks[0].from_thread_id == run.thread_id
    assert [p.next for p in opened.points[::-1]] == [p.next for p in points(desk, run)]


def test_a_copy_of_an_older_point_stands_before_its_step_until_somebody_says_so(desk):
    book = desk.open_book()
    run = desk.finish("steps", book)

    made = copy(desk, run, point_before(desk, run, "c"))

    assert (made.status, desk.card(made).node) == ("paused", "c")
    assert [book.count(step) for step in "abcd"] == [1, 1, 1, 1]
    ended = desk.wait(desk.decide(desk.card(made), verb=Verb.APPROVE).run_id)
    assert desk.values(ended)["log"] == ["a", "b", "c", "d"]
    assert [book.count(step) for step in "abcd"] == [1, 1, 2, 2]
    with pytest.raises(Conflict, match="already"):
        copy(desk, run, point_before(desk, run, "c"), new_thread_id=made.thread_id)
