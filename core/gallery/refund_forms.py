"""What people fill in at the refund desk: the requests, and the decision on a held refund."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, create_model, model_validator
from pydantic.config import ConfigDict, JsonDict

LIMIT_EUR = 10_000.0  # the desk pays no more than this for one order

Euros = Annotated[float, AfterValidator(lambda amount: round(amount, 2))]


class RefundRequest(BaseModel):
    """One customer asking for money back, or just asking."""

    customer: str = Field(
        default="4711", min_length=1, max_length=40, description="Customer number."
    )
    order: str = Field(default="991", min_length=1, max_length=40, description="Order number.")
    amount: Euros = Field(
        default=620.0,
        ge=0,
        le=LIMIT_EUR,
        description="EUR to pay back. Above 500 a person has to release it; 0 is a mere question.",
    )
    reason: Literal["lost parcel", "damaged", "wrong item", "charged twice", "other"] = Field(
        default="lost parcel", description="Why the customer wants the money back."
    )
    message: str = Field(
        default="The parcel never arrived and the carrier has given up looking. Please refund me.",
        min_length=1,
        max_length=10_000,
        description="What the customer wrote. Try the word 'urgent', or a question.",
    )


EXAMPLE: JsonDict = {
    "requests": [
        {"customer": "4711", "order": "991", "amount": 620.0},
        {
            "customer": "1207",
            "order": "1004",
            "amount": 1480.0,
            "reason": "damaged",
            "message": "This is urgent: the screen came broken, for the third time!",
        },
        {
            "customer": "3390",
            "order": "1010",
            "amount": 45.9,
            "reason": "charged twice",
            "message": "You charged me twice.",
        },
        {
            "customer": "2002",
            "order": "1017",
            "amount": 0,
            "reason": "other",
            "message": "How long does it take until the money is there?",
        },
    ]
}


class RefundRequests(BaseModel):
    """The requests to work through; those above 500 EUR are held side by side."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    requests: list[RefundRequest] = Field(
        default=[RefundRequest()],
        min_length=1,
        max_length=20,
        description="One entry for each order.",
    )

    @model_validator(mode="after")
    def _one_entry_an_order(self) -> Self:
        orders = [request.order for request in self.requests]
        twice = sorted({order for order in orders if orders.count(order) > 1})
        if twice:
            raise ValueError(f"an order is refunded once, but asked for twice: {', '.join(twice)}")
        return self


class Decision(BaseModel):
    """Whether to pay the money back, and how much of it."""

    approved: bool = Field(description="Pay the money back?")
    amount: Euros = Field(ge=0.01, le=LIMIT_EUR, description="EUR to pay.")
    ground: Literal["as asked", "goodwill", "not covered", "suspected fraud"] = Field(
        default="as asked", description="What the decision rests on."
    )
    note: str = Field(default="", max_length=500, description="A sentence for the file.")


def decision_form(request: RefundRequest) -> type[Decision]:
    """Make the form for this refund: filled in with the amount asked for, and taking no more."""
    amount = Field(
        request.amount,
        ge=0.01,
        le=request.amount,
        description=f"EUR to pay: the {request.amount:.2f} asked for, or less.",
    )
    return create_model(
        "Decision", __base__=Decision, __doc__=Decision.__doc__, amount=(Euros, amount)
    )
