"""What the local model says: a reply for each job of the gallery, made from the prompt alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage

from interlock.core.gallery import lines
from interlock.core.gallery.speech import Parts, Writer

TAGGED = re.compile(r"<(\w+)>\n(.*?)\n</\1>", re.DOTALL)

REPLIES: Mapping[str, Writer] = {
    word: writer
    for module in lines.modules()
    for word, writer in getattr(module, "REPLIES", {}).items()
}


def reply_to(messages: Sequence[BaseMessage]) -> str:
    """Reply to the prompt; its first word is the job, its tags are the material."""
    prompt = str(messages[0].text) if messages else ""
    job = prompt.split(maxsplit=1)[0].lower() if prompt.strip() else ""
    parts = dict(TAGGED.findall(str(messages[-1].text))) if messages else {}
    return REPLIES.get(job, _introduce)(parts)


def _introduce(_parts: Parts) -> str:
    return (
        "I am Interlock's local model: I always give the same reply to the same prompt, and know "
        "only the shipped workflows. Set INTERLOCK_MODEL to talk to a real one."
    )
