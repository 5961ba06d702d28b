"""P22: reducers, a validated state with a frozen dataclass in it, and their strict round trip."""

from __future__ import annotations

import dataclasses

import jsonschema
import pytest
from langgraph.errors import UnknownInterruptError
from langgraph.types import Overwrite
from pydantic import ValidationError

from interlock.core.gallery import prescription_check
from interlock.core.gallery.prescription_forms import EXAMPLES
from interlock.core.gallery.prescription_state import (
    MAX_LOG,
    Case,
    Finding,
    Medicine,
    append,
    count,
    keep_worst,
    move,
    prepend,
    remove,
)

CLEAN = {"takes": [], "medicines": [{"name": "paracetamol", "dose_mg": 500, "times_a_day": 3}]}


@pytest.fixture
def case(converse):
    return converse(prescription_check.builder)


async def held(case, **prescription):
    """Launch, and return the one card."""
    await case.send(prescription)
    [card] = await case.questions()
    return card


def test_p22_append_keeps_the_newest_at_the_end_and_drops_the_oldest():
    assert append(["a"], ["b", "c"]) == ["a", "b", "c"]
    assert append(["old"] * MAX_LOG, ["new"]) == ["old"] * (MAX_LOG - 1) + ["new"]


def test_p22_prepend_puts_the_newest_first():
    assert prepend(["a"], ["b", "c"]) == ["b", "c", "a"]


def test_p22_remove_takes_out_what_is_written():
    assert remove(["dose", "interactions"], ["dose"]) == ["interactions"]
    assert remove(["dose"], ["allergies"]) == ["dose"]


def test_p22_merge_keeps_the_graver_finding_in_either_order():
    note, danger = Finding("note", "mild"), Finding("danger", "grave")

    assert keep_worst({"a": note}, {"a": danger, "b": note}) == {"a": danger, "b": note}
    assert keep_worst({"a": danger}, {"a": note}) == {"a": danger}
    assert keep_worst({"a": note}, {"a": Finding("note", "later")}) == {"a": note}


def test_p22_counters_add_up():
    assert count({"checks": 2}, {"checks": 1, "findings": 0}) == {"checks": 3, "findings": 0}


def test_p22_a_reducer_leaves_what_it_was_given_as_it_was():
    old, findings = ["a"], {"a": Finding("note", "mild")}

    append(old, ["b"])
    prepend(old, ["b"])
    keep_worst(findings, {"b": Finding("note", "mild")})

    assert (old, list(findings)) == (["a"], ["a"])


@pytest.mark.parametrize(("old", "new"), [("refused", "dispensed"), ("received", "dispensed")])
def test_p22_only_allowed_steps_follow_one_another(old, new):
    with pytest.raises(ValueError, match=f"that is {old} cannot become {new}"):
        move(old, new)


@pytest.mark.parametrize(
    "field",
    [
        {"risk": 101},
        {"age": -1},
        {"step": "lost"},
        {"takes": ["sugar"]},
        {"medicines": [{"name": "ibuprofen", "dose_mg": 0}]},
        {"medicines": [{"name": "ibuprofen", "times_a_day": 9}]},
    ],
)
def test_p22_the_state_has_bounds(field):
    with pytest.raises(ValidationError):
        Case(**field)


def test_p22_a_medicine_is_never_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Medicine().dose_mg = 1


async def test_p22_a_value_out_of_its_bounds_stops_at_the_next_node(case):
    await held(case)
    await case.graph.aupdate_state(case.config, {"risk": 101}, as_node="explain")

    with pytest.raises(ValidationError, match="less than or equal to 100"):
        await case.send(None)


async def test_p22_a_step_that_may_not_follow_is_not_written(case):
    await held(case)

    with pytest.raises(ValueError, match="that is held cannot become checked"):
        await case.graph.aupdate_state(case.config, {"step": "checked"}, as_node="weigh")


async def test_p22_three_checks_at_once_write_the_same_fields(case):
    await case.send(EXAMPLES[2])

    values = await case.values()
    assert values["open_checks"] == []
    assert values["counts"] == {"checks": 3, "findings": 3, "prescriptions": 1}
    assert len(values["alerts"]) == 3
    assert values["findings"]["clarithromycin"].severity == "danger"
    assert values["risk"] == 100


