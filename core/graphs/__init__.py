"""
The only place that imports LangGraph: reads a project, loads its graphs, runs and describes them.

Only the worker (and tests) import this package, because loading a project runs the user's code.
"""

from __future__ import annotations

import os

# LangGraph reads it once, when it is imported, and nothing of it is imported before this line (law 9).
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
