"""JSON Schemas of inputs, states and answers: checked before anything is sent, described for forms."""

from __future__ import annotations

from interlock.core.model.schema_checks import (
    check,
    check_fields,
    check_input,
    find_schema_problem,
)
from interlock.core.model.schema_fields import Field, FieldType, fields_of, is_drawable

__all__ = [
    "Field",
    "FieldType",
    "check",
    "check_fields",
    "check_input",
    "fields_of",
    "find_schema_problem",
    "is_drawable",
]
