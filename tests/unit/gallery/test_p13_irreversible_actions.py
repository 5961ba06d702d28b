"""P13: what cannot be taken back happens only after a person approved it, changed, or not at all."""

from __future__ import annotations

import jsonschema
import pytest
from langgraph.errors import is_invalid_resume
from pydantic import ValidationError

from interlock.core.gallery import bank, mailbox, market, market_data, outreach, refund_desk

MAILS = {"messages": "Invite our customers in Vienna to the open day."}


@pytest.fixture
def done(monkeypatch):
    """What left the house, in order: money, mails and orders."""
    acts = []

    def noting(real):
        def act(**details):
            acts.append({name: details[name] for name in details if name != "key"})
            return real(**details)

        return act

    monkeypatch.setattr(bank, "pay", noting(bank.pay))
    monkeypatch.setattr(mailbox, "send", noting(mailbox.send))
    monkeypatch.setattr(market, "place", noting(market.place))
    return acts


@pytest.fixture
def ask(converse):
    """Start a workflow, and return the thread and its one card."""

    async def start(builder, value):
        thread = converse(builder)
        await thread.send(value)
        [card] = await thread.questions()
        return thread, card

    return start


WORKFLOWS = {
    "refund": (refund_desk.builder, {}),
    "mails": (outreach.builder, MAILS),
    "trade": (market_data.builder, {}),
}


@pytest.mark.parametrize("name", WORKFLOWS)
async def test_p13_nothing_leaves_the_house_before_a_person_has_decided(name, ask, done):
    thread, _ = await ask(*WORKFLOWS[name])

    assert done == []
    assert not await thread.is_finished()


@pytest.mark.parametrize(
    ("name", "answer", "expected"),
    [
        ("refund", {"approved": True}, [{"amount": 620.0}]),
        ("refund", {"approved": True, "amount": 100.0}, [{"amount": 100.0}]),
        ("refund", {"approved": False}, []),
        ("trade", {"approved": True}, [{"symbol": "FEL.V", "quantity": 129}]),
        ("trade", {"approved": True, "quantity": 5}, [{"symbol": "FEL.V", "quantity": 5}]),
        ("trade", {"approved": False, "note": "Not today"}, []),
    ],
)
async def test_p13_it_is_approved_changed_or_stopped(name, answer, expected, ask, done):
    thread, card = await ask(*WORKFLOWS[name])
    jsonschema.validate(answer, card.response_schema)

    await thread.answer({card.id: answer})

    assert done == expected
    assert await thread.is_finished()


async def test_p13_each_of_many_mails_is_approved_changed_or_stopped(ask, done):
    thread, card = await ask(*WORKFLOWS["mails"])
    _, second, _ = card.value["action_requests"]
    changed = {"name": "send_email", "args": {**second["args"], "to": "eva@sonne.example"}}

    decisions = [
        {"type": "approve"},
        {"type": "edit", "edited_action": changed},
        {"type": "reject", "message": "On holiday."},
    ]
    await thread.answer({card.id: {"decisions": decisions}})

    assert sorted(act["to"] for act in done) == ["ada@nordlicht.example", "eva@sonne.example"]
    assert await thread.is_finished()


@pytest.mark.parametrize(
    "wrong",
    [{"quantity": 5}, {"approved": True, "quantity": 130}, {"approved": True, "quantity": 0}],
)
async def test_p13_more_than_was_proposed_cannot_be_approved(wrong, ask, done):
    thread, card = await ask(*WORKFLOWS["trade"])
    assert not jsonschema.Draft202012Validator(card.response_schema).is_valid(wrong)

    with pytest.raises(ValidationError) as refused:
        await thread.answer({card.id: wrong})

    assert is_invalid_resume(refused.value)
    assert done == []
    assert [again.id for again in await thread.questions()] == [card.id]


@pytest.mark.parametrize(("name", "service"), [("refund", "payments"), ("trade", "market")])
async def test_p13_an_approved_action_that_failed_is_done_once_without_asking_again(
    name, service, ask, done, monkeypatch, tmp_path
):
    thread, card = await ask(*WORKFLOWS[name])
    faults = tmp_path / "faults.json"
    faults.write_text(f'{{"{service}": true}}')
    monkeypatch.setenv("INTERLOCK_GALLERY_FAULTS", str(faults))
    with pytest.raises(ConnectionError):
        await thread.answer({card.id: {"approved": True}})

    faults.unlink()
    done.clear()
    await thread.send(None)

    assert len(done) == 1
    assert await thread.is_finished()


async def test_p13_a_stopped_trade_says_why(ask):
    thread, card = await ask(*WORKFLOWS["trade"])

    await thread.answer({card.id: {"approved": False, "note": "Not today"}})

    assert "Did not buy FEL.V: Not today." in (await thread.values())["report"]


def test_p13_an_order_that_is_repeated_buys_once():
    first, again = (market.place(key="t-1", symbol="ALP.V", quantity=3) for _ in range(2))

    assert first == again != market.place(key="t-2", symbol="ALP.V", quantity=3)
