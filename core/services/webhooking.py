"""
Posting a document to a program, signed. No redirect is followed, and nothing of the answer is read but its head.

It may take as long as its time limit, several times over where a receiver answers a byte at a time: whoever
calls it does so in a thread that it can leave behind.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from importlib import metadata
from typing import IO

from interlock.core.model import notice_signing, notice_texts
from interlock.core.model.notices import Notice, Outcome
from interlock.core.services.notice_targets import Target

GONE = 410  # of a receiver that wants no more, as the Standard Webhooks have it
_BUSY = frozenset({429, 503})


class _StayHere(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like another: what is signed for one place goes to no other."""

    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002  # urllib's signature
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        """No other request."""
        return


_opener = urllib.request.build_opener(_StayHere)


def post(target: Target, notice: Notice, *, now: datetime, timeout_s: float) -> Outcome:
    """Send one document once."""
    body = notice_texts.dump(notice.body).encode()
    headers = make_headers(target, notice, body, now=now)
    request = urllib.request.Request(target.address, body, headers, method="POST")  # noqa: S310  checked
    try:
        with _opener.open(request, timeout=timeout_s) as response:
            return read_answer(response.status, response.headers["retry-after"], now=now)
    except urllib.error.HTTPError as exc:
        exc.close()
        return read_answer(exc.code, exc.headers["retry-after"], now=now)
    except TimeoutError:
        return Outcome(f"No answer within {timeout_s:g} s.")
    except urllib.error.URLError as exc:
        if isinstance(exc.reason, TimeoutError):
            return Outcome(f"No answer within {timeout_s:g} s.")
        return Outcome(f"Not reached: {_name(exc.reason)}.")
    except (OSError, HTTPException, ValueError) as exc:  # the last: a name that can be no host's
        return Outcome(f"Not reached: {_name(exc)}.")


def make_headers(target: Target, notice: Notice, body: bytes, *, now: datetime) -> dict[str, str]:
    """What the Standard Webhooks ask for: the id is the same at each try, the time is that of the try."""
    timestamp = int(now.timestamp())
    return {
        "content-type": "application/json",
        "user-agent": f"Interlock/{metadata.version('interlock-control-room')}",
        "webhook-id": notice.notice_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": notice_signing.sign(
            target.secrets, message_id=notice.notice_id, timestamp=timestamp, body=body
        ),
    }


def read_answer(status: int, retry_after: str | None, *, now: datetime) -> Outcome:
    """What a receiver's answer means, and the header `retry-after` of it."""
    if 200 <= status < 300:
        return Outcome()
    if 300 <= status < 400:
        return Outcome(f"It answered {status}, a redirect, and none is followed.")
    if status == GONE:
        return Outcome("It answered 410: it wants no more messages.", is_final=True)
    wait_s = _read_wait(retry_after, now) if status in _BUSY else None
    return Outcome(f"It answered {status}.", wait_s=wait_s)


def _read_wait(text: str | None, now: datetime) -> float | None:
    """How long it asked to be left alone, in seconds or until a date; None where it says nothing."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _name(reason: object) -> str:
    """The kind of failure and what the system says of it, which does not name the address."""
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return type(reason).__name__
