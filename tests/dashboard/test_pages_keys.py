"""Pages of a process that has not the key of what it is to show."""

from __future__ import annotations

from interlock.core import ciphers
from interlock.core.ciphers import Cipher
from interlock.core.errors import KeyMissing
from interlock.core.store import columns
from interlock.dashboard.http.api.answers import refusal


def test_a_page_says_which_key_is_missing(app, seed, open_page):
    key = ciphers.make_key()
    columns.use_cipher(app.engine, Cipher([key]))
    card = seed.card()
    columns.use_cipher(app.engine, Cipher([ciphers.make_key()]))
    for name, params in (("inbox", {"card": card.approval_id}), ("run", {"run_id": card.run_id})):
        page = open_page(name, **params)
        said = " ".join(element.value for element in [*page.markdown, *page.error, *page.warning])
        assert f"with the key {ciphers.fingerprint(key)}" in said.replace("\\", "")


def test_the_api_says_so_as_a_problem():
    told = refusal(KeyMissing("This is encrypted with the key 3fa9c1d2."))
    assert told.status_code == 503
    assert b"urn:interlock:key-missing" in told.body
