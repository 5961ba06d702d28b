"""The card of a failed node: retry, edit the state, skip, stop; by a launch that asks, or by hand."""

from __future__ import annotations

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import Kind, Verb
from interlock.core.services import observing, running


def decide(desk, run, verb=Verb.APPROVE, value=None):
    """Decide the thread's one card and wait for what comes of it."""
    return desk.wait(desk.decide(desk.card(run), value, verb=verb).run_id)


@pytest.fixture
def fail(desk, wait_until):
    """
    Launch a run that asks when it fails, and wait until it does.

    `after`: how many results of others are to be stored before, where the node waits for that.
    """

    def launch(workflow, book, *, after=0, **options):
        if after:
            book.close("failing")
        run = desk.launch(workflow, book, asks_on_failure=True, **options)
        if after:
            wait_until(lambda: desk.count_writes(run, "seen") >= after, "a result beside it")
            book.open("failing")
        return desk.wait(run)

    return launch


@pytest.fixture
def book(desk):
    return desk.open_book()


def test_a_failed_node_asks_and_runs_again(desk, book, fail):
    book.fail("c")
    desk.start()

    asks = fail("steps", book)
    card = desk.card(asks)
    done = decide(desk, asks)

    assert (asks.status, asks.error.type, asks.error.node) == ("paused", "RuntimeError", "c")
    assert (card.kind, card.node, card.interrupt_id) == (Kind.FAILURE, "c", None)
    assert card.title == "Failed in c: RuntimeError"
    assert card.payload["message"] == "c was told to fail"
    assert [str(verb) for verb in card.allowed] == ["approve", "edit", "skip", "stop"]
    assert (done.status, done.kind, done.previous_run_id) == ("done", "retry", asks.run_id)
    assert desk.run(asks).status == "continued"
    assert desk.run(asks).error.type == "RuntimeError"
    assert [book.count(step) for step in "abcd"] == [1, 1, 2, 1]
    assert desk.cards(asks) == []


def test_it_asks_again_when_it_fails_again_and_each_time_is_a_card_of_its_own(desk, book, fail):
    book.fail("c", times=2)
    desk.start()
    asks = fail("steps", book)
    first = desk.card(asks)

    again = decide(desk, asks)
    second = desk.card(asks)
    done = decide(desk, asks)

    assert (again.status, done.status) == ("paused", "done")
    assert second.approval_id != first.approval_id
    assert second.run_id == again.run_id
    with pytest.raises(Conflict):
        desk.decide(first, verb=Verb.APPROVE)


def test_an_edit_mends_the_state_for_the_node_that_failed(desk, book, fail):
    desk.start()
    asks = fail("picky", book, after=1, input={"amount": 1})

    done = decide(desk, asks, Verb.EDIT, {"amount": 7})

    assert (asks.status, done.status) == ("paused", "done")
    assert desk.values(done)["amount"] == 7
    assert sorted(desk.values(done)["seen"]) == ["beside", "last", "picky"]
    assert [book.count(n) for n in ("beside", "picky", "last")] == [1, 2, 1]


def test_a_second_edit_counts_and_its_card_says_what_it_costs(desk, book, fail):
    desk.start()
    asks = fail("picky", book, after=1, input={"amount": 1, "tries": 1})

    again = decide(desk, asks, Verb.EDIT, {"amount": 2, "tries": 2})
    text = desk.card(asks).payload
    done = decide(desk, asks, Verb.EDIT, {"amount": 7})

    assert (again.status, again.error.message) == ("paused", "2 is too little")
    assert (text["edit_starts_again"], text["runs_again"]) == (True, ["beside"])
    assert done.status == "done", done.error
    assert (desk.values(done)["amount"], desk.values(done)["tries"]) == (7, 2)
    assert sorted(desk.values(done)["seen"]) == ["beside", "last", "picky"]
    assert [book.count(n) for n in ("beside", "picky", "last")] == [2, 3, 1]


def test_a_retry_after_a_second_edit_does_not_edit_again(desk, book, fail):
    desk.start()
    asks = fail("picky", book, after=1, input={"amount": 1})
    for amount in (2, 3):
        asks = decide(desk, asks, Verb.EDIT, {"amount": amount})

    again = decide(desk, asks)

    assert (again.status, again.error.message) == ("paused", "3 is too little")
    assert book.count("picky") == 4
    sources = [entry.source for entry in observing.history(desk.app, asks.thread_id)]
    assert sources.count("fork") == 1


