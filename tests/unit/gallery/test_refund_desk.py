from __future__ import annotations

import jsonschema
import pytest
from langgraph.errors import UnknownInterruptError, is_invalid_resume
from pydantic import ValidationError

from interlock.core.gallery import bank, refund_desk
from interlock.core.gallery.refund_forms import EXAMPLE


def a_request(**fields):
    return {"customer": "4711", "order": "991", "amount": 620.0, **fields}


@pytest.fixture
def desk(converse):
    return converse(refund_desk.builder)


async def test_launching_with_the_defaults_brings_a_card_at_once(desk):
    schema = refund_desk.graph.get_input_jsonschema()

    await desk.send({name: field["default"] for name, field in schema["properties"].items()})

    [card] = await desk.questions()
    assert next(iter(card.value)) == "question"
    assert card.value["question"] == "Refund 620.00 EUR to customer 4711?"


async def test_an_empty_input_means_the_defaults(desk):
    await desk.send({})

    assert len(await desk.questions()) == 1


@pytest.mark.parametrize("amount", [0.01, 499.99, 500.0, 500.004])
async def test_up_to_500_is_paid_without_asking(desk, amount):
    await desk.send({"requests": [a_request(amount=amount)]})

    assert await desk.is_finished()
    outcome = (await desk.values())["outcomes"]["991"]
    assert (outcome["result"], outcome["paid_eur"]) == ("paid", round(amount, 2))


@pytest.mark.parametrize("amount", [500.01, 620.0, 10_000.0])
async def test_above_500_nothing_is_paid_before_the_answer(desk, amount):
    await desk.send({"requests": [a_request(amount=amount)]})

    assert not await desk.is_finished()
    assert not (await desk.values()).get("outcomes")
    assert len(await desk.questions()) == 1


async def test_an_approved_refund_is_paid_and_summed_up(desk):
    await desk.send({})
    [card] = await desk.questions()

    events = await desk.answer({card.id: {"approved": True}})

    assert await desk.is_finished()
    assert (await desk.values())["summary"].startswith("1 done, 620.00 EUR paid back.\nOrder 991:")
    [receipt] = [data for kind, _, data in events if kind == "custom"]
    assert receipt["order"] == "991"


async def test_a_partial_refund_pays_the_amount_of_the_answer(desk):
    await desk.send({})
    [card] = await desk.questions()

    await desk.answer({card.id: {"approved": True, "amount": 500.0, "ground": "goodwill"}})

    assert (await desk.values())["outcomes"]["991"]["paid_eur"] == 500.0


async def test_a_rejected_refund_pays_nothing_and_keeps_the_note(desk):
    await desk.send({})
    [card] = await desk.questions()

    await desk.answer({card.id: {"approved": False, "note": "No proof of posting"}})

    outcome = (await desk.values())["outcomes"]["991"]
    assert outcome == {
        "result": "declined",
        "paid_eur": 0.0,
        "text": "Declined 620.00 EUR: No proof of posting.",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"approved": "perhaps"},
        {"approved": True, "amount": 620.01},
        {"approved": True, "amount": 0},
        {"approved": True, "ground": "he is a friend"},
        {"amount": 620.0},
        True,
        None,
    ],
)
async def test_an_answer_that_does_not_fit_is_refused_and_a_fitting_one_taken(desk, wrong):
    await desk.send({})
    [card] = await desk.questions()
    assert not jsonschema.Draft202012Validator(card.response_schema).is_valid(wrong)

    with pytest.raises(ValidationError) as refused:
        await desk.answer({card.id: wrong})
    assert is_invalid_resume(refused.value)
    assert [again.id for again in await desk.questions()] == [card.id]

    await desk.answer({card.id: {"approved": True}})
    assert (await desk.values())["outcomes"]["991"]["result"] == "paid"


async def test_the_form_is_filled_in_with_the_amount_and_takes_no_more(desk):
    await desk.send({"requests": [a_request(amount=1234.5)]})

    [card] = await desk.questions()

    amount = card.response_schema["properties"]["amount"]
    assert (amount["default"], amount["maximum"]) == (1234.5, 1234.5)
    assert card.response_schema["required"] == ["approved"]


async def test_several_refunds_are_held_side_by_side(desk):
    requests = [a_request(order=str(n), customer=str(n), amount=600.0 + n) for n in range(3)]

    await desk.send({"requests": requests})

    cards = await desk.questions()
    assert [card.value["order"] for card in cards] == ["0", "1", "2"]
    assert len({card.id for card in cards}) == 3


async def test_one_approved_refund_is_paid_while_the_others_wait(desk):
    await desk.send({"requests": [a_request(order="1"), a_request(order="2", amount=900.0)]})
    first, second = await desk.questions()

    events = await desk.answer({second.id: {"approved": True}})

    assert [data["order"] for kind, _, data in events if kind == "custom"] == ["2"]
    assert [card.id for card in await desk.questions()] == [first.id]
    assert not await desk.is_finished()


