"""
Encrypting what is kept: values become text that only who has the keys can read.

The newest key encrypts, all of them decrypt. What is encrypted says by a fingerprint with which key, so
that a key that is missing can be named, and what is left for an older one be counted.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from pathlib import Path

from interlock.core.errors import InvalidInput, KeyMissing, SealBroken

KEYS = "INTERLOCK_ENCRYPTION_KEYS"
KEYS_FILE = "INTERLOCK_ENCRYPTION_KEYS_FILE"
KIND_MARK = "+fernet:"  # between the kind of a checkpoint's value and the fingerprint of its key
FINGERPRINT_CHARS = 8
KEY_CHARS = 44  # 32 bytes in base64


def make_key() -> str:
    """A new key."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def fingerprint(key: str) -> str:
    """What a key is called: of the digest of its bytes, so that nothing of the key is told."""
    return hashlib.sha256(urlsafe_b64decode(key)).hexdigest()[:FINGERPRINT_CHARS]


def is_key(text: str) -> bool:
    """Whether this is a key: 32 bytes in url-safe base64."""
    try:
        return len(text) == KEY_CHARS and len(urlsafe_b64decode(text)) == 32
    except (ValueError, binascii.Error):
        return False


class Cipher:
    """The keys of this installation, newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        from cryptography.fernet import Fernet, InvalidToken, MultiFernet

        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._broken = InvalidToken
        self.fingerprints = tuple(dict.fromkeys(map(fingerprint, keys)))

    @property
    def newest(self) -> str:
        """The fingerprint of the key that encrypts."""
        return self.fingerprints[0]

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt with the newest key."""
        return self._fernet.encrypt(data)

    def decrypt(self, key: str, data: bytes) -> bytes:
        """
        Decrypt what the key of this fingerprint encrypted.

        Raises:
            KeyMissing: It is none of ours.
            SealBroken: It is not what was encrypted.
        """
        if key not in self.fingerprints:
            raise missing(key, self)
        try:
            return self._fernet.decrypt(data)
        except self._broken as exc:
            raise SealBroken(
                f"What was encrypted with the key {key} is damaged, or was changed in the database."
            ) from exc

    def seal(self, data: bytes) -> str:
        """Encrypt into text that says with which key."""
        return f"{self.newest}:{self.encrypt(data).decode()}"


def unseal(cipher: Cipher | None, sealed: str) -> bytes:
    """
    Decrypt what `Cipher.seal` made.

    Raises:
        KeyMissing: Its key is not there.
        SealBroken: It is not what was encrypted.
    """
    key, _, token = sealed.partition(":")
    if cipher is None:
        raise missing(key, None)
    return cipher.decrypt(key, token.encode())


def open_typed(cipher: Cipher | None, kind: str, data: bytes | None) -> tuple[str, bytes]:
    """
    A value of a checkpoint with its kind, decrypted where it is encrypted by us.

    Raises:
        KeyMissing: Its key is not there.
        SealBroken: It is not what was encrypted.
    """
    plain, mark, key = kind.partition(KIND_MARK)
    if not mark:
        return kind, data or b""
    if cipher is None:
        raise missing(key, None)
    return plain, cipher.decrypt(key, data or b"")


def seal_typed(cipher: Cipher | None, kind: str, data: bytes) -> tuple[str, bytes]:
    """A value of a checkpoint with its kind, encrypted if there are keys; nothing stays nothing."""
    if cipher is None or not data:
        return kind, data
    return f"{kind}{KIND_MARK}{cipher.newest}", cipher.encrypt(data)


_noted: KeyMissing | None = None


def noted() -> str:
    """Which key this process has missed last, and what to do; empty where it missed none."""
    return "" if _noted is None else str(_noted)


def missing(key: str, cipher: Cipher | None) -> KeyMissing:
    """The failure that says which key is missing, and what to do."""
    global _noted
    given = f"Given are {', '.join(cipher.fingerprints)}." if cipher else "No key is given."
    _noted = KeyMissing(
        f"This is encrypted with the key {key}, which is not among those of {KEYS}. {given}",
        hint=f"Add that key to {KEYS} or {KEYS_FILE} of every process; nothing is lost.",
    )
    return _noted


def open_cipher(keys: Sequence[str], path: Path | None) -> Cipher | None:
    """
    The cipher of these keys and those of a file, a key in a line; None where there is none.

    Raises:
        InvalidInput: The file cannot be read, has none, or something that is no key.
    """
    given = list(keys)
    if path is not None:
        given += _read_file(path)
    return Cipher(given) if given else None


def _read_file(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or "is no text"
        raise InvalidInput(f"{KEYS_FILE} names {path}, which cannot be read: {reason}.") from exc
    found = [(n, line.strip()) for n, line in enumerate(lines, 1)]
    keys = [(n, line) for n, line in found if line and not line.startswith("#")]
    for number, line in keys:
        if not is_key(line):
            raise InvalidInput(
                f"Line {number} of {path} is no key.", hint="`interlock keys new` makes one."
            )
    if not keys:
        raise InvalidInput(f"{KEYS_FILE} names {path}, which has no key in it.")
    return [line for _, line in keys]