def test_a_skip_leaves_out_only_the_branch_that_failed(desk, book, fail):
    book.fail("picky")
    desk.start()
    asks = fail("picky", book, after=1, input={"amount": 7})

    done = decide(desk, asks, Verb.SKIP)

    assert (asks.status, done.status) == ("paused", "done"), done.error
    assert desk.values(done)["seen"] == ["beside", "last"]
    assert [book.count(n) for n in ("beside", "picky", "last")] == [1, 1, 1]


def test_a_skip_takes_the_edge_that_the_state_chooses(desk, book, fail):
    book.fail("choosing")
    desk.start()
    asks = fail("choosing", book, input={"how": "other"})

    done = decide(desk, asks, Verb.SKIP)

    assert done.status == "done", done.error
    assert desk.values(done)["seen"] == ["other"]


def test_a_skip_leaves_out_one_of_several_tasks_of_one_node(desk, book, fail):
    book.fail("part b")
    desk.start()
    asks = fail("parts", book, after=2, input={"items": ["a", "b", "c"]})

    done = decide(desk, asks, Verb.SKIP)

    assert done.status == "done", done.error
    assert sorted(desk.values(done)["seen"]) == ["a", "c"]
    assert [book.count(f"part {item}") for item in "abc"] == [1, 1, 1]


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.REJECT])
def test_a_stop_ends_the_run_where_it_failed(desk, book, fail, verb):
    book.fail("c")
    desk.start()
    asks = fail("steps", book)

    stopped = decide(desk, asks, verb)

    assert stopped.status == "cancelled"
    assert desk.cards(asks) == []
    assert [book.count(step) for step in "abcd"] == [1, 1, 1, 0]
    assert desk.finish("steps", book, thread_id=asks.thread_id).status == "done"


def test_a_node_inside_a_subgraph_is_retried_in_its_place(desk, book, fail):
    book.fail("deep", times=2)
    desk.start()
    asks = fail("deep", book)
    card = desk.card(asks)

    again = decide(desk, asks)
    done = decide(desk, asks, Verb.SKIP)

    assert (card.node, card.title) == ("team/deep", "Failed in team/deep: RuntimeError")
    assert [str(verb) for verb in card.allowed] == ["approve", "skip", "stop"]
    assert card.payload["skips"] == "team/deep"
    assert (again.status, done.status) == ("paused", "done"), done.error
    assert desk.values(done)["seen"] == ["before", "behind", "last"]
    assert [book.count(n) for n in ("before", "deep", "behind", "last")] == [1, 2, 1, 1]


def test_an_approval_is_not_asked_again_by_a_retry(desk, book, fail):
    book.fail("answered")
    desk.start()
    held = fail("one", book)

    asks = decide(desk, held, Verb.ANSWER, "yes")
    card = desk.card(held)
    done = decide(desk, held)

    assert (asks.status, card.kind) == ("paused", Kind.FAILURE)
    assert card.payload["asked_again"] == ["Go on?"]
    assert done.status == "done", done.error
    assert desk.values(done)["answers"] == ["before", "yes", "after"]
    assert [book.count(n) for n in ("before", "answered", "after")] == [1, 2, 1]


def test_an_edit_after_an_approval_asks_again_as_it_was_given_for_the_old_state(desk, book, fail):
    book.fail("answered")
    desk.start()
    held = fail("one", book)
    asks = decide(desk, held, Verb.ANSWER, "yes")

    again = decide(desk, asks, Verb.EDIT, {"answers": ["edited"]})
    question = desk.card(held)
    done = decide(desk, held, Verb.ANSWER, "now")

    assert (again.status, question.kind) == ("waiting", Kind.VALUE)
    assert done.status == "done"
    assert desk.values(done)["answers"] == ["edited", "now", "after"]


def test_an_operator_puts_a_run_that_failed_into_the_inbox(desk, book, fail):
    book.fail("c")
    desk.start()
    failed = desk.finish("steps", book)

    card = running.ask(desk.app, failed.run_id, actor="cid")
    status = desk.run(failed).status
    done = decide(desk, failed)

    assert (failed.status, status) == ("failed", "paused")
    assert (card.kind, card.title) == (Kind.FAILURE, "Failed in c: RuntimeError")
    assert done.status == "done"
    assert [book.count(step) for step in "abcd"] == [1, 1, 2, 1]
    kinds = [e.kind for e in observing.list_events(desk.app, failed.run_id)][-1:]
    assert kinds == ["interrupt"]


def test_who_asked_in_vain_is_told_why(desk, book, fail):
    desk.start()
    done = desk.finish("steps", book)
    book.fail("a")
    early = desk.finish("opened", book, context={"book": "missing"})
    book.fail("c")
    failed = desk.finish("steps", book)
    running.retry(desk.app, failed.run_id, actor="cid")

    with pytest.raises(Conflict, match="only failed runs"):
        running.ask(desk.app, done.run_id, actor="cid")
    with pytest.raises(Conflict, match="went on with run"):
        running.ask(desk.app, failed.run_id, actor="cid")
    assert early.status


