"""A tool in a process of its own: what it may do, what stops it, and what the agent is told."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from langchain_core.tools import StructuredTool, tool

from interlock.core.errors import CallRefused
from interlock.core.graphs import sandboxing
from interlock.core.graphs.sandboxing import SandboxedError, ToolStopped
from interlock.core.model.policies import SandboxRules

TOOLS = """
import os, socket, subprocess, sys, time

class Odd(Exception):
    pass

def add(a: int, b: int = 1) -> int:
    print("noise")
    return a + b

async def look(what: str) -> dict:
    return {"pid": os.getpid(), "secret": os.environ.get("API_KEY"), "what": what}

def fail(how: str) -> None:
    raise {"value": ValueError, "odd": Odd}[how]("no")

def grow(mb: int) -> int:
    return len(bytearray(mb * 1_048_576))

def spin() -> None:
    while True:
        pass

def chatter() -> str:
    return "x" * 2_000_000

def leave() -> None:
    os._exit(3)

def connect(port: int) -> str:
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    return "connected"

def breed(path: str) -> None:
    code = f"import os,time; open({path!r}, 'w').write('up'); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    child.wait()
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """The module of the tools, as a worker has it."""
    path = tmp_path_factory.mktemp("tools") / "sandboxed_tools.py"
    path.write_text(TOOLS)
    spec = importlib.util.spec_from_file_location("sandboxed_tools", path)
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    yield found
    del sys.modules[spec.name]


@pytest.fixture
def run(module):
    """Call a tool in its sandbox."""
    told: list[str] = []

    async def call(name, rules=None, **arguments):
        function = getattr(module, name)
        made = (
            StructuredTool.from_function(coroutine=function, description="A tool.")
            if name == "look"
            else StructuredTool.from_function(function, description="A tool.")
        )
        shut = sandboxing.shut_in(made, SandboxRules(**(rules or {})), told.append)
        return await shut.ainvoke(arguments)

    call.told = told
    return call


async def test_a_tool_runs_elsewhere_and_without_secrets(run, monkeypatch):
    monkeypatch.setenv("API_KEY", "sk-1")
    assert await run("add", a=1, b=2) == 3
    found = await run("look", what="x")
    assert found["pid"] != os.getpid()
    assert (found["secret"], found["what"]) == (None, "x")


async def test_an_error_keeps_its_class_where_it_is_known_here(run):
    with pytest.raises(ValueError, match=r"^no$"):
        await run("fail", how="value")
    with pytest.raises(SandboxedError, match="Odd: no"):
        await run("fail", how="odd")


@pytest.mark.parametrize(
    ("name", "rules", "arguments", "why"),
    [
        ("spin", {"wall_s": 0.5}, {}, r"longer than 0\.5 s"),
        ("spin", {"cpu_s": 0.2}, {}, "processor time"),
        ("grow", {"memory_mb": 64}, {"mb": 200}, "more than 64 MB"),
        ("chatter", {}, {}, "more than 1000000 bytes"),
        ("leave", {}, {}, r"without an answer \(code 3\)"),
    ],
)
async def test_a_bound_that_stops_a_tool_is_named(run, name, rules, arguments, why):
    with pytest.raises(ToolStopped, match=why):
        await run(name, rules, **arguments)


async def test_memory_within_the_bound_is_given(run):
    assert await run("grow", {"memory_mb": 64}, mb=30) == 30 * 1_048_576


async def test_the_network_is_cut_off_where_the_system_lets_us_else_that_is_said(run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert await run("connect", {"network": True}, port=port) == "connected"
        assert run.told == []
        try:
            await run("connect", port=port)
        except OSError:
            assert run.told == []
        else:
            assert "does not let a sandbox cut" in run.told[0]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a child in its own session lives on")
async def test_its_children_end_with_it(run, tmp_path):
    path = tmp_path / "child"
    running = asyncio.create_task(run("breed", path=str(path)))
    while not path.exists():
        assert not running.done()
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    deadline = time.monotonic() + 10
    while any(str(path) in line for line in _command_lines()):
        assert time.monotonic() < deadline


def _command_lines():
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield (process / "cmdline").read_text(errors="replace")


async def test_what_cannot_be_shut_in_is_refused(run):
    @tool
    def inner(a: int) -> int:
        """A tool within a function."""
        return a

    with pytest.raises(CallRefused, match="top of a module"):
        sandboxing.shut_in(inner, SandboxRules(), print)
    made = StructuredTool.from_function(add_anything, description="A tool.")
    with pytest.raises(CallRefused, match="no JSON"):
        sandboxing.check(made, {"a": object()})
    with pytest.raises(CallRefused, match="do not fit"):
        sandboxing.check(made, {"a": "x"})


def add_anything(a: int) -> int:
    return a
