"""Keys, what they encrypt, and what is said where one is missing."""

from __future__ import annotations

import pytest

from interlock.core import ciphers
from interlock.core.ciphers import Cipher
from interlock.core.errors import InvalidInput, KeyMissing, SealBroken
from interlock.core.settings import load_settings


def test_what_is_sealed_can_be_opened_by_every_key_and_by_none_else() -> None:
    old, new = ciphers.make_key(), ciphers.make_key()
    sealed = Cipher([old]).seal(b"secret")
    assert "secret" not in sealed
    assert ciphers.unseal(Cipher([new, old]), sealed) == b"secret"
    with pytest.raises(KeyMissing) as refused:
        ciphers.unseal(Cipher([new]), sealed)
    assert ciphers.fingerprint(old) in str(refused.value)
    assert ciphers.fingerprint(new) in str(refused.value)
    assert "INTERLOCK_ENCRYPTION_KEYS_FILE" in str(refused.value)
    with pytest.raises(KeyMissing, match="No key is given"):
        ciphers.unseal(None, sealed)


def test_the_newest_key_seals() -> None:
    old, new = ciphers.make_key(), ciphers.make_key()
    cipher = Cipher([new, old])
    assert cipher.seal(b"x").startswith(f"{ciphers.fingerprint(new)}:")
    assert cipher.newest == cipher.fingerprints[0] == ciphers.fingerprint(new)


def test_what_was_changed_in_the_database_is_not_taken_for_what_was_written() -> None:
    cipher = Cipher([ciphers.make_key()])
    sealed = cipher.seal(b"pay 10")
    for broken in (sealed[:-4], f"{sealed[:30]}A{sealed[31:]}", f"{cipher.newest}:"):
        with pytest.raises(SealBroken, match="damaged, or was changed"):
            ciphers.unseal(cipher, broken)


def test_values_of_checkpoints_say_in_their_kind_with_which_key() -> None:
    cipher = Cipher([ciphers.make_key()])
    kind, data = ciphers.seal_typed(cipher, "msgpack", b"\x81")
    assert kind == f"msgpack+fernet:{cipher.newest}"
    assert ciphers.open_typed(cipher, kind, data) == ("msgpack", b"\x81")
    assert ciphers.open_typed(None, "msgpack", b"\x81") == ("msgpack", b"\x81")
    assert ciphers.seal_typed(cipher, "null", b"") == ("null", b"")
    assert ciphers.seal_typed(None, "msgpack", b"\x81") == ("msgpack", b"\x81")
    with pytest.raises(KeyMissing):
        ciphers.open_typed(None, kind, data)


def test_no_key_is_no_cipher(tmp_path) -> None:
    assert ciphers.open_cipher([], None) is None


def test_keys_are_read_from_a_file_too(tmp_path) -> None:
    new, old = ciphers.make_key(), ciphers.make_key()
    path = tmp_path / "keys"
    path.write_text(f"# of October\n\n{old}\n")
    cipher = ciphers.open_cipher([new], path)
    assert cipher is not None
    assert cipher.fingerprints == (ciphers.fingerprint(new), ciphers.fingerprint(old))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "has no key in it"),
        ("# nothing\nhunter2\n", r"Line 2 of .* is no key\. `interlock keys new`"),
        (b"\xff\xfe", "is no text"),
        (None, "No such file"),
    ],
)
def test_a_file_without_keys_is_refused_and_not_quoted(tmp_path, content, said) -> None:
    path = tmp_path / "keys"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content)
    with pytest.raises(InvalidInput, match=said) as refused:
        ciphers.open_cipher([], path)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("form", ["{0} {1}", '["{0}", "{1}"]', "{0}\n  {1}\n"])
def test_keys_are_given_with_blanks_between_them_or_as_a_list(form) -> None:
    keys = [ciphers.make_key(), ciphers.make_key()]
    settings = load_settings({"encryption_keys": form.format(*keys)})
    assert [key.get_secret_value() for key in settings.encryption_keys] == keys
    assert keys[0] not in repr(settings)


@pytest.mark.parametrize("given", ["hunter2", '["hunter2"]', "A" * 43, "é" * 44])
def test_what_is_no_key_is_refused_and_never_shown(given, monkeypatch) -> None:
    monkeypatch.setenv("INTERLOCK_ENCRYPTION_KEYS", given)
    with pytest.raises(InvalidInput, match="INTERLOCK_ENCRYPTION_KEYS: must hold keys") as refused:
        load_settings()
    assert given not in str(refused.value)
