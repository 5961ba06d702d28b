"""The process that runs graphs; the only one that imports user code."""

from __future__ import annotations

import os

# LangGraph reads this once, when it is imported; every module of this package may do that (law 9).
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
