"""Encrypted variables of a project's environment."""

from __future__ import annotations

import pytest

from interlock.core import ciphers
from interlock.core.ciphers import Cipher
from interlock.core.errors import InvalidInput
from interlock.core.worker.secrets import open_variables

OLD, NEW = Cipher([ciphers.make_key()]), Cipher([ciphers.make_key()])


def test_what_is_encrypted_is_set_for_the_code_that_is_loaded_next() -> None:
    environment = {
        "STRIPE_API_KEY_ENCRYPTED": f" {NEW.seal(b'sk_live_1')}\n",
        "DB_PASSWORD_ENCRYPTED": NEW.seal("pässword".encode()),
        "INTERLOCK_ENCRYPTION_KEYS": "the keys themselves",
    }
    assert open_variables(environment, NEW) == ["DB_PASSWORD", "STRIPE_API_KEY"]
    assert environment["STRIPE_API_KEY"] == "sk_live_1"
    assert environment["DB_PASSWORD"] == "pässword"
    assert "INTERLOCK_ENCRYPTION_KEYS" not in environment


@pytest.mark.parametrize("name", ["X_API_KEY", "X"])
def test_a_plain_variable_wins(name) -> None:
    environment = {name: "plain", f"{name}_ENCRYPTED": OLD.seal(b"other")}
    assert open_variables(environment, None) == []
    assert environment[name] == "plain"


def test_what_is_none_of_ours_is_left_alone() -> None:
    environment = {"DISK_ENCRYPTED": "true", "_ENCRYPTED": "1", "Y_API_KEY_ENCRYPTED": ""}
    assert open_variables(dict(environment), None) == []


@pytest.mark.parametrize(
    ("value", "cipher", "said"),
    [
        (OLD.seal(b"x"), NEW, f"with the key {OLD.newest}, which is not among"),
        (OLD.seal(b"x"), None, "No key is given"),
        (OLD.seal(b"x")[:-2], OLD, "is damaged"),
        ("sk_live_1", NEW, r"is nothing that was encrypted\. `interlock keys encrypt-value`"),
        (NEW.seal(b"\xff"), NEW, "can't decode"),
    ],
    ids=["another's", "no key", "cut", "plain", "no text"],  # what is sealed differs each time
)
def test_what_cannot_be_decrypted_names_its_variable_and_shows_no_secret(
    value, cipher, said
) -> None:
    with pytest.raises(InvalidInput, match=rf"STRIPE_API_KEY_ENCRYPTED .*{said}") as refused:
        open_variables({"STRIPE_API_KEY_ENCRYPTED": value}, cipher)
    assert "sk_live_1" not in str(refused.value)
