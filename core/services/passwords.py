"""Passwords: argon2id as pwdlib recommends it. A hash is slow by design: some 50 ms, in the caller's thread."""

from __future__ import annotations

import functools

from pwdlib import PasswordHash

from interlock.core.errors import FieldProblem, InvalidInput

SHORTEST = 12  # characters; NIST SP 800-63B-4: length, not kinds of characters
LONGEST = 256
_TOO_KNOWN = frozenset({"password1234", "123456789012", "interlock1234", "qwertyuiop12"})


@functools.cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@functools.cache
def _decoy() -> str:
    """What a password is compared with where there is no account, so that it takes as long."""
    return _hasher().hash("nobody has this password")


def hash_new(password: str, *, name: str) -> str:
    """
    What is kept of a new password.

    Raises:
        InvalidInput: It is too short, too long, or the name itself.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        told = f"must have {SHORTEST} to {LONGEST} characters"
    elif password.lower() in _TOO_KNOWN or password.lower() == name.lower():
        told = "is one that is tried first"
    else:
        return _hasher().hash(password)
    raise InvalidInput("The password does not fit.", problems=[FieldProblem("password", told)])


def verify(password: str, hashed: str | None) -> bool:
    """Whether a password is right; as slow where there is no account as where there is one."""
    if len(password) > LONGEST:
        password = ""
    is_right = _hasher().verify(password, hashed or _decoy())
    return is_right and hashed is not None
