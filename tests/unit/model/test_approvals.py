"""The words of a card, which scripts and stored rows rely on."""

from __future__ import annotations

import pytest

from interlock.core.model.approvals import ApprovalStatus, Intent, Kind, Verb
from interlock.core.model.questions import VERB_ORDER, in_order


def test_verbs_are_the_words_of_the_command_line_in_the_order_of_the_screens() -> None:
    assert " ".join(VERB_ORDER) == "approve reject revise edit respond answer fallback skip stop"


def test_statuses_are_those_the_table_allows() -> None:
    expected = {"pending", "decided", "expired", "withdrawn", "superseded"}
    assert set(ApprovalStatus) == expected


@pytest.mark.parametrize("kind", Kind)
def test_kind_fits_its_column(kind: Kind) -> None:
    assert len(kind) <= 20


def test_verbs_are_put_in_order_once_each() -> None:
    mixed = [Verb.STOP, Verb.APPROVE, Verb.STOP, Verb.EDIT]
    assert in_order(mixed) == (Verb.APPROVE, Verb.EDIT, Verb.STOP)
    assert in_order([]) == ()


def test_intent_needs_no_more_than_its_verb() -> None:
    intent = Intent(verb=Verb.APPROVE)
    assert (intent.value, intent.each, intent.reason) == (None, None, "")
