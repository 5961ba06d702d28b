"""
A TCP proxy before Postgres, run as a script: a cable for each process, which can be cut or go silent.

Told by lines on its input: `cut NAME`, `stall NAME`, `heal NAME`. What is sent while a cable is silent
waits in it and arrives afterwards, as it does in a network that lost its way for a while.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys

CHUNK_BYTES = 65_536
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing says so at once, and throws away what waits


class Cable:
    """All connections of one process to the database."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._whole = asyncio.Event()
        self._whole.set()
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self) -> int:
        """Listen; the port."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """End every connection; new ones can be made."""
        for writer in tuple(self._open):
            end = writer.get_extra_info("socket")
            if end.family != socket.AF_UNIX:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    def stall(self) -> None:
        """Let nothing through; nobody is told."""
        self._whole.clear()

    def heal(self) -> None:
        """Let everything through, what waited first."""
        self._whole.set()

    async def _connect(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._open.add(back)
        try:
            await self._whole.wait()
            there, forth = await _connect(self._upstream)
        except OSError:  # the server is away
            self._open.discard(back)
            back.transport.abort()
            return
        self._open.add(forth)
        ways = [
            asyncio.create_task(self._carry(here, forth)),
            asyncio.create_task(self._carry(there, back)),
        ]
        await asyncio.wait(ways)

    async def _carry(self, from_: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        """One way of a connection; its end ends that side of the other."""
        try:
            while data := await from_.read(CHUNK_BYTES):
                await self._whole.wait()
                to.write(data)
                await to.drain()
            await self._whole.wait()
        except OSError:
            pass
        finally:
            self._open.discard(to)
            to.close()


async def _connect(upstream: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if upstream.startswith("/"):
        return await asyncio.open_unix_connection(upstream)
    host, _, port = upstream.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def main(upstream: str, names: list[str]) -> None:
    """Serve until the input ends."""
    cables = {name: Cable(upstream) for name in names}
    print(json.dumps({name: await cable.serve() for name, cable in cables.items()}), flush=True)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := (await orders.readline()).decode().split():
        getattr(cables[line[1]], line[0])()
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
