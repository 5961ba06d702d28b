from __future__ import annotations

import pytest

from interlock.core.errors import InvalidInput
from interlock.dashboard.views import launch
from interlock.dashboard.views.forms import ABSENT

MESSAGES = {
    "type": "object",
    "properties": {
        "messages": {"type": "array", "items": {"oneOf": [{"type": "object"}]}},
        "tone": {"type": "string", "default": "calm"},
    },
    "required": ["messages"],
}
ORDER = {
    "type": "object",
    "properties": {
        "customer": {"type": "string", "examples": ["4711"]},
        "amount": {"type": "number", "minimum": 0},
    },
    "required": ["customer", "amount"],
}


def build(make, schema, start=ABSENT, **more):
    return launch.build(make.workflow(input_schema=schema, **more), start)


def test_workflows_that_failed_to_load_come_last_with_their_reason(make):
    found = launch.list_choices([make.workflow("b", error="boom"), make.workflow("c")])
    assert [(c.name, c.problem) for c in found] == [("c", ""), ("b", "boom")]


def test_the_wanted_workflow_is_chosen_else_the_showcase_else_one_that_runs(make):
    def choose(names, wanted=None):
        found = launch.choose(launch.list_choices(names), wanted)
        return found and found.name

    a, showcase, broken = make.workflow("a"), make.workflow(), make.workflow("b", error="x")
    assert choose([a, showcase], "a") == "a"
    assert choose([a, showcase], "gone") == "refund_desk"
    assert choose([broken, a]) == "a"
    assert choose([broken]) == "b"
    assert choose([]) is None
    assert launch.say_none().link is None


def test_a_conversation_is_one_text_box(make):
    form = build(make, MESSAGES)
    assert [(f.path, f.widget) for f in form.fields] == [("messages", "messages"), ("tone", "text")]
    value = launch.read_form(form, {"messages": "hi"})
    assert value == {"messages": [{"role": "user", "content": "hi"}], "tone": "calm"}


def test_messages_that_are_plain_texts_are_a_list(make):
    schema = {
        "type": "object",
        "properties": {"messages": {"type": "array", "items": {"type": "string"}}},
    }
    assert build(make, schema).fields[0].widget == "json"
    other = {"type": "object", "properties": {"messages": {"type": "string"}}}
    assert build(make, other).fields[0].widget == "text"


def test_examples_and_defaults_are_filled_in(make):
    form = build(make, ORDER)
    assert form.fields[0].start == "4711"
    assert launch.read_partly(form, {}) == {"customer": "4711"}
    whole = build(make, {**ORDER, "examples": [{"customer": "x", "amount": 3}]})
    assert launch.read_form(whole, {}) == {"customer": "x", "amount": 3}


def test_missing_fields_are_named_one_by_one(make):
    form = build(make, {**ORDER, "properties": {"customer": {"type": "string"}, "amount": {}}})
    with pytest.raises(InvalidInput) as refused:
        launch.read_form(form, {"amount": "nonsense"})
    assert {p.path for p in refused.value.problems} == {"customer", "amount"}
    with pytest.raises(InvalidInput):
        launch.read_partly(form, {"amount": "nonsense"})


def test_a_value_that_is_no_object_has_a_form_of_one_field(make):
    form = build(make, {"type": "integer", "default": 3})
    assert form.whole
    assert launch.read_form(form, {}) == 3
    assert launch.read_partly(form, {"": 5}) == 5
    assert form.json_text == "3"
    assert launch.can_show(form, 7)
    assert launch.read_form(build(make, {"type": "integer"}, 8), {}) == 8


@pytest.mark.parametrize("schema", [None, {"type": "array", "items": {}}, True])
def test_what_no_form_can_show_is_json_alone(make, schema):
    form = build(make, schema)
    assert form.fields == ()
    assert not launch.can_show(form, {})


def test_the_json_editor_starts_with_the_defaults_and_places_to_fill(make):
    form = build(make, {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}})
    assert form.json_text == "{}"
    needed = build(make, {**ORDER, "properties": {"customer": {"type": "string"}}})
    assert needed.json_text == '{\n  "customer": null\n}'
    assert build(make, ORDER, {"customer": "x"}).json_text == '{\n  "customer": "x"\n}'


def test_a_form_shows_only_what_it_has_fields_for(make):
    form = build(make, ORDER)
    assert launch.can_show(form, {"customer": "x"})
    assert not launch.can_show(form, {"customer": "x", "more": 1})
    assert not launch.can_show(form, [1])
    assert build(make, ORDER, [1]).fields[0].start == ""


def test_json_is_read_and_a_mistake_is_placed():
    assert launch.read_json('{"a": 1}') == {"a": 1}
    with pytest.raises(InvalidInput) as refused:
        launch.read_json("{", path="context")
    assert refused.value.problems[0].path == "context"


def test_a_context_is_sent_only_where_it_is_taken(make):
    context = {"type": "object", "properties": {"user": {"type": "string", "default": "ann"}}}
    form = build(make, ORDER, context_schema=context)
    assert form.takes_context
    assert launch.read_context(form, form.context_text) == {"user": "ann"}
    assert launch.read_context(form, "  ") is None
    assert launch.read_context(build(make, ORDER), '{"a": 1}') is None
    bare = build(make, ORDER, context_schema={"type": "object", "properties": {}})
    assert bare.context_text == ""


def test_breakpoints_are_offered_for_nodes_of_the_graph_itself(make):
    assert build(make, None, nodes=("a", "team/b")).nodes == ("a",)


def test_earlier_inputs_read_in_one_line():
    assert [r.label for r in launch.list_recent([{"a": 1}, ""])] == ['{"a": 1}', "\u2013"]


def test_a_schema_without_examples_gives_none():
    assert launch.find_example({"properties": {"a": True}}) is ABSENT
    assert launch.find_example({}) is ABSENT
    assert launch.find_example(None) is ABSENT


@pytest.mark.parametrize(
    ("schema", "modes"),
    [
        (MESSAGES, ("chat", "form", "json", "file")),
        ({**MESSAGES, "required": ["messages", "tone"]}, ("chat", "form", "json", "file")),
        (ORDER, ("form", "json", "file")),
        (None, ("json", "file")),
        (
            {
                "type": "object",
                "properties": {**MESSAGES["properties"], "customer": {"type": "string"}},
                "required": ["messages", "customer"],
            },
            ("form", "json", "file"),
        ),
    ],
)
def test_a_workflow_that_needs_no_more_than_a_message_is_talked_to(make, schema, modes):
    assert build(make, schema).modes == modes
