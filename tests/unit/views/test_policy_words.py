from __future__ import annotations

import pytest

from interlock.core.model.policies import ApprovalPolicy, NodePolicy, ToolPolicy, WorkflowPolicy
from interlock.dashboard.views.policy_words import (
    read_policy,
    say_approval,
    say_node,
    say_tool,
    say_workflow,
)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({}, ()),
        ({"retry": {"attempts": 1}}, ("Is not tried again",)),
        ({"retry": {"attempts": 2}}, ("2 tries for transient errors; waits 1 s",)),
        (
            {"retry": {"on": "any", "permanent": ("ValueError",), "initial_s": 0.5}},
            ("3 tries for any error, never ValueError; waits 500 ms, then x 2 up to 1 m",),
        ),
        (
            {"retry": {"on": ("shop.Busy", "Late"), "backoff": 1}},
            ("3 tries for transient errors and shop.Busy, Late; waits 1 s",),
        ),
        (
            {"timeout": {"run_s": 90, "idle_s": 2.5}},
            ("At most 90 s a try", "At most 2.50 s without a sign of life"),
        ),
        (
            {"breaker": {"name": "bank", "failures": 1, "window_s": 3600}},
            ("Breaker bank opens at 1 failure within 1 h, and lets a probe through after 1 m",),
        ),
        (
            {"breaker": {"counts": "any"}},
            ("Breaker opens at 5 errors within 1 m, and lets a probe through after 1 m",),
        ),
        ({"cache": {}}, ("Cached for 1 h for each user and context",)),
        (
            {
                "cache": {
                    "ttl_s": None,
                    "key": ("topic", "question"),
                    "scope": (),
                    "semantic": 0.95,
                    "once": True,
                    "events": ("prices",),
                }
            },
            (
                (
                    "Cached by topic, question for everybody, similar from 95.0 %, computed once"
                    " at a time, cleared by prices"
                ),
            ),
        ),
        (
            {"rate": {"per_user_hour": 100, "per_minute": 1000}},
            (
                "At most 100 starts an hour for each user",
                "At most 1\N{NARROW NO-BREAK SPACE}000 starts a minute",
            ),
        ),
        ({"rate": {}}, ()),
        (
            {"fallback": ({"node": "offline"}, {"value": {"quote": 0}})},
            ('When it fails: node offline, then {"quote": 0}',),
        ),
        ({"on_failure": "ask"}, ("Asks a human when it fails",)),
        ({"side_effects": True}, ("Has effects outside",)),
        ({"side_effects": False}, ("Has no effects outside",)),
        ({"timeout": {}}, ()),
    ],
)
def test_what_holds_for_a_node_is_said_in_words(policy, words):
    assert say_node(NodePolicy.model_validate(policy)) == words


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({}, ()),
        (
            {"cache": {"ttl_s": 86400}, "rate": {"per_minute": 5}},
            ("Cached for 1 d for each user and context", "At most 5 starts a minute"),
        ),
        (
            {"breaker": {}, "timeout": {"run_s": 5}, "side_effects": True},
            (
                "Breaker opens at 5 failures within 1 m, and lets a probe through after 1 m",
                "At most 5 s a try",
                "Has effects outside",
            ),
        ),
        (
            {"sandbox": {}},
            ("In a process of its own without network: 10 s of CPU, 30 s, 512 MB",),
        ),
        (
            {"sandbox": {"network": True}},
            ("In a process of its own with network: 10 s of CPU, 30 s, 512 MB",),
        ),
    ],
)
def test_what_holds_for_a_tool_is_said_in_words(policy, words):
    assert say_tool(ToolPolicy.model_validate(policy)) == words


def test_what_holds_for_a_workflow_is_said_in_words():
    policy = WorkflowPolicy.model_validate(
        {
            "priority": 5,
            "variants": {"a": 3, "b": 1},
            "step_s": 60,
            "rate": {"per_minute": 10},
            "on_failure": "ask",
            "outage": {"on": "hold"},
        }
    )
    assert say_workflow(policy) == (
        "Priority 5 at launch",
        "Variants: a 75.0 %, b 25.0 %",
        "At most 1 m a step",
        "At most 10 starts a minute",
        "Asks a human when it fails",
        "Holds while its store does not answer",
    )
    assert say_workflow(WorkflowPolicy()) == ()
    in_memory = WorkflowPolicy.model_validate({"outage": {"on": "memory"}})
    assert say_workflow(in_memory) == (
        "Goes on in memory while its store does not answer: not durable",
    )


def test_what_holds_for_cards_is_said_in_words():
    policy = ApprovalPolicy.model_validate(
        {"risk": "high", "deadline_s": 900, "answers": {"reject": {"approved": False}}}
    )
    assert say_approval(policy) == (
        "High risk",
        "To be decided within 15 m",
        'Reject sends {"approved": false}',
    )
    assert say_approval(ApprovalPolicy()) == ()


def test_a_policy_of_a_newer_version_is_not_put_into_words():
    assert read_policy(None) == WorkflowPolicy()
    assert read_policy({"teleport": True}) is None


def test_who_decides_the_cards_of_a_node_is_said():
    policy = ApprovalPolicy.model_validate(
        {
            "approvers": ["group:finance", "Ann"],
            "quorum": 2,
            "self_approval": False,
            "priority": 5,
            "rules": [
                {"when": "amount > 1000", "approvers": [], "quorum": 3, "risk": "high"},
                {"when": "new", "approvers": "$.owner", "self_approval": False, "priority": 9},
            ],
        }
    )
    assert say_approval(policy) == (
        "Decided by the group finance or Ann",
        "Takes 2 people who say the same",
        "Not decided by who began it",
        "Priority 5 in the inbox",
        "If amount > 1000: by admins, 3 people, high risk",
        "If new: by whom $.owner names, not by who began it, priority 9",
    )
    read = ApprovalPolicy(approvers="$state.owner", quorum=2, one_rejects=False)
    assert say_approval(read) == (
        "Decided by whom $state.owner names",
        "Takes 2 people who say the same, for a no as well",
    )
    alone = ApprovalPolicy.model_validate({"rules": [{"when": "new", "risk": "low"}]})
    assert say_approval(alone) == ("If new: low risk",)
