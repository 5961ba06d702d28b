"""The words of the local model: found module by module, and none claimed twice."""

from __future__ import annotations

from collections import Counter

import pytest

from interlock.core.gallery import calls, lines, replies


@pytest.mark.parametrize("table", ["REPLIES", "AGENTS"])
def test_no_two_modules_claim_one_word(table):
    claims = Counter(word for m in lines.modules() for word in getattr(m, table, {}))

    assert [word for word, count in claims.items() if count > 1] == []
    assert all(word == word.lower() and word.isalpha() for word in claims)


def test_every_module_is_heard():
    words = {word for m in lines.modules() for word in getattr(m, "REPLIES", {})}
    agents = {word for m in lines.modules() for word in getattr(m, "AGENTS", {})}

    assert {"classify", "plan"} <= words == set(replies.REPLIES)
    assert {"reach"} <= agents == set(calls.AGENTS)


def test_every_module_of_words_has_some():
    silent = [m for m in lines.modules() if not hasattr(m, "REPLIES") and not hasattr(m, "AGENTS")]

    assert silent == []
