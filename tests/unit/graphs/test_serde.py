from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import operator
import pathlib
import re
import types
import uuid
from collections import defaultdict, deque
from typing import Annotated, Any, NamedTuple, TypedDict

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Interrupt, Send
from pydantic import BaseModel, SecretStr

from interlock.core.graphs.project import read_project
from interlock.core.graphs.serde import FaithfulSerializer, UnstorableValue, serializer_for
from interlock.core.graphs.trusting import ProjectTypes, TrustedTypes, is_data_class


class Colour(enum.Enum):
    RED = "red"


class Size(enum.StrEnum):
    BIG = "big"


class Line(BaseModel):
    price: decimal.Decimal
    colour: Colour = Colour.RED


class Order(BaseModel):
    number: int
    lines: list[Line] = []
    more: Any = None


class RushOrder(Order):
    hours: int = 1


class Wrapped(BaseModel):
    order: Order


@dataclasses.dataclass
class Box:
    inside: Any
    tags: set[str] = dataclasses.field(default_factory=set)


@dataclasses.dataclass
class Changes:
    """What comes back is made anew, and differs."""

    text: str
    made: Any = None

    def __post_init__(self):
        self.made = 1 if self.made is None else object


@dataclasses.dataclass(slots=True)
class Slotted:
    number: int


class Outer:
    class Inner(BaseModel):
        number: int = 1


class Foreign(BaseModel):
    number: int = 1


class Pair(NamedTuple):
    left: Any
    right: Any


TRUSTED = [Colour, Size, Line, Order, Wrapped, Box, Changes, Slotted, Pair]


def serializer(*types_: type) -> FaithfulSerializer:
    return FaithfulSerializer(TrustedTypes({(t.__module__, t.__name__) for t in types_ or TRUSTED}))


def round_trip(value):
    serde = serializer()
    return serde.loads_typed(serde.dumps_typed(value))


def refuse(value) -> UnstorableValue:
    with pytest.raises(UnstorableValue) as caught:
        serializer().dumps_typed(value)
    return caught.value


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"bytes",
        {"a": [1, 2.5, "x", True, None], "b": {"c": {}}},
        Order(number=1, lines=[Line(price=decimal.Decimal("1.50"))]),
        Order(number=1, more={"plain": [1, "x"]}),
        {"deep": [{"er": Box(inside=[Order(number=2), Pair(1, Slotted(3))], tags={"a", "b"})}]},
        Colour.RED,
        Size.BIG,
        Pair(Colour.RED, Box(inside=None)),
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        [dt.date(2026, 1, 1), dt.time(1, 2), dt.timedelta(seconds=3)],
        decimal.Decimal("0.1"),
        uuid.UUID(int=1),
        pathlib.Path("/a"),
        re.compile("a+"),
        {1, 2},
        frozenset({Colour.RED}),
        deque([1, 2]),
        Send("node", Box(inside=1)),
        Command(goto="node", update={"order": Order(number=1)}),
        Interrupt({"question": "?"}, id="1"),
        [
            HumanMessage("a", id="1"),
            AIMessage("b", tool_calls=[{"name": "t", "args": {}, "id": "1"}]),
        ],
        {(1, 2): "tuple key", 3: "int key"},
    ],
)
def test_a_value_comes_back_as_it_was(value):
    assert round_trip(value) == value


def test_what_graphs_rely_on_to_become_plain_becomes_plain():
    assert round_trip((1, 2)) == [1, 2]
    assert round_trip({"a": defaultdict(list, b=[1])}) == {"a": {"b": [1]}}


def test_what_a_tool_attaches_to_its_message_is_stored_as_data():
    message = ToolMessage("found", tool_call_id="1", artifact=[Document("text")])
    assert round_trip([message])[0].artifact[0]["page_content"] == "text"


def test_a_nodes_error_is_stored_as_its_text():
    assert round_trip(ValueError("no")) == "ValueError('no')"


