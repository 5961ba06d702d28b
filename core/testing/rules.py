"""How exactly a field of a golden run has to be as it was: not at all, about, or as a function says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.core.testing.failures import Failed
from interlock.core.types import Json

Place = tuple[str, ...]
EVERY = "*"
_MISSING = object()


@dataclass(frozen=True)
class Rule:
    """What has to hold between the recorded value and the present one."""

    text: str
    holds: Callable[[Json, Json], bool]


ignore = Rule("ignore", lambda _recorded, _now: True)
any_text = Rule("any_text", lambda _recorded, now: isinstance(now, str) and bool(now.strip()))


def approx(*, rel: float = 1e-6, abs: float = 1e-12) -> Rule:
    """A number that is near the recorded one; what is no number has to be as it was."""

    def holds(recorded: Json, now: Json) -> bool:
        if _is_number(recorded) and _is_number(now):
            return math.isclose(recorded, now, rel_tol=rel, abs_tol=abs)
        return type(recorded) is type(now) and bool(recorded == now)

    return Rule(f"approx(rel={rel}, abs={abs})", holds)


Rules = Mapping[str, Rule | Callable[[Any], Any]]


def settle(
    recorded: Json, now: Json, rules: Rules, *, at: Place = ()
) -> tuple[Json, Json, list[str]]:
    """
    Take out of the comparison what rules are there for.

    Args:
        recorded: A part of the golden run.
        now: The same part of the present one.
        rules: By address ("values.outcomes.*.text", `*` for any key or position): a rule of this
            module, or a function of the present value that says whether it will do.
        at: The address of the part.

    Returns:
        Both parts, alike wherever a rule decides, and what rules do not hold, each with its address.
    """
    found = _Settling()
    for address, rule in sorted(rules.items(), key=lambda each: each[1] is not ignore):
        steps = tuple(address.split("."))
        if len(steps) <= len(at) or not _fits(steps[: len(at)], at):
            continue
        made = rule if isinstance(rule, Rule) else _predicate(rule)
        recorded, now = found.settle(recorded, now, steps[len(at) :], made, at)
    return recorded, now, found.problems


def check_addresses(rules: Rules, parts: tuple[Json, ...]) -> None:
    """
    Refuse a rule that is about nothing, as one with a typing mistake is.

    Args:
        rules: The rules by address.
        parts: The recorded run and the present one.
    """
    for address in rules:
        steps = address.split(".")
        if EVERY not in steps and not any(_has(part, steps) for part in parts):
            raise Failed(f"The rule for {address!r} is about nothing in this golden run.")


class _Settling:
    def __init__(self) -> None:
        self.problems: list[str] = []

    def settle(
        self, recorded: Json, now: Json, steps: Place, rule: Rule, at: Place
    ) -> tuple[Json, Json]:
        """Both values as they are once the rule was asked at every place that the steps lead to."""
        if not steps:
            return self._ask(recorded, now, rule, at)
        before, after = _children(recorded), _children(now)
        if before is None or after is None:
            return recorded, now
        for key in dict.fromkeys([*before, *after]):
            if steps[0] in {EVERY, key}:
                pair = (before.get(key, _MISSING), after.get(key, _MISSING))
                _put(before, after, key, self.settle(*pair, steps[1:], rule, (*at, key)))
        return _like(recorded, before), _like(now, after)

    def _ask(self, recorded: Json, now: Json, rule: Rule, at: Place) -> tuple[Json, Json]:
        if rule is ignore:
            return _MISSING, _MISSING
        if recorded is _MISSING or now is _MISSING:
            return recorded, now  # that it came or went is a difference
        if not rule.holds(recorded, now):
            self.problems.append(f"{'.'.join(at)}: {rule.text} does not hold for {now!r}")
        return recorded, recorded


def _children(value: Json) -> dict[str, Json] | None:
    if isinstance(value, dict):
        return dict(value)
    return {str(at): item for at, item in enumerate(value)} if isinstance(value, list) else None


def _put(
    before: dict[str, Json], after: dict[str, Json], key: str, pair: tuple[Json, Json]
) -> None:
    for side, value in zip((before, after), pair, strict=True):
        if value is _MISSING:
            side.pop(key, None)
        else:
            side[key] = value


def _like(value: Json, children: dict[str, Json]) -> Json:
    return children if isinstance(value, dict) else list(children.values())


def _fits(steps: Place, at: Place) -> bool:
    return all(step in {EVERY, key} for step, key in zip(steps, at, strict=True))


def _has(value: Json, steps: list[str]) -> bool:
    for step in steps:
        children = _children(value)
        if children is None or step not in children:
            return False
        value = children[step]
    return True


def _predicate(asked: Callable[[Any], Any]) -> Rule:
    name = getattr(asked, "__name__", repr(asked))
    return Rule(name, lambda _recorded, now: bool(asked(now)))


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
