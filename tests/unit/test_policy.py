from __future__ import annotations

import pytest

from interlock.core.model.policies import (
    AlertRule,
    BreakerRules,
    CacheRules,
    Fallback,
    Policies,
    Price,
    Retry,
    WorkflowPolicy,
)
from interlock.core.policy import FILE_NAME, read_policies

WHOLE = """
notify = ["TEAM_CHAT_URL"]

[defaults]
on_failure = "ask"
default.retry = { attempts = 2 }

[workflow.refunds]
priority = 5
variants = { a = 90, b = 10 }
[workflow.refunds.node.charge]
side_effects = true
retry    = { attempts = 3, initial_s = 0.5, backoff = 2, max_s = 60, on = ["shop.Busy"] }
timeout  = { run_s = 20 }
breaker  = { name = "payments", failures = 5, reset_s = 60 }
fallback = [{ node = "offline_quote" }, { value = { quote = 0 } }]
on_failure = "ask"
[workflow.refunds.node."team/researcher"]
cache    = { ttl_s = 3600, key = ["question"], semantic = 0.95 }
tool.search.breaker = { name = "payments" }
[workflow.refunds.approval.review]
risk = "high"
answers = { approve = { approved = true }, reject = { approved = false } }
deadline_s = 900

[prices."gpt-5"]
input = 1.25
output = 10

[models."gpt-5"]
cache.ttl_s = 60

[alerts.error_rate]
threshold = 0.1
"""


@pytest.fixture
def read(tmp_path):
    """Read a file with this text, for the graphs `refunds` and `desk`."""

    def read_text(text: str) -> Policies:
        (tmp_path / FILE_NAME).write_text(text)
        return read_policies(tmp_path, ["refunds", "desk"])

    return read_text


def test_a_project_without_the_file_has_no_policy(tmp_path):
    assert read_policies(tmp_path, ["refunds"]) == Policies()
    assert Policies().for_workflow("refunds") == WorkflowPolicy()
    assert Policies().for_workflow("refunds").publish({}) is None


def test_every_section_is_read(read):
    policies = read(WHOLE)
    assert policies.told == ()
    refunds = policies.for_workflow("refunds")
    charge = refunds.node["charge"]
    assert charge.retry == Retry(attempts=3, initial_s=0.5, backoff=2, max_s=60, on=("shop.Busy",))
    assert charge.fallback == (Fallback(node="offline_quote"), Fallback(value={"quote": 0}))
    assert refunds.approval["review"].answers["reject"] == {"approved": False}
    assert policies.prices == {"gpt-5": Price(input=1.25, output=10)}
    assert policies.models["gpt-5"].cache == CacheRules(ttl_s=60)
    assert policies.alerts == {"error_rate": AlertRule(threshold=0.1)}
    assert policies.notify == ("TEAM_CHAT_URL",)


def test_defaults_hold_for_every_workflow_that_does_not_say_otherwise(read):
    policies = read(WHOLE + '\n[workflow.desk]\non_failure = "fail"')
    assert policies.for_workflow("refunds").on_failure == "ask"
    desk = policies.for_workflow("desk")
    assert desk.on_failure == "fail"
    assert desk.default is not None
    assert desk.default.retry == Retry(attempts=2)


def test_a_breaker_that_is_named_again_has_the_same_rules(read):
    refunds = read(WHOLE).for_workflow("refunds")
    tool = refunds.node["team/researcher"].tool["search"]
    assert tool.breaker == BreakerRules(name="payments", failures=5, reset_s=60)


def test_a_breaker_without_a_name_is_its_nodes_own(read):
    nodes = read(
        """
        [workflow.desk]
        default.retry.attempts = 2
        node.a.breaker = { failures = 1 }
        node.b.breaker = { failures = 2 }
        """
    ).for_workflow("desk")
    assert [nodes.node[n].breaker for n in "ab"] == [
        BreakerRules(failures=1),
        BreakerRules(failures=2),
    ]


def test_what_is_published_holds_what_the_file_sets_and_reads_back_as_the_same(read):
    refunds = read(WHOLE).for_workflow("refunds")
    published = refunds.publish({})
    assert published["node"]["charge"]["timeout"] == {"run_s": 20.0}
    assert WorkflowPolicy.model_validate(published) == refunds


def test_the_caches_of_models_are_published_with_each_workflow_and_are_no_key_of_it(read):
    policies = read('[models."gpt".cache]\nevents = ["new"]\n[models."bare"]\nper_minute = 3\n')
    published = policies.for_workflow("refunds").publish(policies.models)
    assert published == {"model_caches": {"gpt": {"events": ["new"]}}}

    wrong = read("[workflow.refunds.model_caches.gpt]\nttl_s = 3\n")
    assert "workflow.refunds.model_caches: is no key" in wrong.problems["refunds"]
    assert "[models." in wrong.problems["refunds"]