def test_a_card_whose_run_was_retried_elsewhere_is_refused(desk, book, fail):
    book.fail("c", times=2)
    desk.start()
    asks = fail("steps", book)
    stale = desk.card(asks)

    retried = desk.wait(running.retry(desk.app, asks.run_id, actor="cid"))
    fresh = desk.card(asks)

    assert (retried.status, desk.run(asks).status) == ("paused", "continued")
    assert fresh.approval_id != stale.approval_id
    assert [c.approval_id for c in desk.cards(asks, "superseded")] == [stale.approval_id]
    with pytest.raises(Conflict, match="superseded"):
        desk.decide(stale, verb=Verb.SKIP)
    assert decide(desk, asks).status == "done"


def test_an_answer_for_a_sibling_takes_the_failed_branch_along(desk, book, fail, by_question):
    book.fail("released a")
    desk.start()
    held = fail("fan", book, input={"items": ["a", "b"]})
    cards = by_question(desk.cards(held))

    asks = desk.wait(desk.decide(cards["Release a?"], 1).run_id)
    pending = desk.cards(held)
    done = desk.wait(desk.decide(cards["Release b?"], 2).run_id)

    assert asks.status == "paused"
    assert {card.kind for card in pending} == {Kind.FAILURE, cards["Release b?"].kind}
    assert done.status == "done"
    assert [c.kind for c in desk.cards(held, "superseded")] == [Kind.FAILURE]
    assert sorted(desk.values(done)["answers"]) == [["a", 1], ["b", 2]]


def test_a_sibling_that_waits_goes_on_waiting_when_the_failed_branch_is_left_out(
    desk, book, fail, by_question
):
    book.fail("released a")
    desk.start()
    held = fail("fan", book, input={"items": ["a", "b"]})
    cards = by_question(desk.cards(held))
    desk.wait(desk.decide(cards["Release a?"], 1).run_id)
    (failure,) = [card for card in desk.cards(held) if card.kind is Kind.FAILURE]

    skipped = desk.wait(desk.decide(failure, verb=Verb.SKIP).run_id)
    left = desk.card(held)
    done = desk.wait(desk.decide(left, 2).run_id)

    assert skipped.status == "waiting"
    assert left.approval_id == cards["Release b?"].approval_id
    assert (done.status, desk.values(done)["answers"]) == ("done", [["b", 2]])


def test_a_run_that_is_cancelled_withdraws_its_card_and_can_be_retried(desk, book, fail):
    book.fail("c")
    desk.start()
    asks = fail("steps", book)

    cancelled = running.cancel(desk.app, asks.run_id, actor="cid")
    withdrawn = [c.kind for c in desk.cards(asks, "withdrawn")]
    done = desk.wait(running.retry(desk.app, asks.run_id, actor="cid"))

    assert (cancelled.status, withdrawn) == ("cancelled", [Kind.FAILURE])
    assert done.status == "done"


def test_a_limit_that_is_reached_asks_with_nothing_to_skip(desk, book, fail):
    desk.start()

    asks = fail("endless", book, recursion_limit=6)
    card = desk.card(asks)
    done = decide(desk, asks)

    assert card.title == "Failed: GraphRecursionError"
    assert [str(verb) for verb in card.allowed] == ["approve", "edit", "stop"]
    assert done.status == "paused"
    assert decide(desk, asks, Verb.EDIT, {"seen": ["x"] * 15}).status == "done"


def test_a_run_that_never_began_fails_without_a_card(desk, book, fail):
    desk.start()

    failed = fail("opened", book, context=None)

    assert failed.status in {"done", "failed"}
    assert desk.cards(failed) == []


def test_a_worker_that_dies_between_the_failure_and_its_card_leaves_a_card(desk, book, fail):
    book.fail("c")
    run = desk.launch("steps", book, asks_on_failure=True)
    died = desk.carry_unrecorded(lose="all")

    desk.start()
    asks = desk.wait(run)
    card = desk.card(run)
    done = decide(desk, run)

    assert died == ["failed"]
    assert (asks.status, card.title) == ("paused", "Failed in c: RuntimeError")
    assert done.status == "done"
    assert [book.count(step) for step in "abcd"] == [1, 1, 2, 1]


