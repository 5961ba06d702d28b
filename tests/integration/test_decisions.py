"""Laws 1 and 2: one answer wins, and it reaches the question it was given to, and no other."""

from __future__ import annotations

import json
import multiprocessing
import runpy
from pathlib import Path

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.approvals import Verb
from interlock.core.model.runs import RunKind
from interlock.core.services import launching, observing
from interlock.core.services.launching import Launch

DECIDER = str(Path(__file__).parent / "decider.py")


@pytest.mark.parametrize("process_count", [1, 3], ids=["six threads", "three processes"])
def test_of_six_decisions_at_once_one_wins_and_five_are_told_who(
    desk, tmp_path, wait_until, process_count
):
    book = desk.open_book()
    worker = desk.start()
    card = desk.card(desk.finish("one", book))
    worker.stop()
    names = ["ada", "bob", "cid", "dan", "eva", "fay"]

    told = decide_at_once(desk, tmp_path, wait_until, card, names, process_count)

    (winner,) = [name for name in names if told[name]["won"]]
    assert {told[name]["winner"]["actor"] for name in names if name != winner} == {winner}
    assert {told[name]["winner"]["run_id"] for name in names if name != winner} == {
        told[winner]["run_id"]
    }
    desk.start()
    assert desk.values(desk.wait(told[winner]["run_id"]))["answers"][1] == winner
    assert book.count("answered") == 1


def decide_at_once(desk, tmp_path, wait_until, card, names, process_count):
    """Let operators wait at a line and go together; what each was told."""
    context = multiprocessing.get_context("forkserver")
    share = len(names) // process_count
    processes = [
        context.Process(
            target=runpy.run_path,
            args=(DECIDER,),
            kwargs={
                "init_globals": {
                    "given": {
                        "data_dir": str(desk.app.settings.data_dir),
                        "folder": str(tmp_path),
                        "card": card.approval_id,
                        "names": names[number * share : (number + 1) * share],
                    }
                }
            },
            daemon=True,
        )
        for number in range(process_count)
    ]
    for process in processes:
        process.start()
    wait_until(lambda: all((tmp_path / f"{name}.ready").exists() for name in names))
    (tmp_path / "go").touch()
    wait_until(lambda: all((tmp_path / f"{name}.json").exists() for name in names))
    for process in processes:
        process.join()
    return {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in names}


def test_an_answer_to_the_first_question_never_reaches_the_second(desk):
    book = desk.open_book()
    desk.start()
    run = desk.finish("two", book)
    first = desk.card(run)
    desk.wait(desk.decide(first, "yes").run_id)
    second = desk.card(run)

    with pytest.raises(Conflict) as conflict:
        desk.decide(first, "yes", actor="cid")

    assert second.approval_id != first.approval_id
    assert (first.payload["question"], second.payload["question"]) == ("Pay 10?", "Pay 1000000?")
    assert conflict.value.winner["actor"] == "ben"
    assert desk.card(run) == second
    assert book.count("large") == 0


def test_a_decision_on_a_version_that_was_asked_before_is_refused(desk):
    book = desk.open_book()
    desk.start()
    run = desk.finish("checked", book, input={"items": ["pears"]})
    seen = desk.card(run)
    desk.wait(desk.decide(seen, {"amount": 3}).run_id)

    with pytest.raises(Conflict) as conflict:
        desk.decide(seen, {"amount": 4}, actor="cid")

    assert desk.card(run).version == 2
    assert conflict.value.winner["actor"] == "ben"


def test_answers_that_are_ready_together_are_sent_together(desk):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b", "c"]})
    worker.stop()

    decided = [desk.decide(card, card.payload["question"]) for card in desk.cards(held)]
    desk.start()
    ended = desk.wait(decided[0].run_id)

    assert {d.run_id for d in decided} == {ended.run_id}
    assert ended.status == "done"
    assert sorted(desk.values(ended)["answers"]) == [
        [item, f"Release {item}?"] for item in ("a", "b", "c")
    ]
    assert [book.count(f"asking {item}") for item in "abc"] == [2, 2, 2]
    assert book.count("gather") == 1


def test_a_decision_made_while_a_resume_runs_joins_the_next_one(desk, by_question):
    book = desk.open_book()
    desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b", "c"]})
    cards = by_question(desk.cards(held))
    book.close("released a")

    first = desk.decide(cards["Release a?"], 1)
    book.wait_for("at released a")
    second = desk.decide(cards["Release b?"], 2)
    third = desk.decide(cards["Release c?"], 3)
    book.open("released a")
    ended = desk.wait(second.run_id)

    assert first.run_id != second.run_id == third.run_id
    assert desk.run(first.run_id).status == "continued"
    assert ended.status == "done"
    assert [book.count(f"released {item}") for item in "abc"] == [1, 1, 1]


def test_a_card_that_stays_pending_belongs_to_the_run_that_holds_it_now(desk, by_question):
    book = desk.open_book()
    desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b"]})
    cards = by_question(desk.cards(held))

    resumed = desk.wait(desk.decide(cards["Release a?"], 1).run_id)

    assert resumed.status == "waiting"
    assert desk.card(held).run_id == resumed.run_id
    assert desk.card(held).approval_id == cards["Release b?"].approval_id
    assert desk.card(held).version == 1