async def test_every_refund_is_paid_once_however_they_are_answered(desk):
    await desk.send({"requests": [a_request(order=str(n)) for n in range(3)]})
    paid = []

    for card in reversed(await desk.questions()):
        events = await desk.answer({card.id: {"approved": True}})
        paid += [data["order"] for kind, _, data in events if kind == "custom"]

    assert paid == ["2", "1", "0"]
    assert (await desk.values())["summary"].startswith("3 done, 1860.00 EUR paid back.")


async def test_several_answers_can_be_sent_together(desk):
    await desk.send({"requests": [a_request(order="1"), a_request(order="2")]})
    first, second = await desk.questions()

    await desk.answer({first.id: {"approved": True}, second.id: {"approved": False}})

    results = {o: v["result"] for o, v in (await desk.values())["outcomes"].items()}
    assert results == {"1": "paid", "2": "declined"}


async def test_a_payment_that_fails_is_tried_again_without_asking_again(desk, monkeypatch):
    pay = bank.pay

    def fail(**_):
        raise ConnectionError("the bank is closed")

    monkeypatch.setattr(bank, "pay", fail)
    await desk.send({})
    [card] = await desk.questions()
    with pytest.raises(ConnectionError):
        await desk.answer({card.id: {"approved": True, "amount": 600.0}})

    monkeypatch.setattr(bank, "pay", pay)
    events = await desk.send(None)

    assert "review" not in [n for kind, _, data in events if kind == "updates" for n in data]
    assert await desk.is_finished()
    assert (await desk.values())["outcomes"]["991"]["paid_eur"] == 600.0


async def test_a_second_answer_to_the_same_card_pays_nothing(desk):
    await desk.send({})
    [card] = await desk.questions()
    await desk.answer({card.id: {"approved": True}})

    with pytest.raises(UnknownInterruptError):
        await desk.answer({card.id: {"approved": True}})


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("This is urgent, I need it today.", "urgent"),
        ("How long does a refund take?", "question"),
        ("Can I have my money back?", "general"),
        ("It arrived in pieces.", "general"),
    ],
)
async def test_messages_are_told_apart(desk, message, kind):
    await desk.send({"requests": [a_request(message=message)]})

    assert (await desk.values())["kinds"] == {"991": kind}


async def test_a_question_is_answered_and_no_money_moves(desk, tokens_by_node):
    events = await desk.send({"requests": [a_request(message="Where do I send it?")]})

    assert await desk.is_finished()
    outcome = (await desk.values())["outcomes"]["991"]
    assert (outcome["result"], outcome["paid_eur"]) == ("answered", 0.0)
    assert "".join(tokens_by_node(events)["answer"]) == outcome["text"]


async def test_a_request_for_nothing_is_a_question(desk):
    await desk.send({"requests": [a_request(amount=0)]})

    assert (await desk.values())["kinds"] == {"991": "question"}


async def test_only_an_urgent_customer_is_written_to_first(desk, tokens_by_node):
    urgent = a_request(order="1", message="Urgent! It is for tomorrow.")

    events = await desk.send({"requests": [urgent, a_request(order="2")]})

    assert "order 1." in "".join(tokens_by_node(events)["reassure"])
    urgency = {card.value["order"]: card.value["urgency"] for card in await desk.questions()}
    assert urgency == {"1": "urgent", "2": "general"}


async def test_the_example_shows_every_branch(desk):
    await desk.send(EXAMPLE)

    values = await desk.values()
    assert set(values["kinds"].values()) == {"urgent", "question", "general"}
    assert [card.value["amount"] for card in await desk.questions()] == [620.0, 1480.0]
    assert {o: v["result"] for o, v in values["outcomes"].items()} == {
        "1010": "paid",
        "1017": "answered",
    }


async def test_an_order_asked_for_twice_is_refused(desk):
    with pytest.raises(ValidationError, match="asked for twice: 991"):
        await desk.send({"requests": [a_request(), a_request(amount=10.0)]})


async def test_a_finished_thread_takes_the_next_batch(desk):
    await desk.send({"requests": [a_request(order="1", amount=10.0)]})
    await desk.send({"requests": [a_request(order="2", amount=20.0)]})

    assert (await desk.values())["summary"].startswith("1 done, 20.00 EUR paid back.\nOrder 2:")


async def test_the_state_comes_back_as_it_was_written(desk, caplog):
    await desk.send({})
    [card] = await desk.questions()
    await desk.answer({card.id: {"approved": True}})

    [request] = (await desk.values())["requests"]
    assert type(request).__name__ == "RefundRequest"
    assert "Blocked deserialization" not in caplog.text


def test_the_bank_pays_a_key_once():
    assert bank.pay(key="t-1:991", amount=620.0) == bank.pay(key="t-1:991", amount=620.0)
    assert bank.pay(key="t-1:991", amount=620.0) != bank.pay(key="t-1:992", amount=620.0)


def test_the_bank_refuses_to_pay_nothing():
    with pytest.raises(ValueError, match="above 0"):
        bank.pay(key="t-1:991", amount=0.0)


def test_an_unclear_model_counts_as_general():
    assert refund_desk.read_kind("I would say: Urgent.") == "urgent"
    assert refund_desk.read_kind("no idea") == "general"
