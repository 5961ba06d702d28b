"""P3: generate, hold against rules, refine, and stop at the bound."""

from __future__ import annotations

import pytest

from interlock.core.gallery import contract_signoff, replies
from interlock.core.gallery.contract_rules import RULES, find_problems


@pytest.fixture
def contract(converse):
    return converse(contract_signoff.builder)


def nodes_run(events):
    return [node for kind, _, data in events if kind == "updates" for node in data]


@pytest.mark.parametrize(("allowed", "made", "left"), [(0, 0, 3), (1, 1, 2), (3, 3, 0), (5, 3, 0)])
async def test_p3_refines_until_the_rules_are_kept_or_the_bound_is_met(
    contract, allowed, made, left
):
    events = await contract.send({"max_redrafts": allowed})

    assert nodes_run(events).count("redraft") == made
    assert nodes_run(events).count("check") == made + 1
    assert len((await contract.values())["remarks"]) == left


async def test_p3_stops_at_its_bound_when_no_rewrite_helps(contract, monkeypatch):
    stubborn = {**replies.REPLIES, "redraft": lambda parts: parts["contract"]}
    monkeypatch.setattr(replies, "REPLIES", stubborn)

    events = await contract.send({"max_redrafts": 4})

    assert nodes_run(events).count("redraft") == 4
    [card] = await contract.questions()
    assert len(card.value["house_rules"].splitlines()) == 3


async def test_p3_the_approver_is_told_which_rules_are_not_kept(contract):
    await contract.send({"max_redrafts": 2})

    [card] = await contract.questions()
    assert card.value["house_rules"] == RULES[-1].remark


async def test_p3_each_redraft_answers_one_remark(contract):
    await contract.send({})

    text = (await contract.values())["text"]
    assert "within 30 days" in text
    assert "within 60 days" not in text
    assert find_problems(text, "Nordlicht GmbH", 48_000.0) == []


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("nordlicht gmbh gets 48 000 EUR within 31 days; notice: none", [2, 3]),
        ("Nordlicht GmbH: 48,000.00 EUR, within 14 days, liability is capped, a notice", []),
        ("Nordlicht GmbH: 48000.01 EUR within 30 days. They are liable and limited. Notice.", [1]),
    ],
)
def test_p3_the_rules_say_what_is_missing(text, broken):
    found = find_problems(text, "Nordlicht GmbH", 48_000.0)

    assert found == [RULES[index].remark for index in broken]
