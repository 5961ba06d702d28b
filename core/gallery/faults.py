"""
Which of the services that the gallery stands in for are down: those named by a JSON file.

The file is `{"payments": true, "market": false}`; the variable says where it lies. It is read again
whenever it changes, so that a presenter can let a service fail, and recover, while runs are under way.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

VARIABLE = "INTERLOCK_GALLERY_FAULTS"

Service = Literal["payments", "mail", "market", "deployment", "knowledge", "pictures"]
SERVICES: tuple[Service, ...] = get_args(Service)


class ServiceDown(ConnectionError):
    """A service does not answer; it is the kind of error that goes away by itself."""


def check(service: Service) -> None:
    """Raise ServiceDown where the file says that this service is down."""
    if service in down():
        raise ServiceDown(f"The service '{service}' does not answer.")


def down() -> frozenset[str]:
    """The services that are down; none where the file is missing, half written or unset."""
    name = os.environ.get(VARIABLE, "").strip()
    if not name:
        return frozenset()
    try:
        found = os.stat(name)  # noqa: PTH116  (every call of a service asks; a Path costs more)
    except OSError:
        return frozenset()
    return _read(name, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(maxsize=1)
def _read(name: str, _changed_ns: int, _size: int, _inode: int) -> frozenset[str]:
    """Read the file once for each state that it is in."""
    try:
        said = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    if not isinstance(said, dict):
        return frozenset()
    return frozenset(service for service, is_down in said.items() if is_down is True)
