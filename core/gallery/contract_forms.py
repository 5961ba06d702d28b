"""What people fill in at the contract sign-off: the contract wanted, and what they say to it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StringConstraints,
    create_model,
    model_validator,
)
from pydantic.config import ConfigDict, JsonDict

LIMIT_EUR = 1_000_000.0

Euros = Annotated[float, AfterValidator(lambda amount: round(amount, 2))]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=120)]


class Approver(BaseModel):
    """Somebody without whom the contract is not signed."""

    name: str = Field(default="Ida Frost", min_length=1, max_length=80, description="Who.")
    role: str = Field(
        default="legal", min_length=1, max_length=40, description="For which part of the house."
    )


LEGAL = Approver()
FINANCE = Approver(name="Jonas Reuter", role="finance")

EXAMPLES: list[JsonDict] = [
    {"supplier": "Nordlicht GmbH", "value_eur": 48_000.0},
    {
        "supplier": "Alpina Catering",
        "contact": "office@alpina.example",
        "service": "lunch for 120 people on working days",
        "value_eur": 186_000.0,
        "months": 24,
        "approvers": [
            {"name": "Ida Frost", "role": "legal"},
            {"name": "Jonas Reuter", "role": "finance"},
            {"name": "Mara Vogt", "role": "works council"},
        ],
        "max_redrafts": 1,
    },
]


class ContractRequest(BaseModel):
    """The contract to draft, and who has to sign it off, in this order."""

    model_config = ConfigDict(json_schema_extra={"examples": list(EXAMPLES)})

    supplier: str = Field(
        default="Nordlicht GmbH", min_length=1, max_length=80, description="The other party."
    )
    contact: Address = Field(
        default="contracts@nordlicht.example", description="Where the signed contract goes."
    )
    service: str = Field(
        default="maintenance of the four lifts in the main building",
        min_length=3,
        max_length=200,
        description="What they do for us.",
    )
    value_eur: Euros = Field(
        default=48_000.0, gt=0, le=LIMIT_EUR, description="EUR for the whole term."
    )
    months: int = Field(default=12, ge=1, le=60, description="How long it runs.")
    approvers: list[Approver] = Field(
        default=[LEGAL, FINANCE],
        min_length=1,
        max_length=6,
        description="Asked in turn; each gets a card once those before have approved.",
    )
    max_redrafts: int = Field(
        default=3,
        ge=0,
        le=5,
        description="How often the draft may be mended by the house rules before people read it.",
    )

    @model_validator(mode="after")
    def _each_approver_once(self) -> Self:
        names = [approver.name.casefold() for approver in self.approvers]
        if len(set(names)) < len(names):
            raise ValueError("an approver is asked once, but named twice")
        return self


class Verdict(BaseModel):
    """What one approver says to the text as it is."""

    decision: Literal["approve", "revise", "reject"] = Field(
        description="Revise sends it back: it is redrafted, and everybody is asked anew."
    )
    comment: str = Field(
        default="", max_length=500, description="For the file; what has to change, to revise it."
    )

    @model_validator(mode="after")
    def _says_what_to_change(self) -> Self:
        if self.decision == "revise" and not self.comment.strip():
            raise ValueError("say in the comment what has to change")
        return self


class Signing(BaseModel):
    """Whether the contract is signed, and where it goes then."""

    approved: bool = Field(description="Sign it and send it out? That binds us.")
    send_to: Address = Field(description="Who gets the signed contract.")
    note: str = Field(default="", max_length=500, description="A sentence for the file.")


def signing_form(contact: str) -> type[Signing]:
    """Make the form for this contract: filled in with the address that it was asked for with."""
    send_to = Field(contact, description="Who gets the signed contract.")
    return create_model(
        "Signing", __base__=Signing, __doc__=Signing.__doc__, send_to=(Address, send_to)
    )
