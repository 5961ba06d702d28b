"""What people fill in at the newsroom."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field
from pydantic.config import ConfigDict


class StoryIdea(BaseModel):
    """What to report about, and for whom."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"subject": "Night trams at weekends", "readers": "commuters"},
                {"subject": "The city's budget", "readers": "taxpayers", "max_drafts": 1},
            ]
        }
    )

    subject: str = Field(
        default="Night trams at weekends",
        min_length=3,
        max_length=200,
        description="What happened, or is planned. There are pictures of trams, bikes, schools "
        "and the market; of anything else the article appears without one.",
    )
    readers: Literal["commuters", "taxpayers", "students"] = Field(
        default="commuters", description="Who is going to read it."
    )
    max_drafts: int = Field(
        default=3, ge=1, le=5, description="How often the writer may write it in all."
    )
