"""
A tool in a process of its own: bounded, without the worker's secrets, without network (MISSION R6).

The process imports the tool's module by itself, so its function has to be one that a module holds, and
its arguments and its result have to be JSON. What cannot be shut in is refused, never run outside.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from langchain_core.tools import BaseTool, StructuredTool, Tool

from interlock.core.errors import CallRefused, InterlockError
from interlock.core.graphs.sandbox_child import BY_SIGNAL
from interlock.core.model.policies import SandboxRules

MAX_OUTPUT = 1_000_000  # bytes of what a tool gives
CHILD = Path(__file__).with_name("sandbox_child.py")
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")  # of the environment; no secret is there

logger = logging.getLogger(__name__)


class ToolStopped(InterlockError, RuntimeError):
    """A bound of the sandbox ended a tool; the message says which."""


class SandboxedError(InterlockError, RuntimeError):
    """The tool raised an error of a class that only its own process knows."""


@dataclass(frozen=True)
class Origin:
    """Where a process finds a function."""

    module: str
    file: str
    name: str


def shut_in(tool: BaseTool, rules: SandboxRules, warn: Callable[[str], None]) -> BaseTool:
    """
    The same tool, whose function runs in a process of its own.

    Raises:
        CallRefused: A process of its own could not find its function.
    """
    origin = find_origin(tool)

    async def run(**arguments: Any) -> Any:
        check(tool, arguments)
        result = await call(origin, arguments, rules, warn)
        return tuple(result) if tool.response_format == "content_and_artifact" else result

    return tool.model_copy(update={"func": None, "coroutine": run})


def find_origin(tool: BaseTool) -> Origin:
    """
    Where the function of a tool comes from.

    Raises:
        CallRefused: From nowhere that another process can go.
    """
    if isinstance(tool, StructuredTool | Tool):
        function = inspect.unwrap(tool.coroutine or tool.func)  # type: ignore[arg-type]
        module = sys.modules.get(getattr(function, "__module__", ""))
        name, file = getattr(function, "__qualname__", "<"), getattr(module, "__file__", None)
        if module is not None and file and "<" not in name:
            return Origin(module.__name__, str(Path(file).resolve()), name)
    raise CallRefused(
        "It cannot run in a sandbox: only a tool made of a function at the top of a module can.",
        name=tool.name,
    )


def check(tool: BaseTool, arguments: Mapping[str, Any]) -> None:
    """
    Hold the arguments against the tool's JSON Schema.

    Raises:
        CallRefused: They do not fit, or are no JSON.
    """
    try:
        plain = json.loads(json.dumps(arguments))
    except (TypeError, ValueError) as exc:
        raise CallRefused(f"Its arguments are no JSON: {exc}.", name=tool.name) from exc
    given: Any = tool.tool_call_schema
    schema = given if isinstance(given, dict) else given.model_json_schema()
    problem = next(Draft202012Validator(schema).iter_errors(plain), None)
    if problem is not None:
        raise CallRefused(f"Its arguments do not fit: {problem.message}.", name=tool.name)


async def call(
    origin: Origin, arguments: Mapping[str, Any], rules: SandboxRules, warn: Callable[[str], None]
) -> Any:
    """
    Call a function in a process of its own.

    Raises:
        ToolStopped: A bound ended it.
        Exception: What the function raised.
    """
    request = {
        **vars(origin),
        "path": sys.path,
        "arguments": dict(arguments),
        "cpu_s": rules.cpu_s,
        "memory_mb": rules.memory_mb,
        "network": rules.network,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-B", str(CHILD)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in KEPT if name in os.environ},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(rules.wall_s):
            output = await _talk(process, json.dumps(request).encode())
            code = await process.wait()
    except TimeoutError as exc:
        raise ToolStopped(f"It took longer than {rules.wall_s:g} s.") from exc
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())
    return _read(output, code, rules, warn)


async def _talk(process: asyncio.subprocess.Process, request: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(request)
        await process.stdin.drain()
        process.stdin.close()
    output = bytearray()
    while part := await process.stdout.read(65_536):
        output += part
        if len(output) > MAX_OUTPUT:
            raise ToolStopped(f"It gave more than {MAX_OUTPUT} bytes.")
    return bytes(output)


def _read(output: bytes, code: int, rules: SandboxRules, warn: Callable[[str], None]) -> Any:
    if code == BY_SIGNAL + signal.SIGXCPU:
        raise ToolStopped(f"It used more than {rules.cpu_s:g} s of processor time.")
    if code == BY_SIGNAL + signal.SIGKILL:
        raise ToolStopped(
            f"It was killed: it used more than {rules.cpu_s:g} s of processor time, or memory was short."
        )
    try:
        answer = json.loads(output)
    except ValueError as exc:
        raise ToolStopped(f"Its process ended without an answer (code {code}).") from exc
    if not rules.network and not answer["network_cut"]:
        warn("This system does not let a sandbox cut the network off; the tool had it.")
    if answer.get("stopped") == "memory":
        raise ToolStopped(f"It needed more than {rules.memory_mb} MB of memory.")
    if "error" in answer:
        kind, message = answer["error"], answer["message"]
        known = getattr(builtins, kind, None)
        if isinstance(known, type) and issubclass(known, Exception):
            with suppress(TypeError):  # some take more than a message
                raise known(message)
        raise SandboxedError(f"{kind}: {message}")
    return answer["result"]
