"""Reading JSON strictly: what readers usually let pass, or change without a word, is refused."""

from __future__ import annotations

import json

from interlock.core.types import Json


class DoubledKey(ValueError):
    """An object names a key twice, of which JSON readers keep the last without a word."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def loads(text: str) -> Json:
    """
    Read one JSON value.

    Raises:
        DoubledKey: An object names a key twice.
        ValueError: It is not JSON; NaN and the infinities are not. `json.JSONDecodeError` says where.
        RecursionError: It is nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_make_object)
    except (json.JSONDecodeError, DoubledKey):
        raise
    except ValueError as exc:
        if "limit" in str(exc):  # Python's own words are for who calls it
            raise ValueError("it has a number of more than 4300 digits") from exc
        raise


def _make_object(pairs: list[tuple[str, Json]]) -> Json:
    made: dict[str, Json] = {}
    for key, value in pairs:
        if key in made:
            raise DoubledKey(key)
        made[key] = value
    return made


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not a JSON number")
