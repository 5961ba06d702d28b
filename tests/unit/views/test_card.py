from __future__ import annotations

import base64
from types import SimpleNamespace

import pytest

from interlock.core.model.approvals import ApprovalStatus, Kind, Verb
from interlock.dashboard.views import card as cards


def build(make, approval, decisions=(), siblings=(), state=None):
    card = SimpleNamespace(
        approval=approval, decisions=tuple(decisions), siblings=tuple(siblings), votes=()
    )
    return cards.build(card, state=state, now=make.now)


def test_a_card_says_what_where_and_since_when(make):
    view = build(make, make.card(version=2, risk="high"), siblings=[make.card("other")])
    assert view.title == "Refund 620 EUR?"
    assert view.about == "refund_desk \u203a review"
    assert view.asked == "asked 12 min ago · thread thread-1 · version 2"
    assert view.is_high_risk
    assert not any(b.is_primary for b in view.form.buttons)
    assert [s.approval_id for s in view.siblings] == ["other"]


def test_a_card_of_a_run_that_went_on_in_memory_says_so(make):
    card = SimpleNamespace(approval=make.card(), decisions=(), siblings=(), votes=())
    view = cards.build(card, state=None, now=make.now, steps_in_memory=2)
    assert view.durability.word == "not durable"
    assert view.durability_text.startswith("2 steps were kept in the memory of its worker")
    assert build(make, make.card()).durability is None


def test_a_title_is_not_repeated_as_the_agents_words(make):
    assert build(make, make.card()).words == ""
    view = build(make, make.card(title="Refund", payload="Refund 620 EUR, please"))
    assert view.words == "Refund 620 EUR, please"
    assert not view.shows_payload


def test_what_was_asked_is_shown_key_by_key(make):
    payload = {
        "question": "Refund 620 EUR?",
        "amount": 620.0,
        "customer": "4711",
        "letter": "Dear\nall",
        "lines": [1],
        "options": ["yes", "no"],
    }
    view = build(make, make.card(payload=payload, allowed=(Verb.ANSWER,)))
    assert view.facts == "amount    620.0\ncustomer  4711"
    assert [(p.label, p.value) for p in view.parts] == [("letter", "Dear\nall"), ("lines", [1])]
    assert view.shows_payload


def test_a_hidden_override_in_what_was_asked_is_seen(make):
    view = build(make, make.card(title="pay \u202e026", payload={"to": "\u202eabc"}))
    assert "⟨U+202E⟩" in view.title
    assert "⟨U+202E⟩" in view.facts


def test_a_decided_card_has_no_form_and_says_by_whom(make):
    closed = make.card(status=ApprovalStatus.DECIDED)
    view = build(make, closed, [make.decision()])
    assert view.form is None
    assert view.closed == "Already approved by Ann 4 min ago."
    assert view.record[0].headline == "Approved by Ann 4 min ago"


def test_a_breakpoint_starts_with_the_present_state(make):
    paused = make.card(
        kind=Kind.BREAKPOINT,
        payload={"next": ["deploy"]},
        interrupt_id=None,
        allowed=(Verb.APPROVE, Verb.EDIT, Verb.SKIP, Verb.STOP),
    )
    view = build(make, paused, state={"n": 3})
    assert view.form.fields[0].start == 3
    assert (view.facts, view.parts) == ("", ())


def test_a_card_without_a_title_still_has_one_to_read(make):
    assert build(make, make.card(title="", payload=None)).title == "(no title)"


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "objekt"}, "broken at type"),
        ({"$ref": "https://example.org/answer.json"}, "which is not in it"),
        ({"type": "string", "description": "x" * 600_000}, "too big"),
        ("amount: number", "not a JSON Schema"),
    ],
)
def test_a_schema_that_cannot_be_used_is_said_with_the_reason(make, schema, why):
    view = build(make, make.card(schema=schema))
    assert view.unchecked.text == cards.UNCHECKED
    assert why in view.unchecked.detail
    assert "json" in view.form.modes


def test_what_a_foreign_schema_says_of_itself_is_shown_letter_by_letter(make):
    view = build(make, make.card(schema={"$ref": "\u202ehttps://example.org"}))
    assert "\u202e" not in view.unchecked.detail


def test_a_schema_that_is_used_is_not_complained_about(make):
    assert build(make, make.card(schema={"type": "string"})).unchecked is None
    assert build(make, make.card(schema=None)).unchecked is None
    assert build(make, make.card(kind=Kind.BREAKPOINT, schema="odd")).unchecked is None


def test_a_closed_card_does_not_complain_about_its_schema(make):
    closed = make.card(status=ApprovalStatus.DECIDED, schema="odd")
    assert build(make, closed, [make.decision()]).unchecked is None


def test_a_picture_in_what_was_asked_is_shown_from_its_bytes(make):
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 900).decode()
    payload = {"question": "Is this damaged?", "photo": {"type": "image", "base64": data}}
    view = build(make, make.card(payload=payload))
    ((label, media),) = [(p.label, p.media) for p in view.media]
    assert (label, media.kind, media.size_bytes) == ("photo", "image", 908)
    assert view.parts == ()
    assert data not in str(view.payload)


def test_what_an_edit_of_a_failed_nodes_state_costs_is_said_apart_from_the_error(make):
    kept = {"message": "no funds", "edit_starts_again": True, "asked_again": ["Pay\u202e?"]}
    failed = make.card(kind=Kind.FAILURE, payload=kept, schema="odd")
    view = build(make, failed)
    assert (view.words, view.facts, view.parts) == ("no funds", "", ())
    assert not view.shows_payload
    assert view.unchecked.text.startswith("Editing the state starts this step")
    assert view.unchecked.detail.startswith("It is asked again: Pay")
    assert "\u202e" not in view.unchecked.detail
    plain = make.card(kind=Kind.FAILURE, payload={"message": "no funds"}, schema=None)
    assert build(make, plain).unchecked is None


def test_of_content_blocks_the_words_are_read_and_the_media_drawn(make):
    picture = {"type": "image_url", "image_url": "https://elsewhere.test/a.png"}
    payload = {
        "question": "Is this damaged?",
        "content": [{"type": "text", "text": "See the photo\nof it"}, picture, "and this"],
        "photos": [picture],
        "mixed": [picture, 7],
        "multiple": True,
    }
    view = build(make, make.card(payload=payload))
    assert [(p.label, p.value) for p in view.parts] == [
        ("content", "See the photo\nof it\n\nand this"),
        ("mixed", [picture, 7]),
    ]
    assert [p.label for p in view.media] == ["content.1", "photos.0", "mixed.0"]
    assert view.facts == "multiple  true"
