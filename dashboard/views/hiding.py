"""Cards on which fields are masked by rule, for people who decide without having to read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.masking import MASK, mask_hidden
from interlock.core.model.approvals import Approval, Verb
from interlock.core.types import Json

if TYPE_CHECKING:
    from interlock.core.services.bulk_deciding import Looked


def hide_fields(approval: Approval, state: Json) -> tuple[Approval, Json]:
    """
    The card and the state of its thread with such fields masked.

    Where something is, nothing can be edited: what was sent would have the mask in the value's place.
    """
    payload: Json = mask_hidden(approval.payload)
    title: str = mask_hidden(approval.title)
    shown: Json = mask_hidden(state)
    if (payload, title, shown) == (approval.payload, approval.title, state):
        return approval, state
    allowed = tuple(verb for verb in approval.allowed if verb is not Verb.EDIT)
    return replace(approval, payload=payload, title=title, allowed=allowed), shown


def hide_chosen(found: Sequence[Looked]) -> tuple[Looked, ...]:
    """Chosen cards with such fields masked."""
    return tuple(
        each if each.card is None else replace(each, card=hide_fields(each.card, None)[0])
        for each in found
    )


def require_whole(answer: Json) -> None:
    """
    See that an answer holds no mask where somebody's value should be.

    Raises:
        InvalidInput: It does; the places are named.
    """
    if problems := [FieldProblem(path, "is masked here: write it anew") for path in _find(answer)]:
        raise InvalidInput("The answer is not whole:", problems=problems)


def _find(value: Json, path: str = "") -> Iterator[str]:
    if value == MASK:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _find(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _find(inner, f"{path}.{index}" if path else str(index))
