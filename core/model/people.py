"""
Who acts and what they may: roles, permissions, and the one table that says which has which.

A person has one role. Groups are what policies name as approvers of a card; being in one lets a viewer
decide the cards that name it, and nothing else. Tenants narrow which workflows somebody sees at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from interlock.core.errors import FieldProblem, InvalidInput, NotAllowed

MAX_NAME: Final = 200
MAX_GROUPS: Final = 100
MAX_WORD: Final = 100  # characters of a group's or a tenant's name


class Role(StrEnum):
    """What somebody is, everywhere; the later may do what the earlier may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Permission(StrEnum):
    """What commands ask for; also the scopes of a token."""

    SEE = "see"
    DECIDE = "decide"
    LAUNCH = "launch"
    STEER = "steer"
    GUARD = "guard"
    ADMINISTER = "administer"


WHAT: Final[Mapping[Permission, str]] = {
    Permission.SEE: "read every page, list and file",
    Permission.DECIDE: "decide, claim, forward and extend cards",
    Permission.LAUNCH: "launch runs, alone and in batches",
    Permission.STEER: "cancel, retry, rate, rewind, fork, copy and try out runs and threads",
    Permission.GUARD: "hold workflows, order breakers, clear caches, answer and silence alerts, test notices",
    Permission.ADMINISTER: "keep people, tokens and keys; switch flags; import, prune and delete threads",
}

_OPERATES: Final = frozenset(
    {
        Permission.SEE,
        Permission.DECIDE,
        Permission.LAUNCH,
        Permission.STEER,
        Permission.GUARD,
    }
)
MAY: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: frozenset({Permission.SEE}),
    Role.OPERATOR: _OPERATES,
    Role.ADMIN: frozenset(Permission),
}


class CallerKind(StrEnum):
    """By what somebody is known."""

    LOCAL = "local"  # holds the database; may do all while nobody has to sign in
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - the kind, not a secret
    SYSTEM = "system"  # a process of ours that carries out what was decided or is due


@dataclass(frozen=True)
class Caller:
    """Who asks: not yet a person, which is read anew for every command."""

    kind: CallerKind
    id: str = ""  # of the session or token: the hash of its secret


LOCAL: Final = Caller(CallerKind.LOCAL)
SYSTEM: Final = Caller(CallerKind.SYSTEM)


@dataclass(frozen=True, kw_only=True)
class Person:
    """
    Somebody, as of now.

    `tenants` empty means every workflow. `scopes` None means all that the role may; a token has some.
    `is_trusted` is whoever holds the database while nobody has to sign in, and our own processes: the
    name they act under is an assertion.
    """

    name: str
    role: Role
    groups: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    scopes: frozenset[Permission] | None = None
    is_trusted: bool = False


@dataclass(frozen=True, kw_only=True)
class Operator:
    """An account: what is kept of a person. `source` is who keeps role and groups: local, oidc, proxy."""

    name: str
    role: Role
    groups: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    source: str = "local"
    is_active: bool = True
    has_password: bool = False
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Session:
    """One browser of one person. `session_id` is the hash of what the browser holds."""

    session_id: str
    operator: str
    method: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime
    address: str = ""
    agent: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a program shows instead of signing in; its secret is shown once and not kept."""

    token_id: str
    operator: str
    label: str
    scopes: tuple[Permission, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    ended_at: datetime | None = None


def hash_secret(secret: str) -> str:
    """What is kept of a session's or a token's secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def trusted(name: str) -> Person:
    """Whoever holds the database, or a process of ours."""
    return Person(name=name, role=Role.ADMIN, is_trusted=True)


def permissions_of(person: Person) -> frozenset[Permission]:
    """All that somebody may; being in a group is enough to decide what names the group."""
    may_all = MAY[person.role]
    if person.groups:
        may_all |= {Permission.DECIDE}
    if person.tenants:  # what admins keep is of the whole house
        may_all -= {Permission.ADMINISTER}
    return may_all if person.scopes is None else may_all & person.scopes


def require(person: Person, permission: Permission, *, actor: str) -> None:
    """
    See that somebody may do something, under the name that it is recorded with.

    Raises:
        NotAllowed: They may not, or the name is somebody else's; the message says who may.
    """
    if permission not in permissions_of(person):
        raise NotAllowed(
            f"{person.name} may not {WHAT[permission]}: {_why_not(person, permission)}"
        )
    if not person.is_trusted and actor != person.name:
        raise NotAllowed(f"{person.name} cannot act as {actor!r}.")


def _why_not(person: Person, permission: Permission) -> str:
    if permission in permissions_of(replace(person, scopes=None)):
        return f"the token lacks the scope {permission.value!r}."
    able = [role.value for role in Role if permission in MAY[role]]
    return f"that takes the role {' or '.join(able)}, and theirs is {person.role.value}."


def read_name(text: str) -> str:
    """
    The name of an account, as it is kept.

    Raises:
        InvalidInput: It is empty, too long, or holds what does not print.
    """
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable() or name.startswith("group:"):
        told = f"must be 1 to {MAX_NAME} printable characters and not begin with 'group:'"
        raise InvalidInput("The name does not fit.", problems=[FieldProblem("name", told)])
    return name


def read_words(words: object, *, what: str) -> tuple[str, ...]:
    """
    Names of groups or tenants, each once, in order.

    Args:
        words: What was given: texts.
        what: What they are, for the error: groups, tenants.

    Raises:
        InvalidInput: One is empty, too long, or holds blanks or what does not print; or there are too many.
    """
    given = list(words) if isinstance(words, list | tuple | set | frozenset) else [words]
    if len(given) > MAX_GROUPS or not all(_is_word(word) for word in given):
        told = f"must be at most {MAX_GROUPS} names of 1 to {MAX_WORD} characters without blanks"
        raise InvalidInput(f"The {what} do not fit.", problems=[FieldProblem(what, told)])
    return tuple(sorted({str(word) for word in given}))


def _is_word(word: object) -> bool:
    if not isinstance(word, str) or not 0 < len(word) <= MAX_WORD:
        return False
    return word.isprintable() and not any(c.isspace() or c == "," for c in word)


def is_over(now: datetime, *, expires_at: datetime, ended_at: datetime | None) -> bool:
    """Whether a session or a token is good for nothing any more."""
    return ended_at is not None or now >= expires_at


# -- throttling of sign-in ------------------------------------------------------------------------

FREE_TRIES: Final = 5
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(hours=1)


def wait_after(failures: int) -> timedelta:
    """
    How long a name or address has to wait after so many wrong passwords in a row.

    Five are free; then a second, doubling, up to a quarter of an hour (OWASP's authentication sheet asks
    for a growing delay rather than a lock, which anybody could put on anybody's account).
    """
    if failures < FREE_TRIES:
        return timedelta()
    return min(LONGEST_WAIT, timedelta(seconds=2 ** min(failures - FREE_TRIES, 20)))
