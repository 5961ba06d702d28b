"""The analyst of the market desk: an agent that asks five exchanges at once, then names a share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from pydantic import Field

from interlock.core.gallery import market
from interlock.core.gallery.market import City, Quote
from interlock.core.gallery.models import chat_model

PROMPT = (
    "Weigh which one of the shares to buy. First ask for the mood at all five exchanges, all in the "
    "same turn: the letter after the dot is the city. Then say in one sentence what speaks for your "
    "choice, and end with a line 'BUY' and the symbol, or 'BUY nothing'."
)
MAX_CANDIDATES = 8


@tool
def exchange_mood(
    city: Annotated[City, Field(description="Where the exchange is.")],
) -> str:
    """Ask how the day goes at an exchange: rising, calm or falling."""
    return market.mood(city)


def write_brief(quotes: Mapping[str, Quote]) -> HumanMessage:
    """Tell the analyst which shares fell most today."""
    fallen = sorted(quotes, key=lambda symbol: (quotes[symbol]["change_percent"], symbol))
    lines = [
        f"{symbol} {quotes[symbol]['change_percent']:+.1f} %" for symbol in fallen[:MAX_CANDIDATES]
    ]
    return HumanMessage("\n".join(["These shares fell most today:", *(lines or ["none"])]))


analyst = create_agent(chat_model(), tools=[exchange_mood], system_prompt=PROMPT, name="analyst")
