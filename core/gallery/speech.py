"""What the words of the local model are made of: what it is given, what it says, what it calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage

Parts = Mapping[str, str]  # the material of a prompt, by the tag it stands in
Writer = Callable[[Parts], str]


class Call(NamedTuple):
    """A tool and what it is called with."""

    name: str
    args: Mapping[str, Any]


class Reply(NamedTuple):
    """What the model says, and the tools it calls with it."""

    text: str
    calls: Sequence[Call] = ()


Agent = Callable[[Sequence[BaseMessage]], Reply]
