"""The cards that a browser may tell of."""

from __future__ import annotations

from datetime import UTC, datetime

from interlock.core.model.approvals import Approval, ApprovalStatus, Kind
from interlock.core.model.people import Person, Role, trusted
from interlock.core.model.routes import Route
from interlock.dashboard.views import bell

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def card(approval_id="a1", **changes) -> Approval:
    values = {
        "approval_id": approval_id,
        "interrupt_id": "i1",
        "thread_id": "t1",
        "run_id": "r1",
        "workflow": "refunds",
        "node": "review",
        "namespace": "",
        "checkpoint_id": "c1",
        "kind": Kind.VALUE,
        "title": "Refund 700 to Zoë?",
        "payload": {"amount": 700},
        "allowed": (),
        "schema": None,
        "risk": "high",
        "status": ApprovalStatus.PENDING,
        "version": 2,
        "asked_at": NOW,
    }
    return Approval(**values | changes)


def test_a_card_is_told_by_names_and_by_nothing_of_what_it_is_about():
    (told,) = bell.build([card()], trusted("ann"))
    assert (told.key, told.approval_id, told.asked_ms) == ("a1:2", "a1", 1777896000000)
    assert told.text == "refunds, review, high risk"
    assert bell.build([card(risk="")], trusted("ann"))[0].text == "refunds, review"


def test_only_cards_that_somebody_may_decide_are_told():
    cards = [card(), card("a2", route=Route(approvers=("group:law",)))]
    ann = Person(name="ann", role=Role.OPERATOR)
    assert [told.approval_id for told in bell.build(cards, ann)] == ["a1"]
