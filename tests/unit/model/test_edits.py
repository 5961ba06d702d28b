from __future__ import annotations

import pytest

from interlock.core.model import edits, payloads
from interlock.core.model.approvals import Intent, Verb

ARGS = {"to": "Ann", "copies": 1}
NEW = {"to": "Bob", "copies": 1}
INBOX = {
    "action_request": {"action": "mail", "args": ARGS},
    "config": {"allow_accept": True, "allow_edit": True},
}
BATCH = {
    "action_requests": [{"name": "mail", "args": ARGS}, {"name": "mail", "args": ARGS}],
    "review_configs": [{"action_name": "mail", "allowed_decisions": ["approve", "edit"]}],
}


def change(value, intent, *, state=None):
    question = payloads.read_interrupt(value, None, node="n")
    return edits.find_change(question, payloads.build_answer(question, intent), state)


def test_an_edit_of_an_action_keeps_its_arguments_before_and_after():
    assert change(INBOX, Intent(verb=Verb.EDIT, value=NEW)) == ([ARGS], [NEW])
    assert change(INBOX, Intent(verb=Verb.APPROVE)) == (None, None)


def test_of_several_actions_the_others_stay_as_they_were():
    each = ({"decision": "approve"}, {"decision": "edit", "args": NEW})
    assert change(BATCH, Intent(verb=None, each=each)) == ([ARGS, ARGS], [ARGS, NEW])


def test_a_call_asked_by_itself_is_read_too():
    question = payloads.read_interrupt(INBOX, None, node="n")
    answer = {"type": "edit", "edited_action": {"name": "mail", "args": NEW}}
    assert edits.find_change(question, answer, None) == ([ARGS], [NEW])


def test_an_edit_of_the_state_keeps_the_fields_it_replaces():
    question = payloads.read_breakpoint(["draft"], state_schema=None)
    answer = {"verb": "edit", "values": {"amount": 500, "new": 1}}
    state = {"amount": 620, "other": 2}
    after = {"amount": 500, "new": 1}
    assert edits.find_change(question, answer, state) == ({"amount": 620}, after)
    assert edits.find_change(question, answer, None) == ({}, after)
    assert edits.find_change(question, {"verb": "skip", "values": None}, state) == (None, None)
    assert edits.find_change(question, True, state) == (None, None)


@pytest.mark.parametrize(
    "answer",
    [
        7,
        [],
        {"decisions": "odd"},
        [{"type": "edit", "args": None}],
        [{"type": "edit", "args": {"args": 7}}],
        [{"type": "edit", "args": {"args": NEW}}, {"type": "accept"}],
    ],
)
def test_an_odd_answer_changes_nothing(answer):
    question = payloads.read_interrupt(INBOX, None, node="n")
    assert edits.find_change(question, answer, None) == (None, None)
