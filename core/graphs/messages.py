"""Streamed chat messages as few events: the pieces of a moment together, then the whole once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage, BaseMessageChunk

from interlock.core.types import Json

MERGE_S = 0.1  # a message's pieces within this time become one event
MAX_TEXT = 200_000  # characters of one message kept

Emit = Callable[[str, Json, str], None]  # kind, data, path


@dataclass
class _Message:
    path: str
    text: str
    unsent: str
    sent_at: float  # time.perf_counter()
    is_done: bool = False


class Messages:
    """The messages of one run, by id."""

    def __init__(self, emit: Emit, *, path_of: Callable[[str], str]) -> None:
        self._emit = emit
        self._path_of = path_of
        self._messages: dict[str, _Message] = {}
        self._begun: dict[str, _Message] = {}  # those that may have something unsent

    def add(self, message: BaseMessage, metadata: dict[str, Any]) -> None:
        """Take a message, or a piece of one."""
        path = self._path_of(str(metadata.get("langgraph_checkpoint_ns", "")))
        key = message.id or f"{path}:{id(message)}"
        text = str(message.text)
        is_chunk = isinstance(message, BaseMessageChunk)
        known = self._messages.get(key)
        if known is not None and known.is_done:
            return  # a node returns the message it has streamed: the same one again
        if known is None:
            known = self._messages[key] = _Message(path, "", "", time.perf_counter())
            self._begun[key] = known
        if not is_chunk and known.text:
            known.unsent = ""
        elif len(known.text) < MAX_TEXT:
            known.text += text
            known.unsent += text
        known.is_done = not is_chunk or getattr(message, "chunk_position", None) == "last"
        if known.is_done:
            del self._begun[key]
            self._send_whole(key, known, message.type.removesuffix("MessageChunk").lower())
        elif time.perf_counter() - known.sent_at >= MERGE_S and known.unsent:
            self._send_piece(key, known)

    def send_due(self) -> None:
        """Send what has waited for a further piece for long enough: a model may pause, or its process die."""
        now = time.perf_counter()
        for key, message in self._begun.items():
            if message.unsent and now - message.sent_at >= MERGE_S:
                self._send_piece(key, message)

    def flush(self) -> None:
        """Send what has not been sent of messages that never ended."""
        for key, message in self._begun.items():
            if message.unsent:
                self._send_piece(key, message)

    def _send_piece(self, key: str, message: _Message) -> None:
        self._emit("message", {"id": key, "text": message.unsent, "done": False}, message.path)
        message.unsent, message.sent_at = "", time.perf_counter()

    def _send_whole(self, key: str, message: _Message, role: str) -> None:
        if message.text:
            data = {"id": key, "text": message.text, "role": role, "done": True}
            self._emit("message", data, message.path)
        message.text, message.unsent = "", ""
