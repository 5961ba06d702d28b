"""Secrets of a project's environment: what is encrypted there is decrypted here, before its code is loaded."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

from interlock.core import ciphers
from interlock.core.ciphers import Cipher
from interlock.core.errors import InterlockError, InvalidInput

ENDING = "_ENCRYPTED"
_SURE = (
    "_API_KEY_ENCRYPTED"  # of any other name a value may be no secret of ours: DISK_ENCRYPTED=true
)
_SEALED = re.compile(r"[0-9a-f]{8}:gAAAA[\w=-]+")


def open_variables(environment: MutableMapping[str, str], cipher: Cipher | None) -> list[str]:
    """
    Set X for each X_ENCRYPTED where X is not set, and take our own keys out of the environment.

    Returns:
        The names that were set.

    Raises:
        InvalidInput: One cannot be decrypted; its variable is named.
    """
    opened = []
    for variable, sealed in sorted(environment.items()):
        name = variable.removesuffix(ENDING)
        is_ours = variable.endswith(_SURE) or _SEALED.fullmatch(sealed.strip()) is not None
        if name in ("", variable) or not is_ours or not sealed or environment.get(name):
            continue
        environment[name] = _open(variable, sealed.strip(), cipher)
        opened.append(name)
    environment.pop(ciphers.KEYS, None)  # a tool that prints its environment shows no key of ours
    return opened


def _open(variable: str, sealed: str, cipher: Cipher | None) -> str:
    if not _SEALED.fullmatch(sealed):
        raise InvalidInput(
            f"{variable} is nothing that was encrypted.",
            hint="`interlock keys encrypt-value` prints what it takes.",
        )
    try:
        return ciphers.unseal(cipher, sealed).decode()
    except (InterlockError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"{variable} cannot be decrypted: {exc}") from exc
