"""Which classes stored bytes may name: a fixed set, and the data classes of the project's modules."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib
import importlib.util
import sys
from collections import deque
from collections.abc import Iterable
from enum import Enum
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

from interlock.core.graphs.modules import is_project_file
from interlock.core.graphs.project import Project

TypeKey = tuple[str, str]

_DATA_BASES = (
    BaseModel,
    Enum,
    set,
    frozenset,
    deque,
    PurePath,
    dt.date,
    dt.time,
    dt.timedelta,
)


class ProjectTypes:
    """Tells whether a (module, class) names a data class that one of the project's modules defines."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._found: set[TypeKey] = set()
        # A project that is installed exports its graphs by module name; that package is its own.
        self._packages = {g.module.partition(".")[0] for g in project.graphs if not g.is_file}

    def __contains__(self, key: TypeKey) -> bool:
        if key not in self._found and self._look_up(*key):
            self._found.add(key)  # what is not there may still come: a module imported late
        return key in self._found

    def _is_own(self, module_name: str) -> bool:
        return module_name.partition(".")[0] in self._packages or is_project_file(
            _find_file(module_name), self._project
        )

    def _look_up(self, module_name: str, name: str) -> bool:
        if not self._is_own(module_name):
            return False
        try:
            module = importlib.import_module(module_name)
        except Exception:  # noqa: BLE001 - the user's module; a type of it cannot be restored then
            return False
        found = vars(module).get(name)
        # A function, or a class that the module merely imported, must not be callable from bytes.
        return isinstance(found, type) and found.__module__ == module_name and is_data_class(found)


class TrustedTypes(set[TypeKey]):
    """A set of (module, class) pairs that answers for the project's own data classes too."""

    def __init__(self, keys: Iterable[TypeKey], project_types: ProjectTypes | None = None) -> None:
        super().__init__(keys)
        self.project_types = project_types

    def __contains__(self, key: object) -> bool:
        if set.__contains__(self, key):
            return True
        return self.project_types is not None and key in self.project_types  # type: ignore[operator]

    def extended(self, keys: Iterable[TypeKey]) -> TrustedTypes:
        """The same with more pairs."""
        return TrustedTypes({*self, *keys}, self.project_types)


def is_data_class(cls: type) -> bool:
    """Whether a class only holds data: making one from stored values runs no code beyond its own checks."""
    if dataclasses.is_dataclass(cls) or issubclass(cls, _DATA_BASES):
        return True
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return True
    return any(base.__module__ == "pydantic.v1.main" for base in cls.__mro__)


def _find_file(module_name: str) -> str | None:
    module = sys.modules.get(module_name)
    if module is not None:
        return getattr(module, "__file__", None)
    try:
        # A module imported late, inside a node: finding it imports its packages, which are the
        # project's own if the module is.
        spec: Any = importlib.util.find_spec(module_name)
    except Exception:  # noqa: BLE001 - a parent package of the user's may raise what it likes
        return None
    return spec.origin if spec else None
