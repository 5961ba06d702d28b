from __future__ import annotations

import json
from dataclasses import replace

from interlock.core.model.steps import Handed, Step


def test_a_step_comes_back_as_it_was_handed_over():
    step = Step(
        task_id="t",
        handed=Handed.STATE,
        input={"a": 1},
        has_output=True,
        output=[1],
        leads_to=("b",),
        sends=({"node": "b", "arg": 1},),
        questions=("Pay?",),
        error="ValueError('no')",
    )
    told = json.loads(json.dumps(step.as_json()))
    assert told["handed"] == "state"
    assert Step.from_json(told | {"of a newer worker": 1}) == step


def test_the_step_of_a_run_before_keeps_what_cannot_be_of_the_later_one():
    step = Step(
        task_id="t",
        handed=Handed.INPUT,
        input={"a": 1},
        has_output=True,
        output={"b": 2},
        leads_to=("c",),
        sends=({"node": "c", "arg": 1},),
        questions=("Pay?",),
        error="of the later",
    )
    own = step.before("later", error="of this one", has_asked=True)
    assert own == Step(
        task_id="t",
        handed=Handed.INPUT,
        input={"a": 1},
        questions=("Pay?",),
        error="of this one",
        again_in="later",
    )
    assert step.before("later", error=None, has_asked=False).questions == ()
    edited = replace(step, is_edited=True).before("later", error=None, has_asked=False)
    assert (edited.handed, edited.input) == (Handed.NOTHING, None)
    assert Step.from_json(edited.as_json()) == edited
