"""Who may decide a card and how many it takes: what is kept with it from when it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from interlock.core.model import conditions
from interlock.core.types import Json

GROUP: Final = "group:"
STATE: Final = "$state"  # a path that begins so leads into the thread's values
RISKS: Final = ("high", "medium", "low", "")
MAX_APPROVERS: Final = 100
MAX_QUORUM: Final = 20

_PATH = re.compile(r"\$(?:state)?(?P<rest>[.\[].*)?", re.DOTALL)
_GROUP_NAME = re.compile(r"[^\s,]{1,100}")
_MAX_NAME = 200  # characters of a person's name


@dataclass(frozen=True, kw_only=True)
class Route:
    """
    Who may decide a card, as it was when it was asked.

    `approvers` are names of people and of groups (`group:finance`): None lets everybody decide who
    decides cards at all, none at all leaves it to admins. `quorum` distinct people have to say the same;
    `one_rejects` lets a single no end it all the same. Where there is no `self_approval`, the `initiators`
    may not decide: who launched the run, and who set its thread back. A higher `priority` is listed
    first. `note` says what of its policy could not be read.
    """

    approvers: tuple[str, ...] | None = None
    quorum: int = 1
    self_approval: bool = True
    one_rejects: bool = True
    priority: int = 0
    initiators: tuple[str, ...] = ()
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether anybody who decides cards decides this one, alone."""
        return self.approvers is None and self.quorum == 1 and self.self_approval


OPEN: Final = Route()


def read_approvers(value: Json) -> tuple[str, ...] | None:
    """The approvers that a value names: a text, or a list of them; None if it names none."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not 0 < len(given) <= MAX_APPROVERS:
        return None
    return tuple(dict.fromkeys(given)) if all(map(is_approver, given)) else None


def is_approver(value: Json) -> bool:
    """Whether a value is the name of a person, or of a group after `group:`."""
    if not isinstance(value, str) or not value.isprintable():
        return False
    if value.startswith(GROUP):
        return _GROUP_NAME.fullmatch(value.removeprefix(GROUP)) is not None
    return value == value.strip() and 0 < len(value) <= _MAX_NAME


def path_of(text: str) -> conditions.Path:
    """
    The path of `$.approvers` or `$state.owners[0]`, which begins with the sign.

    Raises:
        ConditionError: It is none.
    """
    found = _PATH.fullmatch(text)
    told = "is no path such as $.approvers or $state.owners[0]"
    if found is None:
        raise conditions.ConditionError(told, 1)
    try:
        return conditions.parse_path(f"{conditions.WHOLE}{found['rest'] or ''}")
    except conditions.ConditionError as exc:  # its column is that of another text
        raise conditions.ConditionError(told, 1) from exc


def is_reachable(approvers: Iterable[str], quorum: int) -> bool:
    """Whether so many people may ever agree; who is in a group is not known here."""
    named = list(approvers)
    return not named or len(named) >= quorum or any(name.startswith(GROUP) for name in named)


def say_one(approver: str) -> str:
    """An approver as a sentence names them."""
    is_group = approver.startswith(GROUP)
    return f"the group {approver.removeprefix(GROUP)}" if is_group else approver
