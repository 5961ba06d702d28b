"""The serializer of checkpoints where there are keys."""

from __future__ import annotations

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from interlock.core import ciphers
from interlock.core.ciphers import Cipher
from interlock.core.errors import KeyMissing
from interlock.core.graphs import cache_keys
from interlock.core.graphs.checkpoints import count_resumes, read_timestamp
from interlock.core.graphs.serde import sealed, serializer_for

PLAIN = serializer_for(None, None)


@pytest.fixture
def cipher() -> Cipher:
    return Cipher([ciphers.make_key()])


def test_without_keys_it_stays_itself(cipher) -> None:
    assert PLAIN.with_cipher(None) is PLAIN
    other = JsonPlusSerializer()
    assert sealed(other, cipher) is other


@pytest.mark.parametrize("value", [{"a": [1, "b"]}, "text", b"bytes", None, 1.0])
def test_a_value_comes_back_and_is_not_seen(cipher, value) -> None:
    serde = PLAIN.with_cipher(cipher)
    kind, data = serde.dumps_typed(value)
    assert serde.loads_typed((kind, data)) == value
    assert b"text" not in data
    assert b"bytes" not in data
    if value is not None:
        with pytest.raises(KeyMissing):
            PLAIN.loads_typed((kind, data))
    assert serde.loads_typed(PLAIN.dumps_typed(value)) == value  # from before there were keys


def test_further_types_are_trusted_with_the_same_keys(cipher) -> None:
    serde = PLAIN.with_cipher(cipher)
    assert serde.with_msgpack_allowlist([("x", "Y")]).cipher is cipher


def test_a_cache_looks_the_same_question_up_under_the_same_key(cipher) -> None:
    encode = cache_keys.encoder_of(PLAIN.with_cipher(cipher))
    assert encode({"a": 1}) == encode({"a": 1}) == PLAIN.dumps_typed({"a": 1})
    assert cache_keys.encoder_of(JsonPlusSerializer())({"a": 1})[0] == "msgpack"


def test_what_is_read_beside_the_saver_is_decrypted_too(cipher) -> None:
    serde = PLAIN.with_cipher(cipher)
    assert count_resumes(*serde.dumps_typed(["a", "b"]), cipher) == 2
    assert read_timestamp(*serde.dumps_typed({"ts": "now"}), cipher) == "now"
    with pytest.raises(KeyMissing):
        count_resumes(*serde.dumps_typed(["a"]))
