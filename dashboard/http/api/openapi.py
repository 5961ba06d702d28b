"""The description of the API for programs, with what holds for every operation added to each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from interlock.core.model.kept_answers import MAX_KEY_CHARS
from interlock.dashboard import deps
from interlock.dashboard.http.api.described import EXAMPLES, SCHEMAS, problem

_ALL = (401, 403, 422, 429, 500, 503)
_COMMANDS = (408, 409, 413, 415)
_FASTAPIS = frozenset({"HTTPValidationError", "ValidationError"})  # ours are problems
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again under the same key, the request is carried out once.",
    "schema": {"type": "string", "pattern": f"^[ -~]{{1,{MAX_KEY_CHARS}}}$"},
}
_SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "`ilk_…`, as the page People makes one.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": deps.COOKIE,
        "description": "A browser that has signed in; commands from our own pages alone.",
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            servers=app.servers,
        )
        parts = made.setdefault("components", {})
        bodies = {k: v for k, v in parts.get("schemas", {}).items() if k not in _FASTAPIS}
        parts["schemas"] = dict(sorted({**bodies, **SCHEMAS}.items()))
        parts["securitySchemes"] = _SECURITY
        made["security"] = [{"token": []}, {"session": []}, {}]
        for is_command, operation in _operations(made):
            _complete(operation, is_command=is_command)
        app.openapi_schema = made
    return app.openapi_schema


def _operations(made: dict[str, Any]) -> Iterator[tuple[bool, dict[str, Any]]]:
    for verbs in made["paths"].values():
        for verb, operation in verbs.items():
            yield verb != "get", operation


def _complete(operation: dict[str, Any], *, is_command: bool) -> None:
    """Add what the door may answer whatever the operation, and the key that every command may have."""
    told = operation["responses"]
    for code in (*_ALL, *(_COMMANDS if is_command else ())):
        told[str(code)] = problem(code)
    operation["responses"] = dict(sorted(told.items()))
    for each in told.values():  # added here, as FastAPI leaves out of them whatever is null
        for media in each["content"].values():
            name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if name in EXAMPLES:
                media["example"] = EXAMPLES[name]
    if is_command:
        operation.setdefault("parameters", []).append(_KEY)
