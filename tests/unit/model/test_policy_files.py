from __future__ import annotations

import pytest

from interlock.core.model.policies import NodePolicy
from interlock.core.model.policy_files import dotted, read


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("workflow", "a-b", "node"), "workflow.a-b.node"),
        (("node", "team/writer", "retry"), 'node."team/writer".retry'),
        (("a.b",), '"a.b"'),
        (("node", ""), 'node.""'),
        (("fallback", 1, "value"), "fallback[1].value"),
        (('say "hi"',), '"say \\"hi\\""'),
    ],
)
def test_a_place_is_written_as_toml_writes_it(keys, text):
    assert dotted(*keys) == text


def test_what_is_no_table_is_no_part():
    part, [problem] = read(NodePolicy, [1], "node.a")
    assert part is None
    assert str(problem) == "node.a: must be a table"


def test_the_arms_of_a_choice_are_told_each_at_its_place():
    _, problems = read(NodePolicy, {"retry": {"on": [1, 2]}}, "")
    assert [str(problem) for problem in problems] == [
        "retry.on: must be 'transient' or 'any'",
        "retry.on[0]: must be a text",
        "retry.on[1]: must be a text",
    ]
