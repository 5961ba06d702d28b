"""
Reading a customer's documents beside the conversation, each content once, whoever brings it.

What is found belongs to the content: it is kept in the store by a hash of it, so that the same
document on another thread, or a second try after a crash, costs nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TypedDict
from weakref import WeakValueDictionary

from langgraph.store.base import BaseStore

from interlock.core.gallery.help_forms import Attachment
from interlock.core.gallery.models import ask, chat_model

SHELF = ("help desk", "documents")
MAX_DOCUMENTS = 10  # that one conversation speaks of; the store keeps all

# Two threads that bring one document at the same time: the second waits, then finds it in the store.
_readers: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


class Document(TypedDict):
    """What the conversation knows of a document; without notes it is still being read."""

    name: str
    notes: str


class Paper(TypedDict):
    """A document to read, and the key of what stands in it."""

    key: str
    name: str
    text: str


class Read(TypedDict):
    """What was found, by key."""

    documents: dict[str, Document]


def join(known: dict[str, Document], new: dict[str, Document]) -> dict[str, Document]:
    """The documents of a conversation; one that was read is not forgotten when it is sent again."""
    news = {key: each for key, each in new.items() if each["notes"] or key not in known}
    return dict(list({**known, **news}.items())[-MAX_DOCUMENTS:])


def paper_of(attachment: Attachment) -> Paper:
    """An attachment with its key, the same for the same content, whatever the file is called."""
    key = hashlib.sha256(attachment.text.strip().encode()).hexdigest()[:16]
    return Paper(key=key, name=attachment.name, text=attachment.text)


async def enrich(state: Paper, *, store: BaseStore) -> Read:
    """Read a document, unless somebody has, and keep what was found for everybody."""
    key = state["key"]
    async with _readers.setdefault(key, asyncio.Lock()):
        kept = await store.aget(SHELF, key)
        notes = str(kept.value["notes"]) if kept else await _read(state["text"])
        if kept is None:
            await store.aput(SHELF, key, {"notes": notes}, index=False)
    return {"documents": {key: Document(name=state["name"], notes=notes)}}


async def _read(text: str) -> str:
    job = "Skim the document and reply with one sentence that says what it is about."
    return str((await chat_model().ainvoke(ask(job, document=text))).text)


def describe(documents: dict[str, Document]) -> str:
    """One line a document, for a prompt."""
    return "\n".join(
        f"- {document['name']}: {document['notes'] or 'still being read'}"
        for document in documents.values()
    )
