"""Cards on which fields are masked by rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from interlock.core import masking
from interlock.core.masking import FieldRules
from interlock.core.model.approvals import Verb
from interlock.core.settings import Settings
from interlock.dashboard import keys

IBAN = "DE89370400440532013000"


@pytest.fixture
def settings(tmp_path) -> Iterator[Settings]:
    yield Settings(data_dir=tmp_path / "data", masked_fields=("*.iban",), mask_cards=True)
    masking.use(FieldRules())


def everything(page: Any) -> str:
    def walk(node: Any) -> Iterator[Any]:
        yield node
        for child in getattr(node, "children", {}).values():
            yield from walk(child)

    return "".join(str(getattr(node, "proto", "")) for node in walk(page._tree))


def test_a_masked_field_is_nowhere_on_a_card_and_is_decided_on_all_the_same(app, seed, open_page):
    card = seed.card(
        title=f"Pay, iban: {IBAN}?",
        payload={"question": "Pay?", "customer": {"iban": IBAN, "name": "Ada"}},
        allowed=(Verb.APPROVE, Verb.REJECT, Verb.EDIT),
    )
    page = open_page("inbox", card=card.approval_id)
    assert not page.exception
    detail = everything(page)
    assert "Ada" in detail
    assert IBAN[:8] not in detail
    assert "***" in detail.replace("\\", "")
    page.button(key=keys.verb("approve", card.approval_id, 1)).click().run()
    assert not page.exception