def test_a_question_that_changed_beside_an_answer_is_a_new_version(desk, by_question):
    book = desk.open_book()
    desk.start()
    held = desk.finish("changing", book, input={"items": ["a", "b"]})
    cards = by_question(desk.cards(held))
    (book.folder / "stock.done").write_text("one\n")

    resumed = desk.wait(desk.decide(cards["Release a?"], 1).run_id)
    again = desk.card(held)
    with pytest.raises(Conflict, match="asks something else by now"):
        desk.decide(cards["Release b?"], 2)
    done = desk.wait(desk.decide(again, 3).run_id)

    assert (resumed.status, again.approval_id) == ("waiting", cards["Release b?"].approval_id)
    assert (again.version, again.payload) == (2, {"question": "Release b?", "stock": 1})
    assert sorted(desk.values(done)["answers"]) == [["a", 1, 1], ["b", 3, 1]]


def test_an_answer_on_its_way_to_a_question_that_changed_is_refused(desk, book_at_work):
    book, held, cards, first = book_at_work
    late = desk.decide(cards["Release b?"], 2)
    book.open("released a")
    desk.wait(first)
    resumed = desk.wait(late.run_id)
    again = desk.card(held)
    (refused,) = observing.get_card(desk.app, again.approval_id).decisions
    done = desk.wait(desk.decide(again, 3).run_id)

    assert (resumed.status, again.version) == ("waiting", 2)
    assert again.payload == {"question": "Release b?", "stock": 1}
    assert (refused.version, refused.answer) == (1, 2)
    assert "asks something else" in refused.refused
    assert sorted(desk.values(done)["answers"]) == [["a", 1, 1], ["b", 3, 1]]


@pytest.fixture
def book_at_work(desk, by_question):
    """Of two questions one was answered and its node is at work; the other one asks more by now."""
    book = desk.open_book()
    desk.start()
    held = desk.finish("changing", book, input={"items": ["a", "b"]})
    cards = by_question(desk.cards(held))
    (book.folder / "stock.done").write_text("one\n")
    book.close("released a")
    first = desk.decide(cards["Release a?"], 1).run_id
    book.wait_for("at released a")
    return book, held, cards, first


def test_a_refused_answer_is_kept_and_asked_again_while_the_others_are_applied(desk, by_question):
    book = desk.open_book()
    worker = desk.start()
    held = desk.finish("checked", book, input={"items": ["pears", "figs", "nuts"]})
    cards = by_question(desk.cards(held))
    worker.stop()

    desk.decide(cards["How many pears?"], {"amount": 3})
    desk.decide(cards["How many figs?"], {"amount": 2})
    decided = desk.decide(cards["How many nuts?"], {"amount": 5})
    desk.start()
    ended = desk.wait(decided.run_id)

    assert ended.status == "waiting"
    again = by_question(desk.cards(held))
    assert {q: card.version for q, card in again.items()} == {
        "How many pears?": 2,
        "How many nuts?": 2,
    }
    assert book.count("checked figs") == 1
    for question in again:
        (refused,) = observing.get_card(desk.app, again[question].approval_id).decisions
        assert "must be even" in refused.refused
        assert refused.version == 1
    texts = [
        e.data["text"] for e in observing.list_events(desk.app, ended.run_id, kinds=["warning"])
    ]
    assert len([t for t in texts if "must be even" in t]) == 2

    desk.decide(again["How many pears?"], {"amount": 4})
    last = desk.wait(desk.decide(again["How many nuts?"], {"amount": 6}).run_id)

    assert sorted(desk.values(last)["answers"]) == [["figs", 2], ["nuts", 6], ["pears", 4]]
    assert [book.count(f"checked {i}") for i in ("pears", "figs", "nuts")] == [1, 1, 1]


def test_a_thread_that_waits_cannot_be_launched_on(desk):
    book = desk.open_book()
    desk.start()
    held = desk.finish("one", book)

    with pytest.raises(Conflict, match="waits for a human"):
        desk.launch("one", book, thread_id=held.thread_id)

    assert desk.wait(desk.decide(desk.card(held), "yes").run_id).status == "done"


def test_a_thread_that_is_busy_cannot_be_launched_on(desk):
    book = desk.open_book()
    queued = desk.launch("one", book, thread_id="same")

    with pytest.raises(Conflict, match="busy"):
        launching.launch(
            desk.app,
            Launch(workflow="one", input={"book": "."}, thread_id="same"),
            actor="cid",
        )

    assert [r.run_id for r in observing.list_runs(desk.app)] == [queued.run_id]


def test_a_finished_thread_takes_another_input(desk):
    book = desk.open_book()
    desk.start()
    run = desk.finish("one", book, thread_id="same")
    desk.wait(desk.decide(desk.card(run), "yes").run_id)

    again = desk.finish("one", book, thread_id="same")
    ended = desk.wait(desk.decide(desk.card(again), "no").run_id)

    assert (again.kind, again.status) == (RunKind.START, "waiting")
    assert desk.values(ended)["answers"] == ["before", "yes", "after", "before", "no", "after"]


def test_deciding_names_the_verb_and_the_seconds_it_took(desk):
    book = desk.open_book()
    desk.start()
    card = desk.card(desk.finish("one", book))

    decided = desk.decide(card, verb=Verb.REJECT, reason="too early")

    assert (decided.decision.verb, decided.decision.reason) == ("reject", "too early")
    assert decided.decision.seconds_to_decide > 0
    assert desk.values(desk.wait(decided.run_id))["answers"][1] is False