@pytest.mark.parametrize("die_at", range(4))
@pytest.mark.parametrize("edits", [1, 2])
def test_an_edit_survives_a_worker_that_dies_over_it(desk, book, fail, die_at, edits):
    worker = desk.start()
    asks = fail("picky", book, after=1, input={"amount": 1})
    for amount in range(1, edits):
        asks = decide(desk, asks, Verb.EDIT, {"amount": amount, "tries": amount})
    worker.stop()
    decided = desk.decide(desk.card(asks), {"amount": 7}, verb=Verb.EDIT)

    desk.carry_unrecorded(lose="all", die_at=die_at)
    desk.start()
    done = desk.wait(decided.run_id)

    assert done.status == "done", done.error
    assert desk.values(done)["amount"] == 7
    assert desk.values(done).get("tries") == (1 if edits == 2 else None)
    assert sorted(desk.values(done)["seen"]) == ["beside", "last", "picky"]


@pytest.mark.parametrize("die_at", range(4))
@pytest.mark.parametrize(("workflow", "node"), [("picky", "picky"), ("deep", "deep")])
def test_a_skip_survives_a_worker_that_dies_over_it(desk, book, fail, workflow, node, die_at):
    book.fail(node)
    worker = desk.start()
    asks = fail(workflow, book, after=workflow == "picky", input={"amount": 7})
    worker.stop()
    decided = desk.decide(desk.card(asks), verb=Verb.SKIP)

    desk.carry_unrecorded(lose="all", die_at=die_at)
    desk.start()
    done = desk.wait(decided.run_id)

    assert done.status == "done", done.error
    assert node not in desk.values(done)["seen"]
    assert "last" in desk.values(done)["seen"]
    assert book.count(node) == 1


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.STOP])
@pytest.mark.parametrize("die_at", range(3))
def test_a_retry_or_a_stop_survives_a_worker_that_dies_over_it(desk, book, fail, verb, die_at):
    book.fail("c")
    worker = desk.start()
    asks = fail("steps", book)
    worker.stop()
    decided = desk.decide(desk.card(asks), verb=verb)

    desk.carry_unrecorded(lose="all", die_at=die_at)
    desk.start()

    assert desk.wait(decided.run_id).status == ("done" if verb is Verb.APPROVE else "cancelled")


def test_of_two_branches_that_failed_only_the_one_on_the_card_is_left_out(desk, book, fail):
    book.fail("part a")
    book.fail("part b")
    desk.start()
    asks = fail("parts", book, input={"items": ["a", "b"]})

    done = decide(desk, asks, Verb.SKIP)

    assert done.status == "done", done.error
    assert desk.values(done).get("seen", []) in ([], ["a"], ["b"])


def test_a_result_that_cannot_be_stored_is_left_out_with_its_node(desk, book, fail):
    desk.start()
    asks = fail("unstorable", book, input={"how": "x"})
    card = desk.card(asks)

    done = decide(desk, asks, Verb.SKIP)

    assert card.title == "Failed in keep: UnstorableValue"
    assert done.status == "done", done.error
    assert desk.values(done)["seen"] == ["first", "last"]
    assert [book.count(n) for n in ("first", "keep", "last")] == [1, 1, 1]


def test_a_task_of_a_function_is_left_out_with_the_whole_of_it(desk, book, fail):
    book.fail("small")
    desk.start()
    held = fail("functions", book)
    asks = desk.wait(desk.decide(desk.card(held), "yes").run_id)
    card = desk.card(held)

    done = decide(desk, held, Verb.SKIP)

    assert (asks.status, card.node, card.payload["skips"]) == (
        "paused",
        "functions/ask_both",
        "functions",
    )
    assert [str(verb) for verb in card.allowed] == ["approve", "skip", "stop"]
    assert done.status == "done", done.error


def test_a_node_that_kills_its_worker_may_be_left_out(desk, book, fail):
    book.kill("c", times=3)
    run = desk.launch("steps", book, asks_on_failure=True)
    for _ in range(3):
        assert desk.spawn().wait() == -9
    desk.start()
    asks = desk.wait(run)

    done = decide(desk, asks, Verb.EDIT, {"question": "why?"})

    assert (asks.status, asks.error.type) == ("paused", "KillsItsWorker")
    assert done.status == "done", done.error
    assert desk.values(done)["question"] == "why?"


def test_a_node_that_fails_behind_its_breakpoint_and_an_edit_there_starts_again(desk, book, fail):
    book.fail("c")
    desk.start()
    held = fail("steps", book, break_before=("c",))
    asks = decide(desk, held, Verb.EDIT, {"log": ["one"]})
    card = desk.card(held)

    done = decide(desk, held, Verb.EDIT, {"log": ["two"]})

    assert (asks.status, card.kind, card.payload["edit_starts_again"]) == (
        "paused",
        Kind.FAILURE,
        True,
    )
    assert done.status == "done", done.error
    assert desk.values(done)["log"] == ["two", "c", "d"]
    assert desk.cards(held) == []


