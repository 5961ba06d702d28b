"""What people fill in at the essay writer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Assignment(BaseModel):
    """What to write about, and for whom."""

    topic: str = Field(
        default="Why a good control room is quiet",
        min_length=3,
        max_length=200,
        description="What the essay is about.",
    )
    audience: Literal["engineers", "managers", "students"] = Field(
        default="engineers", description="Who is going to read it."
    )
    max_revisions: int = Field(
        default=2,
        ge=0,
        le=5,
        description="How often it may criticise and revise itself before you read it.",
    )