@pytest.mark.parametrize(
    ("wrong", "key", "reason"),
    [
        ("node.a.retry.attempts = 0", "node.a.retry.attempts", "greater than or equal to 1"),
        ('node.a.retry.attempts = "3"', "node.a.retry.attempts", "must be a whole number"),
        ("node.a.retry = 3", "node.a.retry", "must be a table"),
        ("node.a.retry.max_s = inf", "node.a.retry.max_s", "must be a number"),
        ('node.a.retry.on = "never"', "node.a.retry.on", "'transient' or 'any' or must be a list"),
        ("node.a.retries = 3", "node.a.retries", "is no key that is known here; there are timeout"),
        ('node."t/a".timeout.run = 1', 'node."t/a".timeout.run', "there are run_s, idle_s"),
        ("node.a.fallback = [{}]", "node.a.fallback[0]", "must have either node or value"),
        ('node.a.fallback = [{node="b", value=1}]', "node.a.fallback[0]", "either node or value"),
        ("node.a.fallback = [{value=2026-01-01}]", "node.a.fallback[0].value", "write it as text"),
        (
            "node.a = {side_effects = true, cache = {}}",
            "node.a",
            "cannot have a cache and side_eff",
        ),
        ("node.t.tool.x = {side_effects = true, cache = {}}", "node.t.tool.x", "does not run"),
        ('approval.a.risk = "huge"', "approval.a.risk", "'low', 'medium' or 'high'"),
        (
            "approval.a.answers.maybe = 1",
            "approval.a.answers.maybe",
            "'approve', 'reject' or 'revise'",
        ),
        ('approval.a.approvers = "ann"', "approval.a.approvers", "must be a list of names"),
        ('approval.a.approvers = ["a\\nb"]', "approval.a.approvers", "must be a list of names"),
        ('approval.a.approvers = "$.f()"', "approval.a.approvers", "column 1: is no path such as"),
        ('approval.a.approvers = "$x"', "approval.a.approvers", "is no path such as"),
        ('approval.a = {approvers = ["ann"], quorum = 2}', "approval.a", "names fewer people"),
        (
            'approval.a.rules = [{when = "amount >", risk = "high"}]',
            "approval.a.rules[0].when",
            "column 9: cannot be read",
        ),
        ('approval.a.rules = [{when = "x"}]', "approval.a.rules[0]", "says when, and not what"),
        ("approval.a.rules = [{risk = 'low'}]", "approval.a.rules[0].when", "is missing"),
        ("variants = {a = 0}", "variants.a", "greater than 0"),
        ('variants = {"a b" = 1}', 'variants."a b"', "pattern"),
        ('node."" = {}', 'node.""', "must not be empty"),
    ],
)
def test_a_wrong_section_refuses_its_workflow_alone_with_file_key_and_reason(
    read, tmp_path, wrong, key, reason
):
    policies = read(f"[workflow.refunds]\n{wrong}\n[workflow.desk]\npriority = 1")
    assert list(policies.workflow) == ["desk"]
    problem = policies.problems["refunds"]
    assert problem.startswith(f"{tmp_path / FILE_NAME}: workflow.refunds.{key}: ")
    assert reason in problem


def test_all_that_is_wrong_is_told_at_once(read):
    problem = read(
        "[workflow.refunds]\npriority = true\nstep_s = -1\nnode.a.retry.attempts = 0"
    ).problems["refunds"]
    assert [key in problem for key in ("priority", "step_s", "attempts")] == [True] * 3


def test_a_section_that_is_no_table_is_refused(read):
    assert "workflow.refunds: must be a table" in read("workflow.refunds = 3").problems["refunds"]
    assert set(read("workflow = 3").problems) == {"refunds", "desk"}


def test_a_workflow_that_is_not_there_is_told_with_those_that_are(read):
    policies = read("[workflow.refund]\npriority = 1")
    assert "it has refunds, desk" in policies.problems["refund"]
    assert policies.told == (policies.problems["refund"],)
    assert policies.workflow == {}


def test_wrong_defaults_refuse_every_workflow(read):
    policies = read("[defaults]\nnode.a = {}\n[workflow.desk]\npriority = 1")
    assert set(policies.problems) == {"refunds", "desk"}
    assert "defaults.node: is no key" in policies.problems["desk"]
    assert policies.workflow == {}


