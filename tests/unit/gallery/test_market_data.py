from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import ValidationError

from interlock.core.gallery import market, market_data
from interlock.core.gallery.lines.market_data import AGENTS
from interlock.core.gallery.market_analyst import PROMPT, write_brief
from interlock.core.gallery.market_forms import EXAMPLES, Watch


@pytest.fixture
def desk(converse):
    return converse(market_data.builder)


async def test_launching_with_the_defaults_brings_a_trade_to_release(desk):
    await desk.send({})

    [card] = await desk.questions()
    assert card.value["question"] == "Buy 129 FEL.V at 154.88 EUR?"


@pytest.mark.parametrize("example", EXAMPLES)
async def test_every_example_ends_or_asks(desk, example):
    await desk.send(Watch.model_validate(example).model_dump())

    assert await desk.is_finished() or await desk.questions()


async def test_without_a_budget_there_is_nothing_to_release(desk):
    await desk.send({"budget_eur": 0})

    assert await desk.is_finished()
    assert (await desk.values())["report"].splitlines() == [
        "60 of 61 prices are of today. Nothing was bought.",
        "OLD.V: no such symbol, gave up after 3 tries; no price.",
    ]


async def test_nothing_to_watch_ends_in_a_report(desk):
    await desk.send({"shares": 0, "also": []})

    assert (await desk.values())["report"] == "0 of 0 prices are of today. Nothing was bought."


@pytest.mark.parametrize("wrong", [{"shares": 101}, {"also": ["nope"]}, {"budget_eur": -1}])
async def test_what_cannot_be_watched_is_refused(desk, wrong):
    with pytest.raises(ValidationError):
        await desk.send(wrong)


async def test_a_second_launch_forgets_the_prices_of_the_first(desk):
    await desk.send({"shares": 20, "also": [], "budget_eur": 0})
    await desk.send({"shares": 2, "also": [], "budget_eur": 0})

    values = await desk.values()
    assert list(values["quotes"]) == ["ALP.V", "ALP.F"]
    assert values["tries"] == {"ALP.V": 1, "ALP.F": 1}


async def test_a_price_of_yesterday_is_no_ground_for_a_trade(desk, monkeypatch):
    fetch = desk.graph.nodes["fetch"]
    monkeypatch.setattr(fetch, "bound", desk.graph.nodes["yesterday"].bound)

    await desk.send({"shares": 3, "also": ["OLD.V"]})

    assert (await desk.values())["report"].splitlines() == [
        "0 of 4 prices are of today. Nothing was bought.",
        "ALP.V: the feed does not answer, gave up after 3 tries; 123.38 EUR yesterday.",
        "ALP.F: the feed does not answer, gave up after 3 tries; 70.20 EUR yesterday.",
        "ALP.Z: the feed does not answer, gave up after 3 tries; 40.20 EUR yesterday.",
        "OLD.V: the feed does not answer, gave up after 3 tries; no price.",
    ]


def test_the_feed_gives_the_same_price_to_everybody():
    symbols = dict.fromkeys(market.SYMBOLS, 2)

    assert market.quote(symbols) == market.quote(symbols)
    assert len(market.quote(symbols).quotes) == len(market.SYMBOLS) == 100
    assert len(market.quote(dict.fromkeys(market.SYMBOLS, 1)).missed) == 3
    assert len(market.quote(dict.fromkeys(market.SYMBOLS, 0)).missed) == 12


def test_an_analyst_who_hears_nothing_buys_nothing():
    brief = write_brief({"ALP.V": {"price_eur": 9.0, "change_percent": -4.0, "is_fresh": True}})
    asked = AGENTS["weigh"]([SystemMessage(PROMPT), brief])
    silent = AGENTS["weigh"]([SystemMessage(PROMPT), brief, AIMessage("I ask.")])

    assert [call.args["city"] for call in asked.calls] == list(market.CITIES)
    assert silent.text == "5 exchanges did not answer.\nBUY nothing"


def test_a_share_without_a_price_is_not_bought():
    said = market_data.propose({"messages": [HumanMessage("BUY XXX.V")], "quotes": {}})

    assert said == {"order": None}
