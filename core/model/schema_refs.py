"""Reading a JSON Schema by hand: following its local references, without a library and without I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from interlock.core.types import Json

_MAX_HOPS = 20  # references in a row: a longer chain is a loop

# Under these keys stands data or a name, not a schema; a "$ref" in there refers to nothing.
_DATA_KEYS = frozenset({"const", "enum", "default", "examples", "required", "dependentRequired"})


def resolve(schema: Json, root: Json) -> Mapping[str, Json] | None:
    """
    Follow a schema's local references until it says something itself.

    Args:
        schema: A schema; `True` stands for "anything".
        root: The whole schema, in which `#/...` is looked up.

    Returns:
        The schema with what stands beside its `$ref` laid over it, `allOf` of one schema folded in;
        None when it is no schema, forbids everything, or refers to something that is not there.
    """
    beside: dict[str, Json] = {}
    for _ in range(_MAX_HOPS):
        if schema is True:
            return beside
        if not isinstance(schema, dict):
            return None
        inner, rest = _inner(schema)
        beside = {**rest, **beside}
        if inner is None:
            return beside
        schema = look_up(inner, root) if isinstance(inner, str) else inner
    return None


def look_up(reference: str, root: Json) -> Json:
    """Find what a local reference (`#`, `#/$defs/Line`) points to; None when nothing is there."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    found = root
    for part in reference.removeprefix("#").split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def branches_of(schema: Mapping[str, Json], root: Json) -> tuple[Mapping[str, Json], ...]:
    """
    The forms a schema allows, without the form `null`: itself, or each of its `anyOf` or `oneOf`.

    A form that cannot be resolved is left out, so callers only see forms they can read.
    """
    union = schema.get("oneOf") or schema.get("anyOf")
    if not isinstance(union, list):
        return (schema,)
    forms = (resolve(branch, root) for branch in union)
    return tuple(form for form in forms if form is not None and not is_null(form))


def is_null(schema: Mapping[str, Json]) -> bool:
    """Whether a schema accepts nothing but null."""
    return schema.get("type") == "null" or ("const" in schema and schema["const"] is None)


def allowed_values(schema: Mapping[str, Json]) -> tuple[Json, ...]:
    """The values of a schema's `const` or `enum`; empty when it has neither."""
    if "const" in schema:
        return (schema["const"],)
    values = schema.get("enum")
    return tuple(values) if isinstance(values, list) else ()


def iter_references(schema: Json) -> Iterator[str]:
    """Each `$ref` and `$dynamicRef` that stands where a schema stands."""
    places = [schema]
    while places:
        found = places.pop()
        if isinstance(found, list):
            places += found
        elif isinstance(found, dict):
            for key, inner in found.items():
                if key in {"$ref", "$dynamicRef"} and isinstance(inner, str):
                    yield inner
                elif key not in _DATA_KEYS or isinstance(inner, dict):
                    places.append(inner)


def _inner(schema: dict[str, Json]) -> tuple[Json, dict[str, Json]]:
    reference, merged = schema.get("$ref"), schema.get("allOf")
    if isinstance(reference, str):
        return reference, {k: v for k, v in schema.items() if k != "$ref"}
    if isinstance(merged, list) and len(merged) == 1:
        return merged[0], {k: v for k, v in schema.items() if k != "allOf"}
    return None, schema
