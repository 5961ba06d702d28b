"""
Where the rules of this process send to: the addresses with what the variables hold, and what is wrong.

Secrets stay in here and in what sends; what is shown and kept of an address is its kind and host.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from interlock.core.model import notice_signing
from interlock.core.model.notice_rules import (
    NoticeRule,
    Rule,
    RuleKind,
    Webhook,
    fill_in,
    find_references,
    kind_of,
)
from interlock.core.model.notices import PublishedRule
from interlock.core.model.policies import Policies

Place = tuple[str, str, int]  # kind, rule and position, as the outbox has them


@dataclass(frozen=True, kw_only=True)
class Target:
    """One address of a rule. `problem` says why nothing can be sent there; empty if it can."""

    rule: Rule
    position: int
    shown: str
    address: str = field(default="", repr=False)
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    problem: str = ""

    @property
    def kind(self) -> RuleKind:
        """Whether people or a program are told."""
        return kind_of(self.rule)

    @property
    def place(self) -> Place:
        """What tells it from all others."""
        return (self.kind.value, self.rule.name, self.position)


def find_targets(
    policies: Policies, variables: Mapping[str, str] | None = None
) -> tuple[Target, ...]:
    """
    The addresses of all rules, in the order of the file.

    Args:
        policies: What the file says.
        variables: What its references are looked up in; the environment if not given.
    """
    held = os.environ if variables is None else variables
    found: list[Target] = []
    for rule in policies.notices:
        found += _of_people(rule, held)
    found += [_of_program(hook, held) for hook in policies.webhooks]
    return tuple(found)


def publish(targets: Sequence[Target], *, now: datetime) -> tuple[PublishedRule, ...]:
    """The rules as others may read them."""
    rules = {(t.kind, t.rule.name): t.rule for t in targets}
    return tuple(
        PublishedRule(
            kind=kind,
            name=name,
            about=_describe(rule, [t for t in targets if t.rule is rule]),
            added_at=now,
            read_until=now,
            seen_at=now,
        )
        for (kind, name), rule in rules.items()
    )


def _describe(rule: Rule, targets: Sequence[Target]) -> dict[str, object]:
    kept = rule.model_dump(mode="json", exclude={"name", "to", "url", "secret", "events"})
    return {
        **{key: value for key, value in kept.items() if value not in (None, [], False)},
        "events": sorted(rule.wanted),
        "to": [target.shown for target in targets],
        "problems": [target.problem for target in targets],
    }


def _of_people(rule: NoticeRule, held: Mapping[str, str]) -> list[Target]:
    found: list[Target] = []
    for given in rule.to:
        # As `notify` has it: a bare name is that of a variable.
        text = given if "://" in given or "${" in given else f"${{{given}}}"
        missing = _find_missing(text, held)
        addresses = [""] if missing else fill_in(text, held).split() or [""]
        for address in addresses:
            problem = missing or ("" if "://" in address else "it is no address (scheme://...)")
            found.append(
                Target(
                    rule=rule,
                    position=len(found),
                    shown=notice_signing.show(address) if not problem else "?",
                    address="" if problem else address,
                    problem=problem,
                )
            )
    return found


def _of_program(hook: Webhook, held: Mapping[str, str]) -> Target:
    missing = _find_missing(" ".join((hook.url, *hook.secrets)), held)
    url = "" if missing else fill_in(hook.url, held)
    problem = missing or notice_signing.find_problem(url, insecure=hook.insecure)
    secrets: tuple[bytes, ...] = ()
    if not missing:
        try:
            secrets = tuple(notice_signing.read_secret(fill_in(s, held)) for s in hook.secrets)
        except ValueError as exc:
            problem = problem or str(exc)
    return Target(
        rule=hook,
        position=0,
        shown=notice_signing.show(url) if not problem else "?",
        address="" if problem else url,
        secrets=() if problem else secrets,
        problem=problem,
    )


def _find_missing(text: str, held: Mapping[str, str]) -> str:
    missing = [name for name in find_references(text) if not held.get(name)]
    return f"the variable {', '.join(missing)} is not set" if missing else ""
