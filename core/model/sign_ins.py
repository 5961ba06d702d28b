"""What a provider or a proxy says of somebody, read as a name, groups and a role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from interlock.core.errors import InvalidInput, NotAllowed
from interlock.core.model import people
from interlock.core.model.people import Role

USER: Final = "user:"  # before the name of one person, among the groups that lead to roles


@dataclass(frozen=True, kw_only=True)
class Vouched:
    """Somebody whom the other side vouches for; `left_out` are groups that cannot be kept."""

    name: str
    role: Role
    groups: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def read_vouched(name: str, groups: Iterable[str], roles: Mapping[str, str]) -> Vouched:
    """
    Read who somebody is from what the other side says.

    The role is the highest that one of the groups leads to; where none does, they are a viewer. Groups
    that lead to a role are kept before others, of which there may be too many.

    Args:
        name: What they are called there.
        groups: In which groups they are there.
        roles: Which group, or `user:` with a name, leads to which role.

    Raises:
        NotAllowed: The name does not fit.
    """
    try:
        fitting = people.read_name(name)
    except InvalidInput as exc:
        raise NotAllowed(f"{exc}") from exc
    given = sorted(set(groups), key=lambda group: (group not in roles, group))
    kept = [group for group in given if _fits(group)][: people.MAX_GROUPS]
    # A group that calls itself `user:…` must not stand for a person.
    leading = [group for group in given if not group.startswith(USER)]
    found = [Role(roles[key]) for key in (*leading, USER + fitting) if key in roles]
    return Vouched(
        name=fitting,
        role=max(found, key=list(Role).index, default=Role.VIEWER),
        groups=tuple(sorted(kept)),
        left_out=tuple(group for group in given if group not in kept),
    )


def read_name_claim(claims: Mapping[str, Any], claim: str) -> str:
    """
    The name in an id token.

    An address counts only where the provider has seen that it is theirs: elsewhere anybody may claim it.

    Raises:
        NotAllowed: The claim is not there, or is an address that nobody has verified.
    """
    value = read_claim(claims, claim)
    if not isinstance(value, str) or not value.strip():
        raise NotAllowed(f"The provider does not tell the claim {claim!r}.")
    if claim == "email" and claims.get("email_verified") not in {True, "true"}:
        raise NotAllowed("The provider has not verified this e-mail address.")
    return value


def read_group_claim(claims: Mapping[str, Any], claim: str) -> Sequence[str]:
    """The groups in an id token: a list, or a text with commas; none where there is nothing of the kind."""
    value = read_claim(claims, claim)
    if isinstance(value, str):
        return split_groups(value)
    if not isinstance(value, list):
        return ()
    return tuple(group for group in value if isinstance(group, str) and group)


def read_claim(claims: Mapping[str, Any], claim: str) -> object:
    """A claim by its name; where there is none of that name, dots lead into objects."""
    if claim in claims:
        return claims[claim]
    found: object = claims
    for part in claim.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def split_groups(text: str) -> tuple[str, ...]:
    """Groups in one text, with commas between them."""
    return tuple(group.strip() for group in text.split(",") if group.strip())


def _fits(group: str) -> bool:
    try:
        people.read_words([group], what="groups")
    except InvalidInput:
        return False
    return True
