"""Foreign names in labels: escaped where Streamlit reads Markdown, plain where it does not."""

from __future__ import annotations

from interlock.core.model.approvals import Kind, Verb
from interlock.dashboard import keys

NAME = "![a](http://evil/x_y.png)"
ESCAPED = "\\!\\[a\\]\\(http\u2060\\:\\/\\/evil\\/x\\_y\\.png\\)"  # and no link


def test_the_labels_of_a_form_cannot_hold_markup(seed, open_page):
    properties = {
        "t": {"type": "string", "title": NAME, "description": NAME},
        "c": {"enum": [NAME, "b"], "title": NAME},
        "g": {"type": "object", "title": NAME, "properties": {"x": {"type": "integer"}}},
    }
    seed.worker()
    seed.workflow(
        input_schema={"type": "object", "properties": properties, "required": ["c"]},
        nodes=("a_*b*",),
    )
    at = open_page("launch")
    assert not at.exception
    assert at.text_input(key=keys.launch_field("refund_desk", "t")).label.startswith(ESCAPED)
    assert at.radio(key=keys.launch_field("refund_desk", "c")).options == [ESCAPED, "b"]
    assert f"**{ESCAPED}**" in [m.value for m in at.markdown]
    nodes = at.multiselect(key=keys.launch_option("refund_desk", "break_before"))
    assert nodes.options == ["every node", "a_*b*"]


def test_the_choices_of_a_card_cannot_hold_markup(seed, open_page):
    card = seed.card(
        kind=Kind.CHOICE,
        title="Which?",
        payload={"question": "Which?", "options": [NAME, "b"]},
        allowed=(Verb.ANSWER,),
    )
    at = open_page("inbox")
    assert not at.exception
    assert at.radio(key=keys.choice(card.approval_id, 1)).options == [ESCAPED, "b"]


def test_a_long_list_of_choices_is_read_as_it_is(seed, open_page):
    options = [f"{NAME}{i}" for i in range(20)]
    card = seed.card(
        kind=Kind.CHOICE,
        title="Which?",
        payload={"question": "Which?", "options": options},
        allowed=(Verb.ANSWER,),
    )
    at = open_page("inbox")
    assert not at.exception
    assert at.selectbox(key=keys.choice(card.approval_id, 1)).options == options
