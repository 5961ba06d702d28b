"""
The full-text indexes on `search_texts`, as each database spells them; the migration that first made
them has its own copy.
"""

from __future__ import annotations

from collections.abc import Mapping

CREATE: Mapping[str, tuple[str, ...]] = {
    "sqlite": (
        (
            "CREATE VIRTUAL TABLE search_words USING fts5("
            "words, content='search_texts', content_rowid='text_id', prefix='2 3')"
        ),
        (
            "CREATE TRIGGER search_texts_added AFTER INSERT ON search_texts BEGIN"
            " INSERT INTO search_words(rowid, words) VALUES (new.text_id, new.words); END"
        ),
        (
            "CREATE TRIGGER search_texts_removed AFTER DELETE ON search_texts BEGIN"
            " INSERT INTO search_words(search_words, rowid, words)"
            " VALUES ('delete', old.text_id, old.words); END"
        ),
        (
            "CREATE TRIGGER search_texts_changed AFTER UPDATE ON search_texts BEGIN"
            " INSERT INTO search_words(search_words, rowid, words)"
            " VALUES ('delete', old.text_id, old.words);"
            " INSERT INTO search_words(rowid, words) VALUES (new.text_id, new.words); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE INDEX ix_search_texts_words ON search_texts"
            " USING gin (to_tsvector('simple', words))"
        ),
    ),
}
DROP: Mapping[str, tuple[str, ...]] = {"sqlite": ("DROP TABLE search_words",)}
