"""Limits of starts: what `rate` in a policy means for one start, and in which words it is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from interlock.core.model.policies import ModelRules, RateRules
from interlock.core.types import Json

HOUR_S, MINUTE_S = 3600, 60
LONGEST_S = HOUR_S  # what started before that is in no window


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many starts within a window that rolls. `of` is whose: a place, and a user where it is his own."""

    of: tuple[str, ...]
    what: str  # "The workflow 'refunds'"
    count: int
    window_s: int
    user: str = ""

    @property
    def key(self) -> str:
        """Under which starts are counted; as long for any name."""
        return hashlib.sha256("\0".join((str(self.window_s), *self.of)).encode()).hexdigest()

    def refuse(self, *, wait_s: float, now: datetime) -> str:
        """What is told of a start that is one too many."""
        at = now + timedelta(seconds=wait_s)
        span = "an hour" if self.window_s == HOUR_S else "a minute"
        whose = f" by one user, and {self.user!r} has had them" if self.user else ""
        return (
            f"{self.what} is limited to {self.count} {'start' if self.count == 1 else 'starts'} {span}{whose};"
            f" try again at {at:%H:%M:%S} UTC, in {_say(wait_s)}."
        )

    def refuse_ever(self, count: int) -> str:
        """What is told where no waiting helps: so many at once are more than the limit."""
        span = "an hour" if self.window_s == HOUR_S else "a minute"
        return (
            f"{self.what} is limited to {self.count} starts {span}, and these are {count} at once."
        )


def _say(wait_s: float) -> str:
    return f"{max(1, round(wait_s))} s" if wait_s < 2 * MINUTE_S else f"{round(wait_s / 60)} min"


def limits_of(rules: RateRules, *, of: tuple[str, ...], what: str, user: str) -> list[Limit]:
    """The limits that one start has to keep, in the order in which they are taken everywhere."""
    found = []
    if rules.per_minute is not None:
        found.append(Limit(of=of, what=what, count=rules.per_minute, window_s=MINUTE_S))
    if rules.per_user_hour is not None:
        own = Limit(
            of=(*of, user), what=what, count=rules.per_user_hour, window_s=HOUR_S, user=user
        )
        found.append(own)
    return found


def limits_of_launch(workflow: str, policy: Json, *, user: str) -> list[Limit]:
    """The limits of a launch, by the policy as it is published; none where a newer version wrote it."""
    rate = policy.get("rate") if isinstance(policy, Mapping) else None
    if rate is None:
        return []
    try:
        rules = RateRules.model_validate(rate)
    except ValidationError:
        return []
    return limits_of(rules, of=("launch", workflow), what=f"The workflow {workflow!r}", user=user)


def limit_of_model(rules: ModelRules, model: str) -> Limit | None:
    """The limit of calls to a model, of all workers together."""
    if rules.per_minute is None:
        return None
    what = f"The model {model!r}"
    return Limit(of=("model", model), what=what, count=rules.per_minute, window_s=MINUTE_S)


def limits_of_call(
    rules: RateRules, *, workflow: str, path: str, tool: str, user: str
) -> list[Limit]:
    """The limits of an attempt of a node, or of a call of one of its tools."""
    what = f"The tool {tool!r} of {path!r}" if tool else f"The node {path!r}"
    return limits_of(rules, of=("call", workflow, path, tool), what=what, user=user)
