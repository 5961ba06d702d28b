"""What a test is told when its script does not fit its graph. Each is an AssertionError: a failed test."""

from __future__ import annotations

from interlock.core.errors import InterlockError


class Failed(InterlockError, AssertionError):
    """The graph did not do what the test's script says; the message has the place and what to change."""


class NoAnswer(Failed):
    """The graph asked something that the scripted human has no answer to."""


class AnswersLeft(Failed):
    """The graph ended without asking all that the scripted human has answers to."""


class NeverEnds(Failed):
    """The graph asked, or ran on, more often than it was given; it may go round in a circle."""


class OutOfReplies(Failed, RuntimeError):
    """A fake model was asked once more than it has replies. A RuntimeError, which no retry repeats."""


class GoldenDiffers(Failed):
    """A golden run went another way than it was recorded."""