@pytest.mark.parametrize(
    ("value", "type_name", "path", "reason"),
    [
        (Foreign(), "Foreign", "", "it would come back as dict, because its class is neither"),
        ({"a": {"b": [0, Foreign()]}}, "Foreign", "a.b[1]", "name .*allowed_msgpack_modules"),
        (Box(inside=[Foreign()]), "Foreign", "inside[0]", "would come back as dict"),
        (Pair(1, {"x": Foreign()}), "Foreign", "right.x", "would come back as dict"),
        (Order(number=1, more=Box(inside=1)), "Box", "more", "it would come back as dict"),
        (Wrapped(order=RushOrder(number=1)), "RushOrder", "order", "come back as .*Order"),
        (Outer.Inner(), "Outer.Inner", "", "defined inside another class"),
        ({"f": len}, "builtin_function_or_method", "f", "it is not data"),
        ({"x": [object()]}, "object", "x[0]", "it is not data"),
        (Box(inside=lambda: 1), "function", "inside", "it is not data"),
        ({"n": [2**70]}, "int", "n[0]", "does not fit in 64 bits"),
        ({"e": ValueError("x")}, "ValueError", "e", "only the text of an exception"),
        ({"s": SecretStr("x")}, "pydantic.types.SecretStr", "s", "come back as str"),
        (Changes("a"), "int", "made", "come back as"),
        ({"c": 1j}, "complex", "c", "it is not data"),
        ({"t": types.SimpleNamespace(a=1)}, "types.SimpleNamespace", "t", "it is not data"),
        (Send("n", {"arg": Foreign()}), "Foreign", "arg.arg", "come back as dict"),
        (Interrupt(Foreign(), id="1"), "Foreign", "value", "come back as dict"),
    ],
)
def test_a_value_that_would_be_less_is_refused_with_type_and_path(value, type_name, path, reason):
    refused = refuse(value)
    assert refused.type_name.endswith(type_name)
    assert refused.key_path == path
    assert re.search(reason, refused.reason), refused.reason
    assert isinstance(refused, TypeError)


def test_a_class_made_inside_a_function_is_refused():
    class Local(BaseModel):
        number: int = 1

    assert "defined inside a function" in refuse({"a": Local()}).reason


def test_a_value_that_holds_itself_is_refused():
    value: dict = {"a": 1}
    value["self"] = [value]
    assert "holds itself" in refuse(value).reason


def test_a_shape_seen_before_is_refused_again():
    serde = serializer()
    serde.dumps_typed(Box(inside=1))
    for _ in range(2):
        with pytest.raises(UnstorableValue):
            serde.dumps_typed(Box(inside=Foreign()))


def test_a_path_starts_at_its_channel():
    refused = UnstorableValue("X", "[0].a", "no")
    assert refused.within("items").key_path == "items[0].a"
    assert UnstorableValue("X", "a", "no").within("items").key_path == "items.a"
    assert str(UnstorableValue("X", "", "no").within("items")) == (
        "A value of type X at 'items' cannot be stored: no."
    )


def test_bytes_that_name_a_class_nobody_trusts_make_no_object():
    written = JsonPlusSerializer(allowed_msgpack_modules=True).dumps_typed(Foreign(number=7))
    assert serializer().loads_typed(written) == {"number": 7}


def test_strictness_does_not_hang_on_the_environment():
    assert ("os", "system") not in serializer()._allowed_msgpack_modules


def test_more_types_can_be_trusted_and_the_first_stays_as_it_was():
    serde = serializer()
    more = serde.with_msgpack_allowlist([Foreign])
    assert more.loads_typed(more.dumps_typed(Foreign())) == Foreign()
    with pytest.raises(UnstorableValue):
        serde.dumps_typed(Foreign())
    assert serde.with_msgpack_allowlist([Order, ("datetime", "date")]) is serde


class Deeper(BaseModel):
    number: int


class InnerState(TypedDict):
    deeper: Deeper


class State(TypedDict):
    order: Order
    boxes: Annotated[list[Box], operator.add]


def test_types_of_the_schemas_are_trusted_those_of_subgraphs_too():
    inner = StateGraph(InnerState).add_node("n", lambda _: {}).add_edge(START, "n").compile()
    outer = StateGraph(State, context_schema=Line).add_node("inner", inner)
    graph = outer.add_edge(START, "inner").compile()
    serde = serializer_for(graph, None)
    for value in (Order(number=1), Box(inside=1), Deeper(number=1), Line(price=decimal.Decimal(1))):
        assert serde.loads_typed(serde.dumps_typed(value)) == value
    with pytest.raises(UnstorableValue):
        serde.dumps_typed(Foreign())


