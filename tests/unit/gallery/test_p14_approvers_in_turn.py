"""P14: approvers read from the input, asked one after the other, one card each."""

from __future__ import annotations

import jsonschema
import pytest
from langgraph.errors import UnknownInterruptError, is_invalid_resume
from pydantic import ValidationError

from interlock.core.gallery import contract_signoff
from interlock.core.gallery.contract_forms import EXAMPLES, Approver, ContractRequest

NAMES = ("Ida Frost", "Jonas Reuter", "Mara Vogt")


@pytest.fixture
def contract(converse):
    return converse(contract_signoff.builder)


async def asked(contract):
    """The one card that waits."""
    [card] = await contract.questions()
    return card


async def say(contract, decision, comment=""):
    card = await asked(contract)
    return await contract.answer({card.id: {"decision": decision, "comment": comment}})


def sent(events):
    return [data for kind, _, data in events if kind == "custom"]


async def test_p14_each_approver_of_the_input_is_asked_in_turn_on_a_card_of_its_own(contract):
    await contract.send(EXAMPLES[1])
    cards = []

    for _ in NAMES:
        cards.append(await asked(contract))
        await say(contract, "approve")

    assert [card.value["approver"] for card in cards] == list(NAMES)
    assert [card.value["turn"] for card in cards] == ["1 of 3", "2 of 3", "3 of 3"]
    assert len({card.id for card in cards}) == 3
    assert (await asked(contract)).value["question"].startswith("Sign the contract")


async def test_p14_a_comment_of_an_approval_is_read_by_the_next_one(contract):
    await contract.send({})

    await say(contract, "approve", "Watch the price.")

    card = await asked(contract)
    assert card.value["question"] == "Finance: sign off the contract with Nordlicht GmbH?"
    assert card.value["said_before"] == "Ida Frost (legal): approve. Watch the price."


async def test_p14_a_rejection_ends_it_and_asks_nobody_else(contract):
    await contract.send({})

    await say(contract, "reject", "We have a supplier.")

    assert await contract.is_finished()
    values = await contract.values()
    assert (values["status"], values["note"]) == ("rejected", "We have a supplier.")
    assert len(values["record"]) == 1


async def test_p14_a_revision_changes_the_text_and_asks_everybody_anew(contract):
    await contract.send({})
    await say(contract, "approve")
    before = (await asked(contract)).value["contract"]

    await say(contract, "revise", "Add a phone number for emergencies.")

    card = await asked(contract)
    assert (card.value["approver"], card.value["turn"]) == ("Ida Frost", "1 of 2")
    assert "phone number" in card.value["contract"]
    assert "phone number" not in before
    assert card.value["said_before"].splitlines() == [
        "Ida Frost (legal): approve",
        "Jonas Reuter (finance): revise. Add a phone number for emergencies.",
    ]


async def test_p14_an_approver_may_send_it_back_more_than_once(contract):
    await contract.send({"max_redrafts": 0})

    for wish in ("Name a contact person.", "Name a second one."):
        await say(contract, "revise", wish)

    text = (await asked(contract)).value["contract"]
    assert "Name a contact person." in text
    assert "Name a second one." in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision": "revise"},
        {"decision": "revise", "comment": "  "},
        {"decision": "later"},
        {"comment": "fine"},
        True,
    ],
)
async def test_p14_an_answer_that_does_not_fit_is_refused_and_asked_again(contract, wrong):
    await contract.send({})
    card = await asked(contract)

    with pytest.raises(ValidationError) as refused:
        await contract.answer({card.id: wrong})

    assert is_invalid_resume(refused.value)
    assert (await asked(contract)).id == card.id


async def test_p14_an_answer_to_one_card_is_never_taken_for_the_next(contract):
    await contract.send({})
    first = await asked(contract)
    await say(contract, "approve")

    with pytest.raises(UnknownInterruptError):
        await contract.answer({first.id: {"decision": "approve"}})

    assert (await asked(contract)).value["approver"] == "Jonas Reuter"


def test_p14_nobody_is_asked_twice():
    with pytest.raises(ValidationError, match="named twice"):
        ContractRequest(approvers=[Approver(), Approver(role="finance")])


async def approved_by_all(contract):
    await contract.send({})
    for _ in NAMES[:2]:
        await say(contract, "approve")
    return await asked(contract)


async def test_p13_a_contract_is_signed_and_sent_only_after_a_person_said_so(contract):
    card = await approved_by_all(contract)
    assert not await contract.is_finished()

    events = await contract.answer({card.id: {"approved": True}})

    assert [mail["to"] for mail in sent(events)] == ["contracts@nordlicht.example"]
    assert (await contract.values())["status"] == "sent"


async def test_p13_a_contract_goes_to_the_address_that_the_person_put_in(contract):
    card = await approved_by_all(contract)

    events = await contract.answer({card.id: {"approved": True, "send_to": "ceo@nord.example"}})

    assert [mail["to"] for mail in sent(events)] == ["ceo@nord.example"]


async def test_p13_a_contract_that_is_not_signed_is_not_sent(contract):
    card = await approved_by_all(contract)

    events = await contract.answer({card.id: {"approved": False, "note": "Not this year."}})

    assert await contract.is_finished()
    assert sent(events) == []
    values = await contract.values()
    assert (values["status"], values["note"]) == ("not signed", "Not this year.")


async def test_p13_a_contract_goes_to_no_wrong_address(contract):
    card = await approved_by_all(contract)
    wrong = {"approved": True, "send_to": "nobody"}
    assert not jsonschema.Draft202012Validator(card.response_schema).is_valid(wrong)

    with pytest.raises(ValidationError):
        await contract.answer({card.id: wrong})

    assert (await contract.values())["status"] == "approved"


async def test_a_thread_takes_the_next_contract_afresh(contract):
    await contract.send({})
    await say(contract, "reject")

    await contract.send({"supplier": "Alpina"})

    values = await contract.values()
    assert values["record"] == []
    assert "Alpina" in values["text"]
    assert (await asked(contract)).value["turn"] == "1 of 2"
