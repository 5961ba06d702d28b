"""What is filled in at the help desk: what the customer writes, and who the customer is."""

from __future__ import annotations

from typing import Literal

from langgraph.runtime import get_runtime
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

Tier = Literal["basic", "premium", "business"]


class Attachment(BaseModel):
    """A document that came with a message."""

    name: str = Field(min_length=1, max_length=80, description="Its file name.")
    text: str = Field(min_length=1, max_length=10_000, description="What stands in it.")


EXAMPLES: list[JsonDict] = [
    {"message": "How long does a refund take?"},
    {"message": "Please credit the late fee on invoice INV-2041."},
    {"message": "Sync fails with error 504 on all 40 devices since the upgrade."},
    {
        "message": "Hello, I prefer answers by e-mail. The report is attached.",
        "attachments": [
            {
                "name": "report.txt",
                "text": "Sync stopped on Monday. Since then 40 devices are out of date.",
            }
        ],
    },
]


class CustomerMessage(BaseModel):
    """What a customer writes; launch it again on the same thread to go on talking."""

    model_config = ConfigDict(json_schema_extra={"examples": list(EXAMPLES)})

    message: str = Field(
        default="How long does a refund take?",
        min_length=1,
        max_length=4_000,
        description="Ask, complain, or try 'INV-2041', 'error 504' or 'urgent'.",
    )
    attachments: list[Attachment] = Field(
        default=[], max_length=3, description="Documents, which are read in the background."
    )


class Customer(BaseModel):
    """Who writes: the context of a launch, not something that the message could claim."""

    model_config = ConfigDict(frozen=True)

    number: str = Field(default="4711", pattern=r"^[\w-]{1,40}$", description="Customer number.")
    tier: Tier = Field(default="basic", description="What the customer pays for.")


def current_customer() -> Customer:
    """Who this run was launched for; without a context, the one that a context would default to."""
    context: Customer | None = get_runtime(Customer).context
    return context or Customer()