@pytest.fixture
def charged(desk, book, wait_until):
    """A charge of 50 waits for its approval beside a limit that fails, and the worker."""
    worker = desk.start()
    book.close("failing")
    run = desk.launch("pair", book, asks_on_failure=True, input={"amount": 50})
    wait_until(lambda: desk.count_writes(run, "__interrupt__"), "the question")
    wait_until(lambda: desk.count_writes(run, "seen"), "the result beside it")
    book.open("failing")
    held = desk.wait(run)
    cards = {card.kind: card for card in desk.cards(held)}
    assert cards.keys() == {Kind.FAILURE, Kind.VALUE}
    return held, cards[Kind.FAILURE], cards[Kind.VALUE], worker


def test_an_edit_asks_anew_what_waits_beside_the_failure(desk, book, charged):
    held, failure, old, _ = charged

    mended = desk.wait(desk.decide(failure, {"amount": 5}, verb=Verb.EDIT).run_id)
    fresh = desk.card(held)
    with pytest.raises(Conflict):
        desk.decide(old, "for 50")
    done = desk.wait(desk.decide(fresh, "for 5").run_id)

    assert failure.payload["asked_again"] == ["Charge 50?"]
    assert failure.payload["runs_again"] == ["beside"]
    assert mended.status == "waiting", mended.error
    assert fresh.payload == {"question": "Charge 5?"}
    assert done.status == "done", done.error
    assert sorted(desk.values(done)["seen"]) == ["beside", "charged 5 on for 5", "limit"]
    assert (book.count("charged 50"), book.count("charged 5")) == (0, 1)


def test_an_edit_asks_anew_what_was_answered_and_then_cut_off_beside_the_failure(
    desk, book, charged
):
    held, _, old, _ = charged
    book.close("charging")
    book.close("failing")
    answered = desk.decide(old, "for 50").run_id
    book.wait_for("at charging")
    book.open("failing")
    asks = desk.wait(answered)
    book.open("charging")
    failure = desk.card(held)

    mended = desk.wait(desk.decide(failure, {"amount": 5}, verb=Verb.EDIT).run_id)
    fresh = desk.card(held)
    done = desk.wait(desk.decide(fresh, "for 5").run_id)

    assert asks.status == "paused", asks.error
    assert failure.payload["asked_again"] == ["Charge 50?"]
    assert (mended.status, fresh.payload) == ("waiting", {"question": "Charge 5?"})
    assert done.status == "done", done.error
    assert (book.count("charged 50"), book.count("charged 5")) == (0, 1)


def test_an_edit_that_waits_for_its_worker_takes_the_questions_about_the_old_state_away(
    desk, book, charged
):
    held, failure, old, worker = charged
    worker.stop()
    edited = desk.decide(failure, {"amount": 5}, verb=Verb.EDIT)

    with pytest.raises(Conflict, match="superseded"):
        desk.decide(old, "for 50")
    waiting = desk.cards(held)
    desk.start()
    mended = desk.wait(edited.run_id)
    done = desk.wait(desk.decide(desk.card(held), "for 5").run_id)

    assert waiting == []
    assert (mended.status, done.status) == ("waiting", "done")
    assert (book.count("charged 50"), book.count("charged 5")) == (0, 1)


@pytest.mark.parametrize("die_at", range(6))
def test_an_edit_beside_a_question_survives_a_worker_that_dies_over_it(desk, book, charged, die_at):
    held, failure, _, worker = charged
    worker.stop()
    edited = desk.decide(failure, {"amount": 5}, verb=Verb.EDIT)

    desk.carry_unrecorded(lose="all", die_at=die_at)
    desk.start()
    mended = desk.wait(edited.run_id)
    fresh = desk.card(held)
    done = desk.wait(desk.decide(fresh, "for 5").run_id)

    assert (mended.status, fresh.payload) == ("waiting", {"question": "Charge 5?"})
    assert done.status == "done", done.error
    assert (book.count("charged 50"), book.count("charged 5")) == (0, 1)


def test_a_retry_leaves_the_question_beside_the_failure_as_it_is(desk, book, charged):
    held, failure, old, _ = charged

    asks = desk.wait(desk.decide(failure, verb=Verb.APPROVE).run_id)
    cards = {card.kind: card for card in desk.cards(held)}

    assert asks.status == "paused"
    assert (cards[Kind.VALUE].approval_id, cards[Kind.VALUE].version) == (old.approval_id, 1)
