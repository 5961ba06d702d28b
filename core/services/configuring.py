"""Every setting as it holds, and where it comes from: for `doctor` and the screen of the system."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.core.environments import DEFAULTS
from interlock.core.masking import MASK, mask_text
from interlock.core.settings import ENV_PREFIX, Settings

_SECRET = frozenset({"notify", "encryption_keys"})  # addresses that hold keys in any of their parts


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting as it holds now; `source` is default, environment, option, or an environment's name."""

    name: str
    variable: str
    value: str | None
    source: str
    description: str


def list_settings(overrides: Mapping[str, Any], settings: Settings | None) -> list[Setting]:
    """Every setting; where they are wrong as a whole, the values as they were given."""
    environment = {name.upper(): value for name, value in os.environ.items()}
    kind = None if settings is None else settings.environment
    listed = []
    for name, field in Settings.model_fields.items():
        variable = f"{ENV_PREFIX}{name.upper()}"
        source, given = "default", field.default
        if kind is not None and name in DEFAULTS[kind]:
            source = kind
        if variable in environment:
            source, given = "environment", environment[variable]
        if overrides.get(name) is not None:
            source, given = "option", overrides[name]
        value = given if settings is None else getattr(settings, name)
        listed.append(
            Setting(
                name=name,
                variable=variable,
                value=None if value is None else _show(value, is_secret=name in _SECRET),
                source=source,
                description=field.description or "",
            )
        )
    return listed


def _show(value: object, *, is_secret: bool) -> str:
    if is_secret and value:
        return MASK
    if value in ((), [], ""):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return mask_text(json.dumps(list(value), ensure_ascii=False))
    return mask_text(str(value))
