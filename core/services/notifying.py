"""
Telling people, through whatever Apprise can reach: mail, chat, pagers, web hooks.

Apprise is an extra and is imported when there is somebody to tell. Addresses hold tokens: they are
never logged, only the kind of service they name.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

from interlock.core.masking import MASK, mask_text
from interlock.core.model.alerts import Alert, Severity

EXTRA = "pip install 'interlock-control-room[notify]'"
_PART = re.compile(r"[^\s:/@?&=+#,;]{4,}")  # of an address: a host, a user, a token
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]{0,31})://")

logger = logging.getLogger(__name__)


class Notifier:
    """Tells everybody who is to be told; `tell` may take seconds, so call it from a thread."""

    def __init__(self, addresses: Iterable[str], *, public_url: str | None = None) -> None:
        self._public_url = (public_url or "").rstrip("/")
        self._services = _open_all(addresses)

    @property
    def has_somebody(self) -> bool:
        """Whether anybody can be told."""
        return bool(self._services)

    def tell(self, alert: Alert) -> bool:
        """Tell of an alert, or of its end; False if nobody could be reached."""
        title, body, kind = compose(alert, public_url=self._public_url)
        reached = [self._send(name, service, title, body, kind) for name, service in self._services]
        return any(reached)

    def _send(self, name: str, service: Any, title: str, body: str, kind: str) -> bool:
        try:
            is_sent = service.notify(title=title, body=body, notify_type=kind, body_format="text")
        except Exception as exc:  # noqa: BLE001 - a service's module may raise anything
            logger.warning("alert_not_told", extra={"service": name, "reason": type(exc).__name__})
            return False
        if not is_sent:
            logger.warning("alert_not_told", extra={"service": name, "reason": "It was refused."})
        return bool(is_sent)


_heard: ContextVar[list[str] | None] = ContextVar("interlock_apprise_heard", default=None)


class _Listener(logging.Filter):
    """
    Keeps what Apprise says of what it could not do, and lets none of it into the log: it names addresses.

    Apprise sends in threads of its own, which have the context of whoever asked for it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep it for whoever sends."""
        heard = _heard.get()
        if heard is not None:
            heard.append(record.getMessage())
        return False


_listener = _Listener()


def _listen() -> None:
    apprise_log = logging.getLogger("apprise")
    apprise_log.setLevel(logging.WARNING)
    apprise_log.addFilter(_listener)  # once: the same one is not added again


def send(address: str, *, title: str, text: str, kind: str = "info") -> str:
    """
    Send one message to one Apprise URL; no redirect is followed. It may take seconds.

    Returns:
        Why it did not arrive, without anything of the address; empty if it did.
    """
    try:
        import apprise
    except ImportError:
        return f"Apprise is not installed: {EXTRA}"
    _listen()
    service = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))
    if not service.add(address):
        return "Apprise does not know such an address."
    heard: list[str] = []
    _heard.set(heard)
    try:
        is_sent = service.notify(title=title, body=text, notify_type=kind, body_format="text")
    except Exception as exc:  # noqa: BLE001 - a service's module may raise anything
        return f"The service failed with {type(exc).__name__}."
    return "" if is_sent else hide(" ".join(heard[-1:]), address) or "It was refused."


def hide(text: str, address: str) -> str:
    """What somebody said of an address, without the parts of it."""
    for part in sorted(set(_PART.findall(address)), key=len, reverse=True):
        text = text.replace(part, MASK)
    return mask_text(text)


def find_addresses(given: Iterable[str]) -> tuple[str, ...]:
    """
    Apprise URLs as they are, and those that environment variables hold, by their names.

    A variable may hold several, with blanks between them; one that is not set is told and left out,
    by its position alone, as what is given may be an address that was spelled wrong.
    """
    found: list[str] = []
    for position, each in enumerate(given, 1):
        if "://" in each:
            found.append(each)
        elif each in os.environ:
            found += os.environ[each].split()
        else:
            reason = "It is no address (scheme://...) and no variable that is set."
            logger.warning(
                "notify_variable_missing", extra={"position": position, "reason": reason}
            )
    return tuple(dict.fromkeys(found))


def compose(alert: Alert, *, public_url: str = "") -> tuple[str, str, str]:
    """What is sent: title, text, and Apprise's kind of message."""
    where = f"{public_url}/{alert.link}" if public_url else ""
    if alert.resolved_at is not None:
        lasted_s = int((alert.resolved_at - alert.fired_at).total_seconds())
        text = f"It lasted {lasted_s // 60} min {lasted_s % 60} s."
        return f"[over] {alert.title}", _lines(text, where), "success"
    kind = "failure" if alert.severity is Severity.CRITICAL else "warning"
    return f"[{alert.severity}] {alert.title}", _lines(alert.advice, where), kind


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _name_service(address: str) -> str:
    """The kind of service; nothing of what is no address, as its secret may stand anywhere."""
    found = _SCHEME.match(address)
    return found[1] if found else "?"


def _open_all(addresses: Iterable[str]) -> list[tuple[str, Any]]:
    wanted = list(addresses)
    if not wanted:
        return []
    try:
        import apprise
    except ImportError:
        logger.warning("alerts_are_told_to_nobody", extra={"reason": f"Install it: {EXTRA}"})
        return []
    _listen()
    opened = []
    for address in wanted:
        name = _name_service(address)
        service = apprise.Apprise()
        if service.add(address):
            opened.append((name, service))
        else:
            reason = "Apprise does not know such an address."
            logger.warning("notify_address_wrong", extra={"service": name, "reason": reason})
    return opened
