"""Defaults of settings by the kind of place they hold in; whatever is set itself wins over them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

Environment = Literal["development", "staging", "production"]
ENVIRONMENT = "environment"  # the setting that names it

# development says much and refuses nothing for its size or number; staging is bounded loosely, so that what
# is tried there is not what the bounds of production are; production says little and is strict.
DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "development": {
            "log_level": "debug",
            "api_rate": 0,
            "max_queue": 0,
            "max_text_chars": 0,
            "max_memory_mb": 0,
        },
        "staging": {
            "log_format": "json",
            "api_rate": 30_000,
            "max_queue": 200_000,
            "max_text_chars": 100_000,
            "max_memory_mb": 4000,
        },
        "production": {
            "log_level": "warning",
            "log_format": "json",
            "session_hours": 8.0,
            # Kept, not opened under load: what the server has to allow is what is there from the start.
            "pool_size": 20,
            "pool_overflow": 0,
        },
    }
)


class EnvironmentDefaults(PydanticBaseSettingsSource):
    """What the environment says where neither an option nor a variable does."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """One value; None if the environment does not speak of it."""
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All that it says; nothing where none is named, or one that there is not."""
        return dict(DEFAULTS.get(str(self.current_state.get(ENVIRONMENT)), {}))
