"""What people fill in at the market desk: what to watch, what is missing, and a trade."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, create_model
from pydantic.config import ConfigDict, JsonDict

Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}\.[A-Z]$")]

EXAMPLES: list[JsonDict] = [
    {"shares": 100, "also": [], "budget_eur": 50_000},
    {"shares": 8, "also": ["OLD.V"], "when_missing": "ask"},
    {"shares": 30, "budget_eur": 0},
]


class Watch(BaseModel):
    """What to watch, and what may be spent."""

    model_config = ConfigDict(json_schema_extra={"examples": list(EXAMPLES)})

    shares: int = Field(
        default=60, ge=0, le=100, description="How many shares of the index, the largest first."
    )
    also: list[Symbol] = Field(
        default=["OLD.V"],
        max_length=20,
        description="Further symbols. OLD.V is no longer listed: it never gets a price.",
    )
    budget_eur: float = Field(
        default=20_000.0, ge=0, le=1_000_000, description="EUR to invest; 0 only looks."
    )
    when_missing: Literal["go on", "ask"] = Field(
        default="go on",
        description="What to do when prices are still missing after three tries: go on and say so, "
        "or ask a person.",
    )


class Missing(BaseModel):
    """What to do about prices that are missing."""

    choice: Literal["try again", "go on", "stop"] = Field(
        default="go on", description="Go on: without them, or with yesterday's."
    )


class TradeDecision(BaseModel):
    """Whether to buy, and how much of it."""

    approved: bool = Field(description="Buy?")
    quantity: int = Field(ge=1, description="Shares to buy.")
    note: str = Field(default="", max_length=500, description="A sentence for the file.")


def trade_form(quantity: int) -> type[TradeDecision]:
    """Make the form for this trade: filled in with what was proposed, and taking no more."""
    shares = Field(
        quantity,
        ge=1,
        le=quantity,
        description=f"Shares to buy: the {quantity} proposed, or fewer.",
    )
    return create_model(
        "TradeDecision",
        __base__=TradeDecision,
        __doc__=TradeDecision.__doc__,
        quantity=(int, shares),
    )
