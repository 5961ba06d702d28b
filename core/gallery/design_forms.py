"""What people fill in at the design contest."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field
from pydantic.config import ConfigDict

Goal = Literal["quick", "easy", "cheap"]
Designer = Literal["express", "guided", "map"]


class Brief(BaseModel):
    """The ticket machine that is looked for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"goal": "quick", "screen_cm": 26},
                {"goal": "easy", "screen_cm": 26},
                {"goal": "cheap", "screen_cm": 14},
            ]
        }
    )

    goal: Goal = Field(
        default="quick",
        description="What counts most: a quick sale, an easy one, or a cheap machine.",
    )
    screen_cm: int = Field(
        default=26,
        ge=10,
        le=60,
        description="How wide the screen is. Below 20 cm not all wishes fit, and nobody agrees.",
    )
    designers: list[Designer] = Field(
        default=["express", "guided", "map"],
        min_length=1,
        max_length=3,
        description="Who competes; each has a way of its own.",
    )
