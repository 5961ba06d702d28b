"""What a policy says of the cards of a node: who decides, risk, deadline, and what yes and no send."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from interlock.core.model import deadlines, routing, schema_checks
from interlock.core.model.approvals import STANDING, Approval, Kind, Verb
from interlock.core.model.payload_answers import fill
from interlock.core.model.policies import ApprovalPolicy, RoutingRule
from interlock.core.model.questions import in_order
from interlock.core.model.routes import RISKS
from interlock.core.types import Json

# Those whose answer is a bare value; where there are actions or a schema, they say what is sent.
RAW = frozenset({Kind.VALUE, Kind.CONFIRM, Kind.CHOICE})


def find_rules(policy: Json, nodes: Sequence[str]) -> ApprovalPolicy:
    """
    The rules for the cards of some nodes; of several that differ, the stricter ones.

    Args:
        policy: A workflow's policy as it was published, or None.
        nodes: Paths of the nodes. One within a node that has rules has those, too.
    """
    published = policy.get("approval") if isinstance(policy, dict) else None
    given = published if isinstance(published, dict) else {}
    found = [ApprovalPolicy.model_validate(given[key]) for key in _find_keys(given, nodes)]
    if len(found) == 1:
        return found[0]
    first = min(
        (each for each in found if each.deadline_s is not None),
        key=lambda each: each.deadline_s or 0,
        default=ApprovalPolicy(),
    )
    is_agreed = all(each.on_timeout == first.on_timeout for each in found)
    # Rules and approvers of different nodes cannot be told apart any more on one card.
    is_routed_alike = len({(each.approvers, each.rules) for each in found}) <= 1
    parts: list[ApprovalPolicy | RoutingRule] = [*found]
    parts += [] if is_routed_alike else [rule for each in found for rule in each.rules]
    return ApprovalPolicy(
        risk=min((part.risk for part in parts), key=RISKS.index, default=""),
        priority=max((part.priority for part in parts), default=0),
        approvers=(found[0].approvers if found else None) if is_routed_alike else (),
        rules=found[0].rules if found and is_routed_alike else (),
        quorum=max((part.quorum for part in parts), default=1),
        self_approval=all(part.self_approval for part in parts),
        one_rejects=all(each.one_rejects for each in found),
        deadline_s=first.deadline_s,
        warn_s=first.warn_s,
        on_timeout=first.on_timeout if is_agreed else None,
    )


def has_fallback(policy: Json, node: str | None) -> bool:
    """Whether a workflow's published policy says what serves in the place of a node."""
    if not isinstance(policy, dict) or node is None:
        return False
    own = policy.get("node")
    found = own.get(node) if isinstance(own, dict) and node in own else policy.get("default")
    return isinstance(found, dict) and bool(found.get("fallback"))


def apply(
    card: Approval,
    rules: ApprovalPolicy,
    *,
    state: Callable[[], Json] = lambda: None,
    initiators: Callable[[], tuple[str, ...]] = tuple,
) -> Approval:
    """
    The card with its risk, who decides it, its deadline, and the verbs that the rules have an answer for.

    Args:
        card: As it is asked.
        rules: Its policy.
        state: Reads the thread's values; called only where the policy names them.
        initiators: Finds who launched the run and set its thread back; called only where it matters.
    """
    answers, note = _find_answers(card, rules)
    asked = state if card.kind in STANDING else lambda: card.payload
    route, risk = routing.route(rules, asked, state=state, initiators=initiators)
    if note:
        route = replace(route, note=f"{route.note} {note}".strip())
    allowed = in_order([*card.allowed, *answers])
    return deadlines.begin(replace(card, risk=risk, route=route, allowed=allowed), rules, answers)


def answers_of(card: Approval, policy: Json) -> dict[Verb, Json]:
    """What approve, reject and revise send to this card, where its policy says so."""
    if card.kind not in RAW and card.kind is not Kind.SCHEMA:
        return {}
    return _find_answers(card, find_rules(policy, [card.node]))[0]


def _find_answers(card: Approval, rules: ApprovalPolicy) -> tuple[dict[Verb, Json], str]:
    """What the verbs send, and why the policy's answer for a revision cannot be used."""
    given = {Verb(verb): value for verb, value in rules.answers.items()}
    if card.kind in RAW:
        return given, ""
    if card.kind is not Kind.SCHEMA or Verb.REVISE not in given:
        return {}, ""
    problems = schema_checks.check(fill(given[Verb.REVISE], "x"), card.schema)
    if problems:
        return {}, f"What its policy sends for a revision does not fit: {problems[0]}."
    return {Verb.REVISE: given[Verb.REVISE]}, ""


def _find_keys(given: Mapping[str, Json], nodes: Sequence[str]) -> list[str]:
    keys: list[str] = []
    for node in nodes:
        around = [key for key in given if f"{node}/".startswith(f"{key}/")]
        keys += sorted(around, key=len)[-1:]
    return list(dict.fromkeys(keys))
