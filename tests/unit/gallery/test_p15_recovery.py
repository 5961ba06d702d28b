"""P15: what failed is tried again, three times at most; then the reason is told, or a person asked."""

from __future__ import annotations

import pytest

from interlock.core.gallery import market, market_data

LATE = dict.fromkeys(market.SYMBOLS[7:40:8], 1) | {market.SYMBOLS[7]: 2}


@pytest.fixture
def desk(converse):
    return converse(market_data.builder)


async def test_p15_what_is_missing_is_asked_for_again_and_nothing_else(desk):
    await desk.send({"shares": 40, "also": [], "budget_eur": 0})

    values = await desk.values()
    assert values["tries"] == {s: 1 + LATE.get(s, 0) for s in market.SYMBOLS[:40]}
    assert len(values["quotes"]) == 40
    assert values["report"] == "40 of 40 prices are of today. Nothing was bought."


async def test_p15_gives_up_after_three_tries_with_the_reason(desk):
    await desk.send({"shares": 2, "also": ["OLD.V"], "budget_eur": 0})

    assert await desk.is_finished()
    values = await desk.values()
    assert values["tries"] == {"ALP.V": 1, "ALP.F": 1, "OLD.V": 3}
    assert values["report"].splitlines()[1:] == [
        "OLD.V: no such symbol, gave up after 3 tries; no price."
    ]


async def test_p15_a_person_is_asked_instead_where_that_is_wished(desk):
    await desk.send({"shares": 2, "also": ["OLD.V"], "when_missing": "ask", "budget_eur": 0})

    [card] = await desk.questions()
    assert card.value["question"] == "1 of 3 prices are missing. Go on?"
    assert card.value["missing"] == ["OLD.V: no such symbol, gave up after 3 tries; no price."]
    await desk.answer({card.id: {"choice": "go on"}})
    assert await desk.is_finished()
    assert (await desk.values())["report"].startswith("2 of 3 prices")


async def test_p15_a_person_can_let_it_try_three_times_more(desk):
    await desk.send({"shares": 2, "also": ["OLD.V"], "when_missing": "ask", "budget_eur": 0})
    [card] = await desk.questions()

    events = await desk.answer({card.id: {"choice": "try again"}})

    fetched = [data for kind, _, data in events if kind == "updates" and "fetch" in data]
    assert len(fetched) == 3
    [again] = await desk.questions()
    assert again.value == card.value
    assert again.id != card.id


async def test_p15_a_person_can_stop_it(desk):
    await desk.send({"shares": 2, "also": ["OLD.V"], "when_missing": "ask"})
    [card] = await desk.questions()

    await desk.answer({card.id: {"choice": "stop"}})

    values = await desk.values()
    assert await desk.is_finished()
    assert not values.get("messages")
    assert values["report"].startswith("2 of 3 prices are of today. Nothing was bought.")
