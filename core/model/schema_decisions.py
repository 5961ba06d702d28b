"""
Finding where a schema says yes or no, so that a typed card can have an Approve and a Reject button.

Only what is obvious counts: a boolean called `approved` (or the like), or an enum or tag of which
exactly one value means yes. Anything else is answered with the whole value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.model import schema_refs
from interlock.core.model.approvals import Verb
from interlock.core.types import Json

# In order of how plainly they say it: the first one that a schema has is used.
_BOOLEANS = (
    *("approved", "approve", "is_approved", "accepted", "accept", "is_accepted"),
    *("confirmed", "confirm", "allowed", "allow", "authorized", "proceed", "ok"),
)
_TAGS = (
    "decision",
    "verdict",
    "action",
    "type",
    "status",
    "outcome",
    "choice",
    "response",
    "answer",
)

# The plain words first: `approve` beside `continue` means `approve`.
_YES = (
    frozenset({"approve", "approved"}),
    frozenset({"accept", "accepted", "allow", "allowed", "confirm", "confirmed", "agree", "ok"})
    | frozenset({"okay", "yes", "y", "proceed", "continue", "go_ahead"}),
)
_NO = (
    frozenset({"reject", "rejected"}),
    frozenset({"deny", "denied", "decline", "declined", "refuse", "refused", "disallow", "no", "n"})
    | frozenset({"disapprove", "disapproved", "cancel", "cancelled", "canceled", "abort"}),
)

# Where a reason may stand. A `message` beside a yes is more likely meant for somebody else.
_REASONS = ("reason", "comment", "comments", "note", "notes", "justification", "explanation")
_REASONS_OF_NO = (*_REASONS, "message", "feedback")


@dataclass(frozen=True, kw_only=True)
class Saying:
    """
    How an answer says yes or no: with `value`, in `field` of an object, or as a whole (None).

    `reason_field` is where the same object takes a reason, if it does.
    """

    value: Json
    field: str | None = None
    reason_field: str | None = None


def find_saying(schema: Json, verb: Verb) -> Saying | None:
    """
    Find how an answer that fits this schema approves or rejects.

    Args:
        schema: JSON Schema of the whole answer.
        verb: `approve` or `reject`.

    Returns:
        None unless there is exactly one obvious way.
    """
    resolved = schema_refs.resolve(schema, schema)
    return None if resolved is None else _find_in(resolved, schema, verb)


def choose_word(values: Sequence[Json], verb: Verb) -> Json:
    """The one value among these that means yes (or no); None when none does, or several do."""
    for words in _YES if verb is Verb.APPROVE else _NO:
        meant = [value for value in values if isinstance(value, str) and _plain(value) in words]
        if meant:
            return meant[0] if len(meant) == 1 else None
    return None


def _find_in(schema: Mapping[str, Json], root: Json, verb: Verb) -> Saying | None:
    forms = schema_refs.branches_of(schema, root)
    if len(forms) == 1:
        return _find_in_form(forms[0], root, verb)
    found = [saying for form in forms if (saying := _find_in_form(form, root, verb)) is not None]
    word = choose_word([saying.value for saying in found], verb)
    named = [saying for saying in found if saying.value == word] if word is not None else found
    return named[0] if len(named) == 1 else None


def _find_in_form(form: Mapping[str, Json], root: Json, verb: Verb) -> Saying | None:
    said = _find_value(form, verb)
    if said is not None:
        return Saying(value=said)
    fields = form.get("properties")
    if not isinstance(fields, dict):
        return None
    for names, wants_boolean in ((_BOOLEANS, True), (_TAGS, False)):
        for name in names:
            said = _find_value(_field(fields, name, root), verb)
            if said is not None and isinstance(said, bool) is wants_boolean:
                return Saying(
                    value=said, field=name, reason_field=_find_reason_field(fields, root, verb)
                )
    return None


def _find_value(schema: Mapping[str, Json], verb: Verb) -> Json:
    """What a scalar schema takes as yes or no; None when it has no obvious one."""
    values = schema_refs.allowed_values(schema)
    wanted = verb is Verb.APPROVE
    if schema.get("type") == "boolean":
        return wanted if not values or any(value is wanted for value in values) else None
    return choose_word(values, verb)


def _find_reason_field(fields: Mapping[str, Json], root: Json, verb: Verb) -> str | None:
    names: Iterable[str] = _REASONS if verb is Verb.APPROVE else _REASONS_OF_NO
    for name in names:
        field = _field(fields, name, root)
        if field.get("type") == "string" and not schema_refs.allowed_values(field):
            return name
    return None


def _field(fields: Mapping[str, Json], name: str, root: Json) -> Mapping[str, Json]:
    """One field's schema, looked at without null; empty when it has several forms or is not there."""
    resolved = schema_refs.resolve(fields.get(name), root)
    forms = schema_refs.branches_of(resolved, root) if resolved is not None else ()
    return forms[0] if len(forms) == 1 else {}


def _plain(word: str) -> str:
    return "_".join(word.casefold().replace("-", " ").replace("_", " ").split())
