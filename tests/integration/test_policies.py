"""Policies of an interlock.toml in a real worker: tries, fallbacks, and a human who is asked."""

from __future__ import annotations

from interlock.core.model.approvals import Verb
from interlock.core.model.run_lists import RunFilter
from interlock.core.services import browsing, observing


def test_an_approved_action_is_tried_again_unasked_a_fallback_marks_the_run_and_failing_asks(desk):
    book = desk.open_book()
    book.fail("quote", times=2)
    book.fail("pay", times=2)
    book.fail("send")
    desk.start()

    asked = desk.finish("guarded", book)
    fell_back = observing.run_detail(desk.app, asked.run_id)
    paused = desk.wait(desk.decide(desk.card(asked), "yes").run_id)
    done = desk.wait(desk.decide(desk.card(paused), verb=Verb.APPROVE).run_id)

    tries = [
        (n.path, n.attempt, str(n.status), n.is_final, n.error_kind, n.origin)
        for n in fell_back.nodes
    ]
    assert tries == [
        ("quote", 1, "error", False, "unknown", None),
        ("quote", 2, "error", False, "unknown", None),
        ("quote", 3, "ok", True, None, "fallback:offline"),
        ("approve", 1, "interrupted", True, None, None),
    ]
    assert (asked.status, desk.run(asked).is_degraded) == ("waiting", True)

    # One question, three times the action it was asked for; then another node fails, and asks.
    assert [node for node in desk.nodes(paused) if node[0] == "approve"] == [
        ("approve", "error"),
        ("approve", "error"),
        ("approve", "ok"),
    ]
    assert (book.count("pay"), paused.status, paused.error.node) == (3, "paused", "send")
    assert (done.status, book.count("send"), desk.run(paused).is_degraded) == ("done", 2, False)
    assert desk.values(done)["log"] == ["quoted offline", "paid: yes", "sent"]
    degraded = browsing.list_runs(desk.app, RunFilter(is_degraded=True), limit=9)
    assert [run.run_id for run in degraded] == [asked.run_id]


def test_the_fallback_of_a_node_that_asks_serves_when_a_human_says_so(desk):
    book = desk.open_book()
    book.fail("send")
    desk.start()
    asked = desk.finish("guarded", book)
    paused = desk.wait(desk.decide(desk.card(asked), "yes").run_id)
    card = desk.card(paused)

    done = desk.wait(desk.decide(card, verb=Verb.FALLBACK).run_id)

    assert [str(verb) for verb in card.allowed] == ["approve", "edit", "fallback", "skip", "stop"]
    assert (done.status, done.is_degraded, desk.run(paused).is_degraded) == ("done", True, False)
    assert desk.values(done)["log"] == ["quoted", "paid: yes", "kept in the outbox"]
    assert book.count("send") == 1
    (sent,) = [n for n in observing.run_detail(desk.app, done.run_id).nodes if n.path == "send"]
    assert (str(sent.status), sent.origin) == ("ok", 'fallback:{"log": ["kept in the outbox"]}')


def test_a_node_clears_a_cache_by_its_event_before_the_next_step(desk):
    book = desk.open_book()
    desk.spawn()
    first = desk.finish("repricing", book)
    again = desk.finish("repricing", book)

    # Served, the second look would lead to `change` again, as the first one did.
    assert desk.values(first)["log"] == ["looked 0", "changed", "looked 2"]
    assert desk.values(again)["log"] == ["looked 2"]
    assert book.count("look") == 2
    (warning,) = observing.list_events(desk.app, first.run_id, kinds=["warning"])
    assert "'nothing' cleared nothing" in warning.data["text"]
    changes = observing.list_changes(desk.app, limit=50)
    assert [c.actor for c in changes if c.action == "clear cache"] == [f"run:{first.run_id}"]
