"""What the OpenAPI document says of answers: their shape with an example each, and the problems that may come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.core.types import Json
from interlock.dashboard.http.api.answers import PROBLEM

ID = "01a2b3c4-0000-7000-8000-000000000001"
WHAT = {
    401: "nobody known asks: no token, or one that is not good (any more)",
    403: "not allowed, or a page of elsewhere asked",
    404: "there is no such thing",
    408: "the body did not come in time",
    409: "somebody was first: `winner` says who; or the key is being carried out, or nobody knows how it ended",
    413: "the body is too large",
    415: "the body is not JSON",
    422: "something given does not fit; `problems` says what",
    428: "the version is missing",
    429: "too often; `Retry-After` says until when",
    500: "a mistake of ours; the log has the reason under `reference`",
    503: "the database or a worker is missing, or the queue is full: `Retry-After` says until when",
}
# What is anybody's JSON: of a project, an agent, a person.
_FREE = frozenset(
    {
        "after",
        "answer",
        "args",
        "before",
        "breakers",
        "context",
        "data",
        "input_schema",
        "interrupts",
        "intent",
        "items",
        "metadata",
        "on_timeout",
        "parts",
        "payload",
        "policy",
        "rules",
        "schema",
        "snapshot",
        "tools",
        "values",
        "versions",
        "winner",
    }
)
_PROBLEM_SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "hint": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
SCHEMAS: dict[str, dict[str, Any]] = {"Problem": _PROBLEM_SCHEMA}
EXAMPLES: dict[str, Json] = {}  # by the name of the shape


@dataclass(frozen=True)
class Shown:
    """What an answer looks like: the shape by its name; `EXAMPLES` has one of it."""

    name: str

    @property
    def schema(self) -> dict[str, Any]:
        """Where the shape is described."""
        return {"$ref": f"#/components/schemas/{self.name}"}


def show(name: str, *documents: Json) -> Shown:
    """Describe a shape by documents of it that differ in all that may differ; the first is the example."""
    SCHEMAS[name], EXAMPLES[name] = _schema_of(documents), documents[0]
    return Shown(name)


def page_of(item: Shown, **more: Json) -> Shown:
    """A page of such items; `more` is what may stand beside them."""
    name = f"{item.name}Page"
    SCHEMAS[name] = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": item.schema},
            "next": {"type": ["string", "null"]},
            **{key: _schema_of([value]) for key, value in more.items()},
        },
        "required": ["items", "next"],
    }
    EXAMPLES[name] = {"items": [EXAMPLES[item.name]], "next": None}
    return Shown(name)


def responses(
    shown: Shown, *problems: int, status: int = 200, what: str = "done", also: int | None = None
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation; with `also` the same document may come under that status."""
    content = {"application/json": {"schema": shown.schema}}
    found: dict[int | str, dict[str, Any]] = {status: {"description": what, "content": content}}
    if also is not None:
        told = "begun; `Location` is where to look"
        found[also] = {"description": told, "content": content}
    return found | {code: problem(code) for code in problems}


def problem(code: int) -> dict[str, Any]:
    """The description of a problem."""
    shown = {"type": "urn:interlock:…", "title": "…", "status": code, "detail": "…"}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": WHAT[code],
        "content": {PROBLEM: {"schema": schema, "example": shown}},
    }


def body_example(**example: Json) -> dict[str, Any]:
    """The `openapi_extra` of an operation: a body to begin with."""
    return {"requestBody": {"content": {"application/json": {"example": example}}}}


def _schema_of(values: Sequence[Json], name: str = "") -> dict[str, Any]:
    kinds = {_kind_of(value) for value in values}
    if name in _FREE or kinds <= {"null"}:
        return {}  # anything: nothing is known of what only ever was null
    if "number" in kinds:
        kinds.discard("integer")
    schema: dict[str, Any] = {"type": sorted(kinds) if len(kinds) > 1 else kinds.pop()}
    objects = [value for value in values if isinstance(value, Mapping)]
    if objects:
        names = list(dict.fromkeys(key for each in objects for key in each))
        schema["properties"] = {
            key: _schema_of([each[key] for each in objects if key in each], key) for key in names
        }
        schema["required"] = [key for key in names if all(key in each for each in objects)]
    lists = [item for value in values if isinstance(value, list) for item in value]
    if lists:
        schema["items"] = _schema_of(lists)
    return schema


def _kind_of(value: Json) -> str:
    if value is None:
        return "null"
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"))
    named = next((name for kind, name in kinds if isinstance(value, kind)), None)
    return named or ("object" if isinstance(value, Mapping) else "array")
