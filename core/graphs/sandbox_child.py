"""
The other side of `sandboxing`: a process that calls one tool within bounds. Run as a script.

Imports nothing of Interlock's and nothing before it is needed: each call of a tool starts it anew.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import importlib.util
import inspect
import json
import os
import resource
import signal
import sys
from typing import Any

NEW_USER, NEW_PID, NEW_NET = 0x10000000, 0x20000000, 0x40000000
SET_PDEATHSIG, SET_NO_NEW_PRIVS = 1, 38
BY_SIGNAL = 128  # as shells tell of a process that a signal ended
PAGE = resource.getpagesize()


def main() -> None:
    """Read what to call, call it, write what came of it."""
    request = json.load(sys.stdin)
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the tool prints is no answer
    has_cut = shut_in(network=request["network"])
    if os.fork():  # the child is the first of its own processes: all of them end with it
        _, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else BY_SIGNAL - code)
    _control(SET_PDEATHSIG, signal.SIGKILL)
    found = _call(request) | {"network_cut": has_cut}
    json.dump(found, answer)
    answer.flush()
    os._exit(0)


def shut_in(*, network: bool) -> bool:
    """Leave the worker's namespaces; whether there is no network now. Linux only."""
    if sys.platform != "linux":
        return False
    _control(SET_NO_NEW_PRIVS, 1)
    net = 0 if network else NEW_NET
    library = ctypes.CDLL(None)
    if library.unshare(NEW_USER | NEW_PID | net) == 0:
        return not network
    return bool(net) and library.unshare(net) == 0


def _control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _call(request: dict[str, Any]) -> dict[str, Any]:
    try:
        function = find(request)
        _bound(cpu_s=request["cpu_s"], memory_mb=request["memory_mb"])
        result = function(**request["arguments"])
        if inspect.isawaitable(result):
            result = asyncio.run(_wait(result))
        return {"result": json.loads(json.dumps(result))}
    except MemoryError:
        return {"stopped": "memory"}
    except BaseException as exc:  # noqa: BLE001  a tool raises what it likes
        return {"error": type(exc).__name__, "message": str(exc)}


async def _wait(result: Any) -> Any:
    return await result


def find(request: dict[str, Any]) -> Any:
    """The function, from its module's file."""
    sys.path[:] = request["path"]
    name, file = request["module"], request["file"]
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a name that a worker made up, with dots in it
        spec = None
    if spec is not None and spec.origin == file:
        found: Any = importlib.import_module(name)
    else:
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        sys.modules[name] = found
        spec.loader.exec_module(found)
    for part in request["name"].split("."):
        found = getattr(found, part)
    for held in ("coroutine", "func"):  # a decorator has put the tool in its place
        function = getattr(found, held, None)
        if callable(function):
            return function
    return found


def _bound(*, cpu_s: float, memory_mb: int) -> None:
    """What the imports took is not the tool's."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    # The first process of a namespace gets no signal that it does not handle; the second limit kills it.
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(BY_SIGNAL + signal.SIGXCPU))
    seconds = int(used.ru_utime + used.ru_stime + cpu_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as stat:  # noqa: PTH123
            taken = int(stat.read().split()[0]) * PAGE
        bytes_ = taken + memory_mb * 1_048_576
        resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))


if __name__ == "__main__":
    main()
