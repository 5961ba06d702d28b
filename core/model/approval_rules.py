"""What a policy says of the cards of a node: their risk, their deadline, and what yes and no are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from interlock.core.model import deadlines
from interlock.core.model.approvals import Approval, Kind, Verb
from interlock.core.model.policies import ApprovalPolicy
from interlock.core.model.questions import in_order
from interlock.core.types import Json

# Those whose answer is a bare value; where there are actions or a schema, they say what is sent.
RAW = frozenset({Kind.VALUE, Kind.CONFIRM, Kind.CHOICE})
_RISKS = ("high", "medium", "low")


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
    risks = {each.risk for each in found}
    first = min(
        (each for each in found if each.deadline_s is not None),
        key=lambda each: each.deadline_s or 0,
        default=ApprovalPolicy(),
    )
    is_agreed = all(each.on_timeout == first.on_timeout for each in found)
    return ApprovalPolicy(
        risk=next((risk for risk in _RISKS if risk in risks), ""),
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


def apply(card: Approval, rules: ApprovalPolicy) -> Approval:
    """The card with its risk and its deadline, and with the verbs that the rules have an answer for."""
    is_raw = card.kind in RAW
    answers = {Verb(verb): value for verb, value in rules.answers.items()} if is_raw else {}
    asked = replace(card, risk=rules.risk, allowed=in_order([*card.allowed, *answers]))
    return deadlines.begin(asked, rules, answers)


def answers_of(card: Approval, policy: Json) -> dict[Verb, Json]:
    """What approve and reject send to this card, where its policy says so."""
    if card.kind not in RAW:
        return {}
    return {Verb(verb): value for verb, value in find_rules(policy, [card.node]).answers.items()}


def _find_keys(given: Mapping[str, Json], nodes: Sequence[str]) -> list[str]:
    keys: list[str] = []
    for node in nodes:
        around = [key for key in given if f"{node}/".startswith(f"{key}/")]
        keys += sorted(around, key=len)[-1:]
    return list(dict.fromkeys(keys))
