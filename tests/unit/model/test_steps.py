from __future__ import annotations

import json

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
