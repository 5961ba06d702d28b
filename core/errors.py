"""
Every failure Interlock tells a caller about, in one tree.

Caught at the edges only (page, command line, worker loop). Foreign errors are wrapped where they
enter (`store`, `graphs`). Each class states its exit code, so the command line needs no table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


class InterlockError(Exception):
    """Something Interlock was asked to do could not be done; the message says what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def as_document(self) -> dict[str, Any]:
        """The JSON form, for command line and API."""
        return {"error": str(self)}


class NotFound(InterlockError):
    """No object has this id; list the objects and use an id that was printed."""

    exit_code = 4

    def __init__(self, what: str, object_id: str, *, hint: str = "") -> None:
        super().__init__(f"There is no {what} {object_id!r}.", hint=hint)
        self.what = what
        self.object_id = object_id


class Conflict(InterlockError):
    """Somebody or something else was first; `winner` says who decided what and when, if it was a decision."""

    exit_code = 3

    def __init__(
        self, message: str, *, winner: Mapping[str, Any] | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.winner = winner

    def as_document(self) -> dict[str, Any]:
        """With the decision that won."""
        winner = None if self.winner is None else dict(self.winner)
        return {**super().as_document(), "winner": winner}


class NotAllowed(InterlockError):
    """This operator may not do this; the message names the role that may."""

    exit_code = 5


class SignedOut(NotAllowed):
    """Nobody known asks: not signed in, signed out, run out, or of a closed account. Sign in (again)."""


@dataclass(frozen=True)
class FieldProblem:
    """One thing wrong with an input: `path` is a dotted field path, empty for the whole value."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidInput(InterlockError):
    """An input, an answer or a setting was refused before anything was written."""

    exit_code = 1

    def __init__(
        self, message: str, *, problems: Sequence[FieldProblem] = (), hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        details = "; ".join(str(p) for p in self.problems)
        return f"{self.message} {details} {self.hint}".replace("  ", " ").strip()

    def as_document(self) -> dict[str, Any]:
        """With each problem by its place."""
        problems = [{"path": p.path, "message": p.message} for p in self.problems]
        return {**super().as_document(), "problems": problems}


class UsageError(InterlockError):
    """The command was called in a way that has no meaning; nothing was looked at."""

    exit_code = 2


class NotServed(InterlockError):
    """A program asked for what other servers of its protocol do and Interlock does not; nothing was done."""

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(f"Interlock does not serve {what}.", hint=hint)


class StoreUnavailable(InterlockError):
    """The database does not answer or does not fit this version; the message has the command to run."""


class StoreBusy(StoreUnavailable):
    """Others held what this had to change: nothing was changed, and the same again may well go through."""


class OutcomeUnknown(StoreUnavailable):
    """The database went away while it was told to keep a change: nobody knows whether it did. Look first."""


class KeyMissing(InterlockError):
    """What was asked for is encrypted with a key that this process was not given; the message names it."""


class SealBroken(InterlockError, ValueError):
    """What was encrypted is damaged, or was changed in the database; a backup may have it whole."""


class NoWorker(InterlockError):
    """The command needs a running worker; start one with `interlock up` or `interlock worker`."""


class GraphFailed(InterlockError):
    """User code or LangGraph raised; `error_type` is the class name, `stack` its traceback text."""

    def __init__(self, message: str, *, error_type: str, stack: str = "") -> None:
        super().__init__(message)
        self.error_type = error_type
        self.stack = stack


class WorkflowNotLoaded(InterlockError):
    """A graph of the project could not be loaded; the others work. The message has the reason."""


class CallRefused(InterlockError, RuntimeError):
    """
    A policy did not let a call of a node or tool through, so nothing of it ran.

    A RuntimeError, which LangGraph's own retry leaves alone. `name` is what refused (a breaker, a
    limit); `retry_at` is when to try again, None where nobody knows.
    """

    def __init__(self, message: str, *, name: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.retry_at = retry_at


class FallbackAsked(InterlockError):
    """A node that serves as a fallback wanted to ask a human: the answer would go to the node it stands for."""


class StepTimedOut(InterlockError):
    """A superstep took longer than its workflow's `step_s`; the message says what was still at work."""


class RateLimited(CallRefused):
    """
    A limit of ours is used up: a launch, a node, a tool or a model was not started.

    `retry_after` is the seconds from then to `retry_at`, under the name that HTTP clients give it.
    """

    def __init__(self, message: str, *, name: str, now: datetime, wait_s: float) -> None:
        super().__init__(message, name=name, retry_at=now + timedelta(seconds=wait_s))
        self.retry_after = wait_s

    def as_document(self) -> dict[str, Any]:
        """With when to try again."""
        retry_at = None if self.retry_at is None else self.retry_at.isoformat()
        return {**super().as_document(), "retry_at": retry_at}


class QueueFull(InterlockError):
    """
    So many runs wait for a worker that no more are launched; nothing was written. Try again at `retry_at`.

    `most` is how many may wait, `retry_after` the seconds until then. Decisions are not refused.
    """

    exit_code = 6

    def __init__(self, *, most: int, now: datetime, wait_s: float) -> None:
        super().__init__(
            f"The queue is full: {most} runs wait for a worker, and no more may.",
            hint=f"Try again in {math.ceil(wait_s)} s. Decisions are taken meanwhile.",
        )
        self.most = most
        self.retry_after = wait_s
        self.retry_at = now + timedelta(seconds=wait_s)

    def as_document(self) -> dict[str, Any]:
        """With when to try again."""
        return {**super().as_document(), "retry_at": self.retry_at.isoformat()}


class SwitchedOff(InterlockError):
    """An admin has switched this off for the whole installation; the message says who and why. Try again later."""

    exit_code = 6

    def __init__(self, message: str, *, flag: str) -> None:
        super().__init__(message, hint="Nothing was changed. `interlock flags` lists what is off.")
        self.flag = flag

    def as_document(self) -> dict[str, Any]:
        """With the flag."""
        return {**super().as_document(), "flag": self.flag}


class BreakerOpen(CallRefused):
    """A breaker is open, or half open with its one probe in flight; the node or tool was not called."""
