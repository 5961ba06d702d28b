"""
What projects test their own LangGraph graphs with: a scripted human, a fake model, golden runs.

Imported by tests alone, and needs nothing of Interlock to run: no worker, no database, no settings.

    from interlock.core.testing import ScriptedHuman, play

    def test_a_refund_is_paid_once_a_person_agrees():
        played = play(graph, {"amount": 620.0}, ScriptedHuman.approving())
        assert played.values["status"] == "paid"
"""

from __future__ import annotations

from interlock.core.errors import InvalidInput
from interlock.core.model.approvals import Intent, Kind, Verb
from interlock.core.testing.cards import Card
from interlock.core.testing.failures import (
    AnswersLeft,
    Failed,
    GoldenDiffers,
    NeverEnds,
    NoAnswer,
    OutOfReplies,
)
from interlock.core.testing.golden import acheck, arecord, check, record
from interlock.core.testing.humans import ScriptedHuman
from interlock.core.testing.models import FakeModel, Prompt, call
from interlock.core.testing.playing import aplay, play
from interlock.core.testing.plays import Asked, Played
from interlock.core.testing.rules import any_text, approx, ignore

__all__ = [
    "AnswersLeft",
    "Asked",
    "Card",
    "Failed",
    "FakeModel",
    "GoldenDiffers",
    "Intent",
    "InvalidInput",
    "Kind",
    "NeverEnds",
    "NoAnswer",
    "OutOfReplies",
    "Played",
    "Prompt",
    "ScriptedHuman",
    "Verb",
    "acheck",
    "any_text",
    "aplay",
    "approx",
    "arecord",
    "call",
    "check",
    "ignore",
    "play",
    "record",
]
