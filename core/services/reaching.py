"""
Can what lies outside be reached: the model's provider, and the addresses named in the settings?

Asked at most every few seconds a process, side by side, and never waited for long: a probe of health
must answer although the network does not.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from interlock.core.masking import mask_text

TIMEOUT_S = 2.0
KEPT_S = 15.0  # an answer is as good as new for so long
SERVER_FAILED = 500  # what answers below that is there, if only to refuse us
# Where the providers of `init_chat_model` are, and the variable that puts another address in place.
_PROVIDERS = {
    "openai": ("OPENAI_BASE_URL", "https://api.openai.com"),
    "anthropic": ("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
    "google_genai": ("", "https://generativelanguage.googleapis.com"),
    "mistralai": ("MISTRAL_BASE_URL", "https://api.mistral.ai"),
    "groq": ("GROQ_API_BASE", "https://api.groq.com"),
    "deepseek": ("DEEPSEEK_API_BASE", "https://api.deepseek.com"),
    "ollama": ("OLLAMA_HOST", "http://127.0.0.1:11434"),
}
_BY_NAME = (("gpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("claude", "anthropic"))


@dataclass(frozen=True)
class Answer:
    """What came of asking one address."""

    ok: bool
    message: str
    ms: float


_lock = threading.Lock()
_answers: dict[str, tuple[float, Answer]] = {}


def ask_all(addresses: Sequence[str]) -> dict[str, Answer]:
    """What each address answers, or answered lately."""
    now = time.monotonic()
    with _lock:
        kept = {a: _answers[a][1] for a in addresses if _is_fresh(a, now)}
    due = [address for address in dict.fromkeys(addresses) if address not in kept]
    found: dict[str, Answer] = {}

    def ask_one(address: str) -> None:
        found[address] = _ask(address)

    asking = [threading.Thread(target=ask_one, args=(a,), daemon=True) for a in due]
    for thread in asking:
        thread.start()
    until = time.monotonic() + TIMEOUT_S + 0.5
    for thread in asking:
        thread.join(max(0.0, until - time.monotonic()))
    late = Answer(ok=False, message=f"did not answer within {TIMEOUT_S:g} s", ms=TIMEOUT_S * 1000)
    answers = kept | {address: found.get(address, late) for address in due}
    with _lock:
        _answers.update({a: (time.monotonic(), answers[a]) for a in due})
    return answers


def forget() -> None:
    """Ask anew next time."""
    with _lock:
        _answers.clear()


def address_of(model: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Where the provider of a model is; None where we do not know."""
    provider = model.partition(":")[0] if ":" in model else ""
    if not provider:
        provider = next((name for start, name in _BY_NAME if model.startswith(start)), "")
    variable, address = _PROVIDERS.get(provider, ("", None))
    return environment.get(variable) or address


def name_of(address: str) -> str:
    """An address without what may be secret in it: its host, and its port if it names one."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "?"
    return f"{parts.hostname or '?'}{port}"


def _is_fresh(address: str, now: float) -> bool:
    return address in _answers and now - _answers[address][0] < KEPT_S


def _ask(address: str) -> Answer:
    started = time.perf_counter()
    try:
        ok, message = _connect(urlsplit(address))
    except (OSError, ValueError, http.client.HTTPException) as exc:
        ok, message = False, f"cannot be reached ({mask_text(str(exc)) or type(exc).__name__})"
    return Answer(ok=ok, message=message, ms=(time.perf_counter() - started) * 1000)


def _connect(parts: SplitResult) -> tuple[bool, str]:
    host = parts.hostname or ""
    if parts.scheme == "tcp":
        with socket.create_connection((host, parts.port or 0), timeout=TIMEOUT_S):
            return True, "takes connections"
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=TIMEOUT_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    try:
        query = f"?{parts.query}" if parts.query else ""
        connection.request("GET", f"{parts.path or '/'}{query}")
        status = connection.getresponse().status
    finally:
        connection.close()
    return status < SERVER_FAILED, f"answers with {status}"
