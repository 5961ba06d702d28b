"""Any JSON value, any intent and plausible schemas, for the property tests of the model."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from interlock.core.model.approvals import Intent, Verb

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)

# Keys that mean something to a reader, so that half-right shapes come up often.
_KEYS = st.text(max_size=5) | st.sampled_from(
    [
        *("type", "question", "options", "choices", "multiple", "value", "action_request"),
        *("config", "action", "args", "name", "message", "action_requests", "review_configs"),
        *("allowed_decisions", "action_name", "allow_accept", "decision", "edited_action"),
    ]
)
_WORDS = st.sampled_from(
    ["tool_approval", "approval", "approve", "reject", "edit", "respond", "yes", "no", "[]", "{"]
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5)


JSON: st.SearchStrategy[Any] = st.recursive(SCALARS | _WORDS, _containers, max_leaves=20)

ARGS = st.dictionaries(st.text(min_size=1, max_size=5), JSON, max_size=3)
_FLAGS = st.fixed_dictionaries(
    {},
    optional={f"allow_{name}": st.booleans() for name in ("accept", "ignore", "edit", "respond")},
)
_INBOX = st.fixed_dictionaries(
    {
        "action_request": st.fixed_dictionaries({"action": st.text(max_size=8), "args": ARGS}),
        "config": _FLAGS,
    },
    optional={"description": st.text(max_size=20)},
)
_DECISIONS = st.lists(st.sampled_from(["approve", "edit", "reject", "respond"]), max_size=4)
_REQUEST = st.fixed_dictionaries({"name": st.sampled_from("abc"), "args": ARGS})
_CONFIG = st.fixed_dictionaries(
    {"action_name": st.sampled_from("abc"), "allowed_decisions": _DECISIONS}
)
_BATCH = st.fixed_dictionaries(
    {
        "action_requests": st.lists(_REQUEST, min_size=1, max_size=3),
        "review_configs": st.lists(_CONFIG, max_size=3),
    }
)
_CHOICE = st.fixed_dictionaries({"options": st.lists(SCALARS | _WORDS, min_size=1, max_size=4)})
_CALL = st.fixed_dictionaries(
    {"type": st.just("tool_approval"), "name": st.just("a"), "args": ARGS}
)

ASKED = JSON | _INBOX | st.lists(_INBOX, max_size=3) | _BATCH | _CHOICE | _CALL

_LEAF_SCHEMAS = st.sampled_from(
    [
        {"type": "boolean"},
        {"type": "string", "minLength": 1},
        {"type": "integer", "minimum": 0, "exclusiveMaximum": 10},
        {"type": "number", "multipleOf": 0.5},
        {"type": ["string", "null"]},
        {"enum": ["approve", "reject", 3, None]},
        {"const": "approve"},
        {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        {"type": "string", "format": "date"},
        {"type": "string", "pattern": "^[a-z]+$"},
        {},
        True,
    ]
)


def _nested_schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["approved", "decision", "type", "reason", "message", "n"])
    fields = st.dictionaries(names, inner, max_size=4)
    objects = st.builds(
        lambda given, every: {
            "type": "object",
            "properties": given,
            "required": sorted(given) if every else [],
        },
        fields,
        st.booleans(),
    )
    lists = st.builds(lambda item: {"type": "array", "items": item, "maxItems": 3}, inner)
    unions = st.lists(inner, min_size=1, max_size=3).flatmap(
        lambda forms: st.sampled_from([{"anyOf": forms}, {"oneOf": forms}])
    )
    return objects | lists | unions


SCHEMAS: st.SearchStrategy[Any] = st.recursive(_LEAF_SCHEMAS, _nested_schemas, max_leaves=8)

_EACH = st.none() | st.lists(JSON | _DECISIONS, max_size=3).map(tuple)

INTENTS = st.builds(
    Intent,
    verb=st.none() | st.sampled_from(Verb),
    value=JSON | ARGS,
    each=_EACH,
    reason=st.text(max_size=5),
)
