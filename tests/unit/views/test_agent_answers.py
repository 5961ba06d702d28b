"""To which card a client's answer goes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model.approvals import Approval, ApprovalStatus, Kind
from interlock.dashboard.views import agent_answers

ONE, TWO = "1" * 32, "2" * 32


@pytest.fixture
def card(make: SimpleNamespace) -> Any:
    def build(interrupt_id: str | None, *, is_open: bool = True, **more: Any) -> Approval:
        status = ApprovalStatus.PENDING if is_open else ApprovalStatus.DECIDED
        given = {"interrupt_id": interrupt_id, "status": status}
        found: Approval = make.card(f"card-{interrupt_id}", **given, **more)
        return found

    return build


def choose(cards: list[Approval], value: Any) -> list[tuple[str | None, Any, bool]]:
    found = agent_answers.choose("t1", cards, value)
    return [(each.card.interrupt_id, each.value, each.is_open) for each in found]


def test_a_bare_answer_goes_to_the_only_question(card: Any) -> None:
    cards = [card(TWO, is_open=False), card(ONE)]
    assert choose(cards, {"yes": True}) == [(ONE, {"yes": True}, True)]


def test_answers_go_to_the_interrupts_they_name_decided_or_not(card: Any) -> None:
    cards = [card(TWO, is_open=False), card(ONE)]
    assert choose(cards, {ONE: 1, TWO: 2}) == [(ONE, 1, True), (TWO, 2, False)]
    with pytest.raises(NotFound, match="333"):
        choose(cards, {"3" * 32: 1})


def test_several_questions_have_to_be_named(card: Any) -> None:
    with pytest.raises(InvalidInput, match=ONE):
        choose([card(ONE), card(TWO)], True)


def test_a_late_bare_answer_goes_to_what_was_decided_last(card: Any) -> None:
    assert choose([card(TWO, is_open=False), card(ONE, is_open=False)], 1) == [(TWO, 1, False)]


def test_where_nothing_is_asked_nothing_is_answered(card: Any) -> None:
    with pytest.raises(Conflict, match="asks nothing"):
        choose([], 1)
    with pytest.raises(Conflict, match="only stands"):
        choose([card(None, kind=Kind.BREAKPOINT), card(ONE, is_open=False)], 1)