async def test_p22_everything_comes_back_as_what_it_was_under_strict_msgpack(case, caplog):
    await held(case)

    values = await case.values()
    assert values["medicines"] == [Medicine("ibuprofen", 600, 3), Medicine("paracetamol", 500, 3)]
    assert values["findings"]["ibuprofen"] == Finding(
        "danger", "with warfarin: together they make bleeding likely"
    )
    assert Case(**values).step == "held"
    assert "Blocked deserialization" not in caplog.text


async def test_p22_counters_and_log_go_on_in_a_thread_and_findings_do_not(case):
    card = await held(case)
    await case.answer({card.id: {"approved": False}})

    await case.send(CLEAN)

    values = await case.values()
    assert (values["step"], values["findings"], values["alerts"]) == ("dispensed", {}, [])
    assert values["counts"] == {"checks": 6, "findings": 2, "prescriptions": 2}
    assert [line.partition(",")[0] for line in values["log"]] == [
        "Rosa Berger: ibuprofen 600 mg 3 x a day",
        "refused",
        "Rosa Berger: paracetamol 500 mg 3 x a day",
        "dispensed",
    ]


async def test_p22_an_overwrite_goes_past_the_reducer(case):
    await held(case)

    await case.graph.aupdate_state(case.config, {"alerts": Overwrite(["one"])}, as_node="explain")

    assert (await case.values())["alerts"] == ["one"]


async def test_p13_a_doubtful_prescription_is_held_and_shows_the_gravest_first(case):
    card = await held(case)

    assert card.value["question"] == "Dispense what was prescribed to Rosa Berger (67)?"
    assert [line.split()[0] for line in card.value["findings"].splitlines()] == ["DANGER", "NOTE"]
    assert (await case.values())["step"] == "held"


async def test_p13_what_nothing_is_found_about_is_dispensed_without_asking(case):
    await case.send(CLEAN)

    assert await case.is_finished()
    assert (await case.values())["step"] == "dispensed"


async def test_p13_a_prescription_approved_as_it_is_is_dispensed_once(case):
    card = await held(case)

    events = await case.answer({card.id: {"approved": True, "note": "Spoke with the doctor."}})

    [slip] = [data for kind, _, data in events if kind == "custom"]
    assert slip["medicines"].startswith("ibuprofen 600 mg")
    assert (await case.values())["note"] == "Spoke with the doctor."
    with pytest.raises(UnknownInterruptError):
        await case.answer({card.id: {"approved": True}})


async def test_p13_a_refused_prescription_is_not_dispensed(case):
    card = await held(case)

    events = await case.answer({card.id: {"approved": False}})

    assert await case.is_finished()
    assert (await case.values())["step"] == "refused"
    assert [data for kind, _, data in events if kind == "custom"] == []


async def test_p13_a_changed_prescription_is_checked_again_and_then_dispensed(case):
    card = await held(case)
    paracetamol = {"name": "paracetamol", "dose_mg": 500, "times_a_day": 3}

    await case.answer({card.id: {"approved": True, "medicines": [paracetamol]}})

    [again] = await case.questions()
    assert again.value["findings"].startswith("NOTE  paracetamol")
    await case.answer({again.id: {"approved": True}})
    assert (await case.values())["medicines"] == [Medicine("paracetamol", 500, 3)]
    assert (await case.values())["step"] == "dispensed"


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ({"name": "ibuprofen", "dose_mg": 800, "times_a_day": 3}, None),
        ({"name": "ibuprofen", "dose_mg": 800, "times_a_day": 4}, "caution"),
        ({"name": "ibuprofen", "dose_mg": 1200, "times_a_day": 4}, "danger"),
        ({"name": "amoxicillin", "dose_mg": 500, "times_a_day": 3}, "danger"),
    ],
)
async def test_p13_how_doubtful_it_is_decides_who_sees_it(case, line, severity):
    await case.send({"takes": [], "medicines": [line]})

    findings = (await case.values())["findings"]
    assert (findings[line["name"]].severity if findings else None) == severity
    assert len(await case.questions()) == (severity is not None)


async def test_p13_a_line_that_cannot_be_is_refused(case):
    card = await held(case)
    wrong = {"approved": True, "medicines": [{"name": "ibuprofen", "dose_mg": 9_000}]}
    assert not jsonschema.Draft202012Validator(card.response_schema).is_valid(wrong)

    with pytest.raises(ValidationError):
        await case.answer({card.id: wrong})
