"""What people fill in at the release train: the release, its approval, and what to do when stuck."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field
from pydantic.config import ConfigDict, JsonDict

from interlock.core.gallery.release_platform import Rehearsal

EXAMPLES: list[JsonDict] = [
    {"version": "4.2.0", "rehearse": "nothing"},
    {"version": "4.2.1", "rehearse": "a deployment that fails twice"},
    {"version": "4.3.0", "rehearse": "a deployment that never works"},
    {
        "service": "checkout",
        "version": "5.0.0",
        "changes": ["Pay by invoice", "Drop the old basket table"],
        "rehearse": "a failing check",
        "when_stuck": "roll back",
    },
]


class Release(BaseModel):
    """What to bring to production, and what to do when it does not work."""

    model_config = ConfigDict(json_schema_extra={"examples": list(EXAMPLES)})

    service: str = Field(default="shop", min_length=1, max_length=60, description="Of what.")
    version: str = Field(
        default="4.2.0", pattern=r"^\d+\.\d+\.\d+$", description="Which version, as in 4.2.0."
    )
    changes: list[str] = Field(
        default=["Search finds parts by number", "The basket is kept for a week"],
        min_length=1,
        max_length=20,
        description="What is new in it, a line each.",
    )
    when_stuck: Literal["ask", "roll back"] = Field(
        default="ask",
        description="After three failed deployments: ask a person, or roll back by itself.",
    )
    rehearse: Rehearsal = Field(
        default="nothing", description="What the stand-in platform is to let go wrong."
    )


class GoAhead(BaseModel):
    """Whether the release goes to production, and how fast."""

    approved: bool = Field(description="Let it go to production?")
    rollout: Literal["5 % first", "25 % first", "everybody at once"] = Field(
        default="25 % first", description="Who gets it first."
    )
    note: str = Field(default="", max_length=500, description="A sentence for the file.")
