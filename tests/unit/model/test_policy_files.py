from __future__ import annotations

import pytest

from interlock.core.model.policies import ApprovalPolicy, NodePolicy
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


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"approvers": "finance"}, "must be a list of names"),
        ({"approvers": [3]}, "must be a list of names"),
        ({"approvers": ["ann"], "quorum": 2}, "names fewer people than that"),
        ({"rules": [{"when": "amount > 1"}]}, "says when, and not what then"),
        ({"rules": [{"when": "amount >", "quorum": 2}]}, "column"),
        ({"on_timeout": "reject"}, "without the deadline_s"),
        ({"deadline_s": 5, "warn_s": 9}, "longer than its deadline_s"),
        ({"deadline_s": 5, "on_timeout": "escalate"}, "on_timeout that is none"),
    ],
)
def test_a_card_that_nobody_could_decide_is_refused_where_it_is_said(given, told):
    part, problems = read(ApprovalPolicy, given, "approval.review")
    assert part is None
    assert any(told in str(problem) for problem in problems), problems


def test_who_decides_is_named_or_read_with_each_card():
    for approvers in ("$.approvers", "$state.owner", ("ann", "group:finance"), ()):
        given = list(approvers) if isinstance(approvers, tuple) else approvers
        part, problems = read(ApprovalPolicy, {"approvers": given}, "")
        assert not problems
        assert part is not None
        assert part.approvers == approvers
