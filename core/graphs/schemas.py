"""
The JSON Schemas of a graph's input, context and state, or None where a type has none.

A schema that cannot be made is no error: the screens then take any JSON.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, NotRequired, Required, get_args, get_origin

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from langgraph.pregel import Pregel
from pydantic import TypeAdapter
from typing_extensions import ReadOnly, TypedDict, is_typeddict

from interlock.core.types import Json

# pydantic describes typing's own TypedDict from Python 3.12 on only.
NEEDS_REBUILD = sys.version_info < (3, 12)
DEFINITIONS = "#/$defs/"


def describe_input(graph: Pregel[Any, Any, Any, Any]) -> Json:
    """
    The schema of what the graph is launched with.

    A TypedDict that is the state as well names no required field: LangGraph asks for none, and a
    state holds what only the nodes fill in. One that is declared as the input alone keeps them.
    """
    builder = getattr(graph, "builder", None)
    given = getattr(builder, "input_schema", None)
    schema = _with_messages(graph, _describe(graph.get_input_jsonschema, given))
    if (
        isinstance(schema, dict)
        and is_typeddict(given)
        and given is getattr(builder, "state_schema", None)
    ):
        return {key: value for key, value in schema.items() if key != "required"}
    return schema


def describe_context(graph: Pregel[Any, Any, Any, Any]) -> Json:
    """The schema of the run's `context`; None when the graph takes none."""
    return _describe(graph.get_context_jsonschema, graph.context_schema)


def describe_state(graph: Pregel[Any, Any, Any, Any]) -> Json:
    """The schema of the state; None for a functional graph, which has none."""
    state = getattr(getattr(graph, "builder", None), "state_schema", None)
    if state is None:
        return None
    return _with_messages(graph, _describe(lambda: TypeAdapter(state).json_schema(), state))


def rebuild_typed_dicts(tp: Any) -> Any:
    """The same type with every `typing.TypedDict` in it as a `typing_extensions` one."""
    return _rebuild(tp, {})


def lift_root(schema: Json) -> Json:
    """Put a recursive schema's own fields at its root, where pydantic leaves only a reference."""
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    if not isinstance(reference, str) or not reference.startswith(DEFINITIONS):
        return schema
    target = schema.get("$defs", {}).get(reference.removeprefix(DEFINITIONS))
    return {**target, "$defs": schema["$defs"]} if isinstance(target, dict) else schema


def _describe(make: Callable[[], Any], tp: Any) -> Json:
    if NEEDS_REBUILD and tp is not None and is_typeddict(tp):
        make = lambda: TypeAdapter(rebuild_typed_dicts(tp)).json_schema()  # noqa: E731
    try:
        schema = make()
    except Exception:  # noqa: BLE001 - pydantic raises several kinds for types it cannot describe
        return None
    return schema or None


def _with_messages(graph: Pregel[Any, Any, Any, Any], schema: Json) -> Json:
    """
    Describe every channel that adds messages as a list of LangChain's message classes.

    `Annotated[list, add_messages]` and `Sequence[BaseMessage]` say less than `MessagesState` does,
    but take the same: `add_messages` makes messages of what it is given.
    """
    properties = schema.get("properties") if isinstance(schema, dict) else None
    names = [n for n, c in graph.channels.items() if adds_messages(c) and n in (properties or ())]
    if not isinstance(schema, dict) or not isinstance(properties, dict) or not names:
        return schema
    messages = _describe_messages()
    described = {
        name: {**properties[name], "type": "array", "items": messages["items"]} for name in names
    }
    return {
        **schema,
        "properties": {**properties, **described},
        "$defs": {**messages["$defs"], **schema.get("$defs", {})},
    }


def adds_messages(channel: Any) -> bool:
    """Whether what is written to a channel is added to it as messages."""
    reducer = getattr(channel, "operator", None) or getattr(channel, "reducer", None)
    reducer = getattr(reducer, "func", reducer)  # add_messages(format=...) is a partial
    return getattr(reducer, "__module__", None) == add_messages.__module__


@cache
def _describe_messages() -> dict[str, Any]:
    return TypeAdapter(list[AnyMessage]).json_schema()


def _rebuild(tp: Any, known: dict[Any, Any]) -> Any:
    if is_typeddict(tp):
        if tp not in known:
            known[tp] = Any  # a type that holds itself is described one level deep
            known[tp] = _rebuild_one(tp, known)
        return known[tp]
    origin, args = get_origin(tp), get_args(tp)
    if not args:
        return tp
    if origin is Annotated:
        return Annotated[(_rebuild(args[0], known), *tp.__metadata__)]
    if not any(_holds_typed_dict(arg) for arg in args):
        return tp
    rebuilt = tuple(_rebuild(arg, known) for arg in args)
    if isinstance(tp, type(int | str)):
        return typing.Union[rebuilt]  # noqa: UP007 - made from values
    return tp.copy_with(rebuilt) if hasattr(tp, "copy_with") else origin[rebuilt]


def _rebuild_one(tp: Any, known: dict[Any, Any]) -> Any:
    fields: dict[str, Any] = {}
    for name, hint in typing.get_type_hints(tp, include_extras=True).items():
        qualifier = None
        while get_origin(hint) in {Required, NotRequired, ReadOnly}:
            qualifier = get_origin(hint) if get_origin(hint) is not ReadOnly else qualifier
            hint = get_args(hint)[0]  # noqa: PLW2901 - peeled
        if qualifier is None:
            qualifier = Required if name in tp.__required_keys__ else NotRequired
        fields[name] = qualifier[_rebuild(hint, known)]
    rebuilt: Any = TypedDict(tp.__name__, fields)  # type: ignore[misc]
    rebuilt.__doc__ = tp.__doc__
    rebuilt.__module__ = tp.__module__
    return rebuilt


def _holds_typed_dict(tp: Any) -> bool:
    return is_typeddict(tp) or any(_holds_typed_dict(arg) for arg in get_args(tp))
