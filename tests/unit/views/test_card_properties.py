"""Whatever a graph asks: the card is drawn, and a button builds an answer or says what is wrong."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.core.errors import InvalidInput
from interlock.core.model import json_values, payloads, schemas
from interlock.core.model.approvals import Approval, ApprovalStatus, Kind, Verb
from interlock.dashboard.views import answer_intents
from interlock.dashboard.views import card as card_view
from interlock.dashboard.views.answer_forms import AnswerForm
from interlock.dashboard.views.answer_intents import Drafts

from ..model.any_json import ASKED, JSON, SCHEMAS  # noqa: TID252  tests are on no path

NOW = datetime(2026, 3, 2, tzinfo=UTC)
UNTIMED = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TOOLS = st.none() | st.dictionaries(st.sampled_from("abc"), SCHEMAS, max_size=2)


def is_storable(value: Any) -> bool:
    """Whether LangGraph could have kept it, and with it the answer that repeats it."""
    return json_values.find_unstorable(value) == []


def make_card(value: Any, schema: Any, tools: Any = None) -> Approval:
    question = payloads.read_interrupt(value, schema, node="node", tools=tools)
    return Approval(
        approval_id="card-1",
        interrupt_id="interrupt-1",
        thread_id="thread-1",
        run_id="run-1",
        workflow="any",
        node="node",
        namespace="",
        checkpoint_id="checkpoint-1",
        kind=question.kind,
        title=question.title,
        payload=value,
        allowed=question.allowed,
        schema=schema,
        tools=tools,
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=NOW,
    )


def draw_card(approval: Approval, state: Any = None) -> AnswerForm:
    card = SimpleNamespace(approval=approval, decisions=(), siblings=(), votes=())
    view = card_view.build(card, state=state, now=NOW)
    assert view.title
    assert view.form is not None
    assert view.form.buttons
    return view.form


def build(approval: Approval, form: AnswerForm, verb: Verb | None, drafts: Drafts) -> Any:
    intent = answer_intents.read_intent(form, verb, drafts)
    return payloads.build_answer(payloads.question_of(approval), intent)


@UNTIMED
@given(st.data(), ASKED, st.none() | SCHEMAS | JSON, TOOLS)
def test_any_question_is_drawn_and_each_button_builds_an_answer_or_says_why_not(
    data: st.DataObject, value: Any, schema: Any, tools: Any
) -> None:
    approval = make_card(value, schema, tools)
    form = draw_card(approval)
    drafts = Drafts(
        mode=data.draw(st.sampled_from(form.modes or ("form",))),
        raw=data.draw(st.sampled_from(["", "x", "{}", "[1]", "null", "NaN", '{"a": 1}'])),
        yes=data.draw(st.none() | st.booleans()),
        choice=data.draw(st.none() | st.sampled_from(range(len(form.options) or 1)))
        if form.options
        else None,
        response=data.draw(st.sampled_from(["", "words"])),
        reason=data.draw(st.sampled_from(["", "why"])),
        verbs={a.index: data.draw(st.sampled_from((None, *a.verbs))) for a in form.actions},
    )
    for button in form.buttons:
        with contextlib.suppress(InvalidInput):
            answer = build(approval, form, button.verb, drafts)
            assert json_values.find_problems(answer) == []
            question = payloads.question_of(approval)
            assert schemas.check(answer, question.schema) == []


@UNTIMED
@given(ASKED.filter(is_storable), st.none() | SCHEMAS)
def test_every_card_can_be_decided_somehow(value: Any, schema: Any) -> None:
    approval = make_card(value, schema)
    form = draw_card(approval)
    takes_json = Verb.ANSWER in form.verbs and (form.shape == "choice" or "json" in form.modes)
    decided = False
    for button in form.buttons:
        with contextlib.suppress(InvalidInput):
            verbs = {a.index: a.verbs[0] for a in form.actions if a.verbs}
            words = {index: "words" for index, verb in verbs.items() if verb is Verb.RESPOND}
            drafts = Drafts(verbs=verbs, response="words", messages=words)
            build(approval, form, button.verb, drafts)
            decided = True
    assert decided or takes_json or Verb.EDIT in form.verbs


@UNTIMED
@given(JSON, JSON, st.none() | SCHEMAS, st.sampled_from([Kind.BREAKPOINT, Kind.FAILURE]))
def test_any_state_is_drawn_at_a_node_that_stands(
    payload: Any, state: Any, schema: Any, kind: Kind
) -> None:
    allowed = (Verb.APPROVE, Verb.EDIT, Verb.SKIP, Verb.STOP)
    approval = replace(
        make_card("x", None), kind=kind, payload=payload, schema=schema, allowed=allowed
    )
    form = draw_card(approval, state)
    assert build(approval, form, Verb.APPROVE, Drafts(mode=form.modes[0])) == {
        "verb": "approve",
        "values": None,
    }
    with contextlib.suppress(InvalidInput):
        picked = tuple(field.path for field in form.fields)
        build(approval, form, Verb.EDIT, Drafts(mode=form.modes[0], raw="{}", picked=picked))
