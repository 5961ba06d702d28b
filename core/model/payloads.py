"""
The seam between what graphs ask and what operators say: read an interrupt, build its answer.

Import this module, not the ones behind it.
"""

from __future__ import annotations

from interlock.core.model.payload_answers import build_answer
from interlock.core.model.payload_failures import (
    EditCost,
    Remark,
    describe_failure,
    read_failure,
    read_remark,
)
from interlock.core.model.payload_shapes import question_of, read_breakpoint, read_interrupt
from interlock.core.model.questions import Action, Question

__all__ = [
    "Action",
    "EditCost",
    "Question",
    "Remark",
    "build_answer",
    "describe_failure",
    "question_of",
    "read_breakpoint",
    "read_failure",
    "read_interrupt",
    "read_remark",
]
