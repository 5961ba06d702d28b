"""P10: an agent's tool calls of one turn run side by side, five at once."""

from __future__ import annotations

import threading

from langchain_core.messages import ToolMessage

from interlock.core.gallery import market, market_data

WAIT_S = 30


async def test_p10_five_cities_are_asked_at_once(converse, monkeypatch):
    together, asked = threading.Barrier(5), []

    def mood(city):
        together.wait(WAIT_S)
        asked.append(city)
        return f"{city}: {market.MOODS[city]}"

    monkeypatch.setattr(market, "mood", mood)
    desk = converse(market_data.builder)

    await desk.send({})

    assert sorted(asked) == sorted(market.CITIES)
    [card] = await desk.questions()
    assert card.value["reason"].startswith("FEL.V fell by 4.9 % while Vienna is rising.")


async def test_p10_a_quick_tool_does_not_wait_for_a_slow_one(converse, monkeypatch):
    quick_ended = threading.Event()

    def mood(city):
        if city == "London":
            quick_ended.set()
        else:
            assert quick_ended.wait(WAIT_S), "the four before it held it up"
        return f"{city}: calm"

    monkeypatch.setattr(market, "mood", mood)
    desk = converse(market_data.builder)

    await desk.send({})

    told = [m for m in (await desk.values())["messages"] if isinstance(m, ToolMessage)]
    assert [str(m.text).partition(":")[0] for m in told] == list(market.CITIES)
