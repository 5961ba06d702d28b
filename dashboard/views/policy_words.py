"""What a policy says, in the words of an operator. Numbers read as on every screen (LOOK.md)."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from interlock.core.model import deadlines
from interlock.core.model.policies import (
    ApprovalPolicy,
    BreakerRules,
    CacheRules,
    Fallback,
    NodePolicy,
    RateRules,
    Retry,
    RoutingRule,
    SandboxRules,
    Timeout,
    ToolPolicy,
    WorkflowPolicy,
)
from interlock.core.model.routes import say_one
from interlock.core.model.texts import join_words
from interlock.core.types import Json
from interlock.dashboard.views.formatting import (
    format_count,
    format_plural,
    format_ratio,
    format_seconds,
    one_line,
)


def read_policy(policy: Json) -> WorkflowPolicy | None:
    """A published policy; None for one that a newer version published, which is shown as it is."""
    try:
        return WorkflowPolicy.model_validate(policy or {})
    except ValidationError:
        return None


def say_workflow(policy: WorkflowPolicy) -> tuple[str, ...]:
    """What holds for the workflow as a whole."""
    return tuple(_say_workflow(policy))


def say_node(node: NodePolicy) -> tuple[str, ...]:
    """What holds for a node, a sentence each, in the order in which it takes effect."""
    return tuple(_say_node(node))


def say_tool(tool: ToolPolicy) -> tuple[str, ...]:
    """What holds for one tool."""
    return tuple(_say_tool(tool))


def say_approval(approval: ApprovalPolicy) -> tuple[str, ...]:
    """What holds for the cards of a node."""
    return tuple(_say_approval(approval))


def _say_workflow(policy: WorkflowPolicy) -> Iterator[str]:
    if policy.priority is not None:
        yield f"Priority {policy.priority} at launch"
    if policy.variants:
        total = sum(policy.variants.values())
        shares = [f"{name} {format_ratio(w / total)}" for name, w in policy.variants.items()]
        yield f"Variants: {', '.join(shares)}"
    if policy.step_s is not None:
        yield f"At most {_span(policy.step_s)} a step"
    if policy.rate is not None:
        yield from _say_rate(policy.rate)
    if policy.on_failure == "ask":
        yield "Asks a human when it fails"
    if policy.outage is not None:
        yield (
            "Goes on in memory while its store does not answer: not durable"
            if policy.goes_on_in_memory
            else "Holds while its store does not answer"
        )


def _say_node(node: NodePolicy) -> Iterator[str]:
    yield from _say_guards(node)
    if node.retry is not None:
        yield _say_retry(node.retry)
    if node.fallback:
        yield f"When it fails: {', then '.join(_say_fallback(each) for each in node.fallback)}"
    if node.on_failure == "ask":
        yield "Asks a human when it fails"
    if node.side_effects is not None:
        yield _say_effects(has_effects=node.side_effects)


def _say_guards(policy: NodePolicy | ToolPolicy) -> Iterator[str]:
    if policy.cache is not None:
        yield _say_cache(policy.cache)
    if policy.rate is not None:
        yield from _say_rate(policy.rate)
    if policy.breaker is not None:
        yield _say_breaker(policy.breaker)
    if policy.timeout is not None:
        yield from _say_timeout(policy.timeout)


def _say_tool(tool: ToolPolicy) -> Iterator[str]:
    yield from _say_guards(tool)
    if tool.sandbox is not None:
        yield _say_sandbox(tool.sandbox)
    if tool.side_effects is not None:
        yield _say_effects(has_effects=tool.side_effects)


def _say_approval(approval: ApprovalPolicy) -> Iterator[str]:
    if approval.risk:
        yield f"{approval.risk.capitalize()} risk"
    yield from _say_route(approval)
    if approval.deadline_s is not None:
        yield f"To be decided within {_span(approval.deadline_s)}"
    if approval.on_timeout is not None:
        yield f"If nobody does: {say_outcome(approval.on_timeout)}"
    for verb, answer in approval.answers.items():
        yield f"{verb.capitalize()} sends {one_line(answer)}"


def _say_route(approval: ApprovalPolicy) -> Iterator[str]:
    if isinstance(approval.approvers, str):
        yield f"Decided by whom {approval.approvers} names"
    elif approval.approvers is not None:
        yield f"Decided by {_say_approvers(approval.approvers)}"
    if approval.quorum > 1:
        no = "" if approval.one_rejects else ", for a no as well"
        yield f"Takes {approval.quorum} people who say the same{no}"
    if not approval.self_approval:
        yield "Not decided by who began it"
    if approval.priority:
        yield f"Priority {approval.priority} in the inbox"
    for rule in approval.rules:
        yield f"If {one_line(rule.when)}: {', '.join(_say_rule(rule))}"


def _say_rule(rule: RoutingRule) -> Iterator[str]:
    if isinstance(rule.approvers, str):
        yield f"by whom {rule.approvers} names"
    elif rule.approvers is not None:
        yield f"by {_say_approvers(rule.approvers)}"
    if rule.quorum > 1:
        yield f"{rule.quorum} people"
    if rule.risk:
        yield f"{rule.risk} risk"
    if not rule.self_approval:
        yield "not by who began it"
    if "priority" in rule.model_fields_set:
        yield f"priority {rule.priority}"


def _say_approvers(approvers: tuple[str, ...]) -> str:
    return join_words([say_one(each) for each in approvers]) or "admins"


def say_outcome(on_timeout: Json) -> str:
    """What happens at a deadline: `rejected`, `escalated to leads`, `answered {"n": 0}`."""
    group = deadlines.group_of(on_timeout)
    if group is not None:
        return f"escalated to {group}"
    words = {"approve": "approved", "reject": "rejected"}
    said = words.get(on_timeout) if isinstance(on_timeout, str) else None
    return said or f"answered {one_line(on_timeout)}"


def _say_retry(retry: Retry) -> str:
    if retry.attempts == 1:
        return "Is not tried again"
    errors = {"transient": "transient errors", "any": "any error"}
    kinds = errors.get(retry.on) if isinstance(retry.on, str) else None
    what = kinds or f"transient errors and {', '.join(retry.on)}"
    never = f", never {', '.join(retry.permanent)}" if retry.permanent else ""
    waits = f"waits {_span(retry.initial_s)}"
    if retry.attempts > 2 and retry.backoff > 1:
        waits += f", then x {retry.backoff:g} up to {_span(retry.max_s)}"
    return f"{format_count(retry.attempts)} tries for {what}{never}; {waits}"


def _say_timeout(timeout: Timeout) -> Iterator[str]:
    if timeout.run_s is not None:
        yield f"At most {_span(timeout.run_s)} a try"
    if timeout.idle_s is not None:
        yield f"At most {_span(timeout.idle_s)} without a sign of life"


def _say_breaker(rules: BreakerRules) -> str:
    name = f" {rules.name}" if rules.name else ""
    counted = "failure" if rules.counts == "failures" else "error"
    return (
        f"Breaker{name} opens at {format_plural(rules.failures, counted)} within"
        f" {_span(rules.window_s)}, and lets a probe through after {_span(rules.reset_s)}"
    )


def _say_cache(rules: CacheRules) -> str:
    words = ["Cached" if rules.ttl_s is None else f"Cached for {_span(rules.ttl_s)}"]
    if rules.key:
        words.append(f"by {', '.join(rules.key)}")
    words.append(f"for each {' and '.join(rules.scope)}" if rules.scope else "for everybody")
    more = f", similar from {format_ratio(rules.semantic)}" if rules.semantic is not None else ""
    more += ", computed once at a time" if rules.once else ""
    more += f", cleared by {', '.join(rules.events)}" if rules.events else ""
    return f"{' '.join(words)}{more}"


def _say_rate(rules: RateRules) -> Iterator[str]:
    if rules.per_user_hour is not None:
        yield f"At most {format_plural(rules.per_user_hour, 'start')} an hour for each user"
    if rules.per_minute is not None:
        yield f"At most {format_plural(rules.per_minute, 'start')} a minute"


def _say_fallback(fallback: Fallback) -> str:
    return f"node {fallback.node}" if fallback.node is not None else one_line(fallback.value)


def _say_sandbox(rules: SandboxRules) -> str:
    network = "with network" if rules.network else "without network"
    return (
        f"In a process of its own {network}: {_span(rules.cpu_s)} of CPU,"
        f" {_span(rules.wall_s)}, {format_count(rules.memory_mb)} MB"
    )


def _say_effects(*, has_effects: bool) -> str:
    return "Has effects outside" if has_effects else "Has no effects outside"


def _span(span_s: float) -> str:
    """A span that somebody wrote down: `1 s`, `1 m`, `1 h`, where measured ones have three digits."""
    for unit_s, unit in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if span_s >= unit_s and span_s % unit_s == 0:
            return f"{span_s / unit_s:g} {unit}"
    return format_seconds(span_s)
