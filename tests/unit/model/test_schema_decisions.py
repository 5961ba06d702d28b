"""Where a schema says yes or no."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from pydantic import BaseModel, Field, TypeAdapter

from interlock.core.model.approvals import Verb
from interlock.core.model.schema_decisions import Saying, choose_word, find_saying

from .any_json import JSON, SCHEMAS


class Review(BaseModel):
    """A boolean with a reason."""

    approved: bool
    amount: float
    reason: str | None = None


class Verdict(BaseModel):
    """A word with a message."""

    decision: Literal["approve", "reject", "later"]
    message: str = ""


class Yes(BaseModel):
    """A tagged yes."""

    type: Literal["accept"]


class No(BaseModel):
    """A tagged no."""

    type: Literal["ignore", "decline"]
    feedback: str


def says(schema: Any, verb: Verb) -> Saying | None:
    """What a Python type's schema says."""
    return find_saying(TypeAdapter(schema).json_schema(), verb)


@pytest.mark.parametrize(
    ("schema", "yes", "no"),
    [
        (bool, Saying(value=True), Saying(value=False)),
        (bool | None, Saying(value=True), Saying(value=False)),
        (Literal["accept", "deny"], Saying(value="accept"), Saying(value="deny")),
        (
            Review,
            Saying(value=True, field="approved", reason_field="reason"),
            Saying(value=False, field="approved", reason_field="reason"),
        ),
        (
            Review | None,
            Saying(value=True, field="approved", reason_field="reason"),
            Saying(value=False, field="approved", reason_field="reason"),
        ),
        (
            Verdict,
            Saying(value="approve", field="decision"),
            Saying(value="reject", field="decision", reason_field="message"),
        ),
        (
            Annotated[Yes | No, Field(discriminator="type")],
            Saying(value="accept", field="type"),
            Saying(value="decline", field="type", reason_field="feedback"),
        ),
        (str, None, None),
        (int | str, None, None),
        (dict[str, bool], None, None),
        (list[bool], None, None),
    ],
)
def test_obvious_yes_and_no_are_found(schema: Any, yes: Any, no: Any) -> None:
    assert says(schema, Verb.APPROVE) == yes
    assert says(schema, Verb.REJECT) == no


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"ready": {"type": "boolean"}}},
        {"properties": {"approved": {"type": "string"}}},
        {"properties": {"approved": {"anyOf": [{"type": "boolean"}, {"type": "integer"}]}}},
        {"properties": {"decision": {"type": "boolean"}}},
        {"properties": {"approved": {"type": "boolean", "const": False}}},
        {"properties": {"decision": {"enum": ["yes", "ok", "no"]}}},
        {"properties": []},
        {"anyOf": [{"type": "boolean"}, {"properties": {"approved": {"type": "boolean"}}}]},
        {"$ref": "#/gone"},
        {"enum": [1, None]},
    ],
)
def test_what_is_not_obvious_is_not_guessed(schema: Any) -> None:
    assert find_saying(schema, Verb.APPROVE) is None


def test_boolean_is_taken_before_a_word() -> None:
    schema = {
        "properties": {
            "action": {"enum": ["approve", "reject"]},
            "confirmed": {"type": "boolean"},
            "approved": {"type": "boolean", "enum": [True]},
            "reason": {"enum": ["late", "early"]},
        }
    }
    assert find_saying(schema, Verb.APPROVE) == Saying(value=True, field="approved")
    assert find_saying(schema, Verb.REJECT) == Saying(value=False, field="confirmed")


def test_union_of_constants_is_chosen_from_like_an_enum() -> None:
    schema = {"oneOf": [{"const": "approve"}, {"const": "continue"}, {"const": "reject"}]}
    assert find_saying(schema, Verb.APPROVE) == Saying(value="approve")
    assert find_saying(schema, Verb.REJECT) == Saying(value="reject")


@pytest.mark.parametrize(
    ("values", "yes", "no"),
    [
        (["approve", "reject"], "approve", "reject"),
        (["Approve", "continue"], "Approve", None),
        (["Go ahead", "No"], "Go ahead", "No"),
        (["yes", "ok"], None, None),
        (["no", "cancel", "yes"], "yes", None),
        (["no", "cancel", "rejected"], None, "rejected"),
        ([True, 1, None], None, None),
        ([], None, None),
    ],
)
def test_plainest_single_word_is_chosen(values: list[Any], yes: Any, no: Any) -> None:
    assert choose_word(values, Verb.APPROVE) == yes
    assert choose_word(values, Verb.REJECT) == no


@given(JSON | SCHEMAS)
def test_looking_for_a_decision_never_raises(schema: Any) -> None:
    for verb in (Verb.APPROVE, Verb.REJECT):
        saying = find_saying(schema, verb)
        assert saying is None or saying.value not in (None, "")
