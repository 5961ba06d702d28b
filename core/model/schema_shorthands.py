"""
What LangGraph takes although the published schema of its messages does not say so.

`add_messages` turns `"hi"`, `["user", "hi"]` and a single message into a list of messages; the schema
of a state with messages only shows the finished list.
"""

from __future__ import annotations

from typing import Any

from interlock.core.types import Json

_MESSAGE_FORM = "/HumanMessage"  # the definition that every union of LangChain's messages refers to
_PAIR = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}


def with_message_shorthands(schema: Json) -> Json:
    """Let every list of LangChain messages in a schema be written in short; the rest stays as it is."""
    if isinstance(schema, list):
        return [with_message_shorthands(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    widened = {key: with_message_shorthands(inner) for key, inner in schema.items()}
    return _in_short(widened) if _is_message_list(schema) else widened


def _in_short(messages: dict[str, Any]) -> dict[str, Any]:
    one = messages["items"]
    many = {**messages, "items": {"anyOf": [one, {"type": "string"}, _PAIR]}}
    return {"anyOf": [many, {"type": "string"}, {"type": "object", **one}]}


def _is_message_list(schema: dict[str, Any]) -> bool:
    items = schema.get("items")
    if schema.get("type") != "array" or not isinstance(items, dict):
        return False
    forms = items.get("oneOf", items.get("anyOf"))
    references = [form.get("$ref") for form in forms or () if isinstance(form, dict)]
    return any(isinstance(each, str) and each.endswith(_MESSAGE_FORM) for each in references)