def test_two_rules_for_one_breaker_refuse_the_workflow_that_is_read_second(read):
    policies = read(
        """
        [workflow.refunds.node.charge.breaker]
        name = "bank"
        failures = 3
        [workflow.desk.default.breaker]
        name = "bank"
        failures = 4
        """
    )
    assert list(policies.workflow) == ["refunds"]
    assert "workflow.desk.default.breaker: says something else" in policies.problems["desk"]
    assert "than workflow.refunds.node.charge.breaker" in policies.problems["desk"]


@pytest.mark.parametrize("text", ["[workflow", "a = 1\na = 2", "a = " + "[" * 5000])
def test_a_file_that_is_not_toml_refuses_every_workflow_and_says_where(read, text):
    policies = read(text)
    assert policies.is_unreadable
    assert set(policies.problems) == {"refunds", "desk"}
    assert len(policies.told) == 1


def test_a_file_that_is_not_text_refuses_every_workflow(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe\x00")
    assert read_policies(tmp_path, ["refunds"]).is_unreadable


def test_what_is_wrong_elsewhere_is_told_and_refuses_nothing(read):
    policies = read(
        """
        notify = [3]
        models = 1
        [price.x]
        [prices.bad]
        input = -1
        [prices.good]
        input = 1
        output = 2
        [alerts.error_rate]
        treshold = 1
        [workflow.desk]
        priority = 1
        """
    )
    assert list(policies.workflow) == ["desk"]
    assert policies.problems == {}
    assert list(policies.prices) == ["good"]
    told = " ".join(policies.warnings)
    for part in (
        "price: is no section of this file; it may have defaults, workflow, prices",
        "prices.bad.input: must be greater than or equal to 0",
        "prices.bad.output: is missing",
        "models: must be a table",
        "alerts.error_rate.treshold: is no key that is known here; there are enabled, threshold",
        "notify[0]: must be a text",
    ):
        assert part in told


def test_a_workflow_can_be_refused_once_its_graph_is_known(read):
    policies = read("[workflow.desk]\npriority = 1").without("desk", "no such node")
    assert policies.workflow == {}
    assert policies.problems == {"desk": "no such node"}


def test_what_may_be_done_twice_outside_is_told_and_not_refused(read):
    policies = read(
        '[workflow.desk]\noutage = { on = "memory" }\n'
        "default = { side_effects = true }\n"
        "[workflow.desk.node.pay]\nside_effects = true\n"
        "[workflow.desk.node.look]\nside_effects = false\n"
        "[workflow.desk.node.act.tool.send]\nside_effects = true\n"
    )
    assert policies.for_workflow("desk").goes_on_in_memory
    assert policies.problems == {}
    (told,) = policies.warnings
    assert (
        'workflow.desk.outage: on = "memory", and side_effects = true of act, default, pay' in told
    )
    assert "is done again" in told


@pytest.mark.parametrize(
    "text",
    [
        '[workflow.desk]\noutage = { on = "memory" }\n[workflow.desk.node.pay]\nretry = {}',
        '[workflow.desk]\noutage = { on = "hold" }\n[workflow.desk.node.pay]\nside_effects = true',
    ],
)
def test_what_cannot_be_done_twice_outside_is_not_told(read, text):
    assert read(text).told == ()


def test_rules_of_notices_and_webhooks_are_read_and_wrong_ones_left_out(tmp_path):
    (tmp_path / "interlock.toml").write_text(
        """
        [[notices.rule]]
        name = "finance"
        to = ["${CHAT}"]
        waits_s = 900
        [[notices.rule]]
        name = "finance"
        to = ["json://twice"]
        [[notices.rule]]
        name = "nobody"
        to = []
        [[webhooks]]
        name = "ledger"
        url = "https://ledger.example"
        secret = "${SECRET}"
        events = ["card.decided", "run.ended"]
        [[webhooks]]
        name = "open"
        url = "https://ledger.example"
        secret = "whsec_plain"
        """
    )
    read = read_policies(tmp_path, [])
    assert [(rule.name, rule.to, rule.waits_s) for rule in read.notices] == [
        ("finance", ("${CHAT}",), 900.0)
    ]
    assert [hook.name for hook in read.webhooks] == ["ledger"]
    said = "\n".join(read.warnings)
    assert "notices.rule: has two of the name 'finance'" in said
    assert "notices.rule[2].to" in said
    assert "webhooks[1]" in said
    assert "whsec_plain" not in said
    (tmp_path / "interlock.toml").write_text('webhooks = 3\n[notices]\nrules = 1\nrule = "x"\n')
    said = "\n".join(read_policies(tmp_path, []).warnings)
    assert "webhooks: must be a list of tables" in said
    assert "notices.rules: is no key" in said
    assert "notices.rule: must be a list of tables" in said