def test_types_that_are_named_and_secrets_are_trusted():
    serde = serializer_for(None, None, extra=[(Foreign.__module__, "Foreign")])
    value = {"foreign": Foreign(), "secret": SecretStr("x")}
    assert serde.loads_typed(serde.dumps_typed(value)) == value


PROJECT_MODULE = """
import os, subprocess
from collections import namedtuple
from dataclasses import dataclass
from pydantic import BaseModel

class Kept(BaseModel):
    number: int

class Runner:
    def __init__(self, command):
        raise AssertionError("was run")

def function(value):
    raise AssertionError("was called")

Point = namedtuple("Point", "x y")
"""


@pytest.fixture
def own_types(enter, write_project) -> ProjectTypes:
    project = enter(
        write_project(
            {
                "langgraph.json": '{"graphs": {"g": "./own_module.py:graph"}}',
                "own_module.py": PROJECT_MODULE,
            }
        )
    )
    return ProjectTypes(project)


@pytest.mark.parametrize("name", ["Kept", "Point"])
def test_data_classes_of_the_projects_modules_are_trusted(own_types, name):
    assert ("own_module", name) in own_types


@pytest.mark.parametrize(
    "key",
    [
        ("own_module", "Runner"),
        ("own_module", "function"),
        ("own_module", "BaseModel"),
        ("own_module", "os"),
        ("own_module", "nothing"),
        ("os", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("pydantic.main", "BaseModel"),
        ("no_such_module_at_all", "X"),
        ("own_module.deeper", "X"),
        ("", ""),
    ],
)
def test_nothing_else_is_trusted(own_types, key):
    assert key not in own_types


def test_a_project_module_that_does_not_import_is_not_trusted(enter, write_project):
    project = enter(
        write_project(
            {
                "langgraph.json": '{"graphs": {"g": "./g.py:graph"}}',
                "raises_at_import.py": "class X: pass\nraise RuntimeError",
            }
        )
    )
    assert ("raises_at_import", "X") not in ProjectTypes(project)


def test_an_installed_package_that_exports_the_graph_is_the_projects_own(
    enter, write_project, monkeypatch
):
    folder = write_project(
        {
            "langgraph.json": '{"graphs": {"g": "installed_one.graph:graph"}}',
            "env/site-packages/installed_one/__init__.py": "",
            "env/site-packages/installed_one/graph.py": PROJECT_MODULE,
            "env/site-packages/installed_two.py": PROJECT_MODULE,
        }
    )
    monkeypatch.syspath_prepend(folder / "env" / "site-packages")
    own = ProjectTypes(enter(folder))
    assert ("installed_one.graph", "Kept") in own
    assert ("installed_two", "Kept") not in own


@pytest.mark.parametrize(
    ("cls", "is_data"),
    [(Box, True), (Order, True), (Colour, True), (Pair, True), (Outer, False), (object, False)],
)
def test_data_classes_are_told_from_others(cls, is_data):
    assert is_data_class(cls) is is_data


def test_the_gallery_reads_as_a_project_of_trusted_types():
    assert ("refund_desk", "Nothing") not in ProjectTypes(read_project(None))


def test_plain_state_costs_no_python_code(monkeypatch):
    """Proven by what is called, since a timed test lies on a shared machine."""
    serde = serializer()
    calls: list[Any] = []
    monkeypatch.setattr(serde._fidelity, "encode", calls.append)
    serde.dumps_typed({str(i): list(range(50)) for i in range(100)})
    assert calls == []


def test_a_known_shape_is_not_decoded_again(monkeypatch):
    serde = serializer()
    serde.dumps_typed([Box(inside=[1])])
    checked: list[Any] = []
    monkeypatch.setattr(serde._fidelity, "_check", checked.append)
    serde.dumps_typed([Box(inside=[2]), Box(inside={"a": 3})])
    assert checked == []
