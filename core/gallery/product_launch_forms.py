"""What people fill in at the product launch."""

from __future__ import annotations

from pydantic import BaseModel, Field
from pydantic.config import ConfigDict


class LaunchIdea(BaseModel):
    """What to bring to the market, and for how much."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"product": "A folding cargo bike", "budget_eur": 60000},
                {"product": "A quiet coffee mill", "budget_eur": 30000},
            ]
        }
    )

    product: str = Field(
        default="A folding cargo bike",
        min_length=3,
        max_length=200,
        description="What is launched.",
    )
    budget_eur: int = Field(
        default=60_000,
        ge=0,
        le=10_000_000,
        description="EUR that the launch may cost. The plan says how far it is over or under it.",
    )
