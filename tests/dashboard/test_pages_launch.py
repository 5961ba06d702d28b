"""The launch page, drawn without a browser: the form, the JSON switch, and what is refused where."""

from __future__ import annotations

import pytest

from interlock.core.services import observing
from interlock.dashboard import keys

ORDER = {
    "type": "object",
    "properties": {
        "customer": {"type": "string", "minLength": 2, "default": "4711"},
        "amount": {"type": "number", "minimum": 0, "maximum": 1000, "examples": [620.0]},
        "urgent": {"type": "boolean", "default": False},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
    "required": ["customer", "amount"],
}


@pytest.fixture
def desk(seed):
    seed.worker()
    return seed.workflow(input_schema=ORDER, nodes=("review", "pay"))


def field(path):
    return keys.launch_field("refund_desk", path)


def submit(at):
    at.button(key=keys.launch_submit("refund_desk")).click().run()
    assert not at.exception
    return at


def said(at):
    return " | ".join(box.value for box in [*at.markdown, *at.caption, *at.warning, *at.error])


def read_run(app):
    (run,) = observing.list_runs(app)
    return observing.get_run(app, run.run_id)


def test_a_filled_form_starts_a_run_and_opens_it(app, desk, open_page):
    at = open_page("launch")
    assert not at.exception
    at.number_input(key=field("amount")).set_value(99.5)
    at.text_input(key=field("address.city")).set_value("Graz")
    submit(at)
    run = read_run(app)
    assert run.input == {
        "customer": "4711",
        "amount": 99.5,
        "urgent": False,
        "address": {"city": "Graz"},
    }
    assert at.query_params["run_id"] == run.run_id


def test_a_wrong_field_is_refused_beside_it_and_the_others_keep_their_values(app, desk, open_page):
    at = open_page("launch")
    at.text_input(key=field("customer")).set_value("x")
    at.text_area(key=field("tags")).set_value("[1")
    submit(at)
    assert "is not JSON" in said(at).replace("\\", "")
    at.text_area(key=field("tags")).set_value('["a"]')
    submit(at)
    assert "2 characters" in said(at).replace("\\", "")
    assert at.text_input(key=field("customer")).value == "x"
    assert at.number_input(key=field("amount")).value == 620.0
    assert observing.list_runs(app) == []


def test_the_form_goes_on_as_json_and_back(app, desk, open_page):
    at = open_page("launch")
    at.number_input(key=field("amount")).set_value(5.0)
    switch = keys.launch_json_switch("refund_desk")
    at.segmented_control(key=switch).set_value("json").run()
    assert not at.exception
    area = at.text_area(key=keys.launch_json("refund_desk") + "-1")
    assert '"amount": 5' in area.value
    area.set_value('{"customer": "77", "amount": 6}')
    at.segmented_control(key=switch).set_value("form").run()
    assert not at.exception
    assert at.text_input(key=field("customer") + "-2").value == "77"
    submit(at)
    assert read_run(app).input["amount"] == 6


def test_json_with_more_than_the_form_has_stays_json(desk, open_page):
    at = open_page("launch")
    switch = keys.launch_json_switch("refund_desk")
    at.segmented_control(key=switch).set_value("json").run()
    area = at.text_area(key=keys.launch_json("refund_desk") + "-1")
    area.set_value('{"customer": "77", "colour": "red"}')
    at.segmented_control(key=switch).set_value("form").run()
    assert not at.exception
    assert at.segmented_control(key=switch).value == "json"
    assert "no field for a part of this" in said(at).replace("\\", "")
    assert "colour" in at.text_area(key=keys.launch_json("refund_desk") + "-1").value


def test_broken_json_is_not_left_for_the_form(desk, open_page):
    at = open_page("launch")
    switch = keys.launch_json_switch("refund_desk")
    at.segmented_control(key=switch).set_value("json").run()
    at.text_area(key=keys.launch_json("refund_desk") + "-1").set_value("{")
    at.segmented_control(key=switch).set_value("form").run()
    assert not at.exception
    assert at.segmented_control(key=switch).value == "json"
    assert "is not JSON" in said(at).replace("\\", "")


def test_options_go_along(app, desk, open_page):
    at = open_page("launch")

    def option(name):
        return keys.launch_option("refund_desk", name)

    at.multiselect(key=option("break_before")).set_value(["pay"])
    at.text_input(key=option("thread_id")).set_value("order-9")
    at.number_input(key=option("recursion_limit")).set_value(7)
    at.text_input(key=option("variant")).set_value("b")
    at.checkbox(key=option("asks_on_failure")).set_value(True)
    submit(at)
    run = read_run(app)
    assert run.variant == "b"
    assert run.options.asks_on_failure
    assert run.options.break_before == ("pay",)
    assert run.options.recursion_limit == 7
    assert run.thread_id == "order-9"


def test_a_thread_that_waits_is_refused_with_a_word(app, seed, desk, open_page):
    card = seed.card()
    at = open_page("launch")
    at.text_input(key=keys.launch_option("refund_desk", "thread_id")).set_value(card.thread_id)
    submit(at)
    assert "waits for a human" in said(at).replace("\\", "")


def test_an_earlier_input_fills_the_form(app, seed, desk, open_page):
    seed.run(input={"customer": "4712", "amount": 3})
    at = open_page("launch")
    at.button(key=keys.launch_recent("refund_desk", 0)).click().run()
    assert not at.exception
    assert at.text_input(key=field("customer") + "-1").value == "4712"


TALK = {
    "type": "object",
    "properties": {"messages": {"type": "array", "items": {"oneOf": [{"type": "object"}]}}},
    "required": ["messages"],
}


def test_in_a_form_a_conversation_is_sent_as_one_message(app, seed, open_page):
    seed.worker()
    seed.workflow(input_schema=TALK)
    at = open_page("launch")
    at.segmented_control(key=keys.launch_json_switch("refund_desk")).set_value("form").run()
    at.text_area(key=field("messages")).set_value("hello")
    submit(at)
    expected = {"messages": [{"role": "user", "content": "hello"}]}
    assert read_run(app).input == expected


def test_a_context_that_is_no_json_is_refused(app, seed, open_page):
    seed.workflow(context_schema={"type": "object", "properties": {"user": {"type": "string"}}})
    at = open_page("launch")
    at.text_area(key=keys.launch_option("refund_desk", "context")).set_value("{")
    submit(at)
    assert "context" in said(at)
    assert observing.list_runs(app) == []


def test_a_workflow_that_failed_to_load_says_why(seed, open_page):
    seed.workflow(error="No module named 'tools'")
    at = open_page("launch")
    assert not at.exception
    assert any("No module named 'tools'" in code.value for code in at.code)


def test_no_workflow_says_who_publishes_them(open_page):
    at = open_page("launch")
    assert not at.exception
    assert "No workflow is loaded yet" in said(at).replace("\\", "")


def test_a_list_of_objects_is_edited_as_a_table(app, seed, open_page):
    line = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "amount": {"type": "number", "maximum": 1000},
            "count": {"type": "integer", "default": 1},
            "kind": {"enum": ["a", "b"]},
            "urgent": {"type": "boolean", "default": False},
        },
    }
    seed.worker()
    seed.workflow(
        input_schema={
            "type": "object",
            "properties": {"lines": {"type": "array", "items": line}},
            "examples": [{"lines": [{"name": "x", "amount": 1}, {"name": "y", "urgent": True}]}],
        }
    )
    at = open_page("launch")
    assert not at.exception
    at.session_state[field("lines")] = {
        "edited_rows": {0: {"amount": 2.5}},
        "added_rows": [{"name": "z", "kind": "b"}],
        "deleted_rows": [1],
    }
    submit(at)
    lines = [{"name": "x", "amount": 2.5}, {"name": "z", "kind": "b"}]
    assert read_run(app).input == {"lines": lines}


def test_the_graph_of_the_workflow_is_drawn_beside_its_form(seed, open_page):
    nodes = [{"id": name, "label": name, "kind": "node"} for name in ("review", "pay")]
    edges = [{"source": "review", "target": "pay", "label": "", "conditional": False}]
    seed.workflow(graph={"nodes": nodes, "edges": edges})
    at = open_page("launch")
    assert not at.exception
    assert len(at.get("graphviz_chart")) == 1


def test_a_script_in_an_input_is_refused_beside_its_field(app, desk, open_page):
    at = open_page("launch")
    at.text_input(key=field("customer")).set_value("<script>x</script>")
    submit(at)
    assert "not allowed" in said(at).replace("\\", "")
    assert observing.list_runs(app) == []
