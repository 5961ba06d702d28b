"""
The local model's words, one module for each workflow that it speaks in.

A module has `REPLIES` (the first word of a prompt, and who writes the reply) and, where the model
calls tools there, `AGENTS`. Every module of this folder is found; no two may claim one word.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType


def modules() -> list[ModuleType]:
    """Every module of words, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return [import_module(f"{__name__}.{name}") for name in names]
