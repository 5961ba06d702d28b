"""Fields that are masked on cards by rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interlock.core import masking
from interlock.core.errors import InvalidInput
from interlock.core.masking import FieldRules
from interlock.core.model.approvals import Verb
from interlock.core.model.bulk import Pick
from interlock.core.services.bulk_deciding import Looked
from interlock.dashboard.views.hiding import hide_chosen, hide_fields, require_whole


@pytest.fixture(autouse=True)
def _rules() -> Iterator[None]:
    masking.use(FieldRules(["*.iban"]))
    yield
    masking.use(FieldRules())


def test_what_is_masked_on_a_card_cannot_be_edited_there(make) -> None:
    card = make.card(
        payload={"customer": {"IBAN": "DE89"}}, allowed=(Verb.APPROVE, Verb.EDIT, Verb.REJECT)
    )
    shown, state = hide_fields(card, {"iban": "DE89", "n": 1})
    assert shown.payload == {"customer": {"IBAN": "***"}}
    assert state == {"iban": "***", "n": 1}
    assert shown.allowed == (Verb.APPROVE, Verb.REJECT)
    assert hide_fields(make.card(payload={"n": 1}), None)[0].payload == {"n": 1}


def test_a_card_without_such_fields_stays_as_it_is(make) -> None:
    card = make.card(payload={"n": 1})
    assert hide_fields(card, {"n": 1}) == (card, {"n": 1})


def test_chosen_cards_are_masked_alike(make) -> None:
    pick = Pick("card-1", 1)
    shown = hide_chosen(
        [Looked(pick=pick, card=make.card(payload={"iban": "DE"})), Looked(pick=pick, card=None)]
    )
    assert [each.card and each.card.payload for each in shown] == [{"iban": "***"}, None]


def test_a_mask_is_never_sent_as_an_answer() -> None:
    for answer in (None, "fine", {"a": ["b", 1]}, {"a": {}}):
        require_whole(answer)
    with pytest.raises(InvalidInput) as refused:
        require_whole({"to": {"iban": "***"}, "all": [1, "***"]})
    assert [p.path for p in refused.value.problems] == ["to.iban", "all.1"]
    with pytest.raises(InvalidInput):
        require_whole("***")
