"""A relay that makes a server stand farther away: each direction takes some milliseconds more."""

import asyncio
from contextlib import suppress
from multiprocessing.connection import Connection


def relay(port: int, delay_seconds: float, ready: Connection) -> None:
    """Pass on to that port of this machine, for ever; sends its own port first."""
    asyncio.run(_relay(port, delay_seconds, ready))


async def _relay(port: int, delay_seconds: float, ready: Connection) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            _pass(reader, behind_writer, delay_seconds), _pass(behind_reader, writer, delay_seconds)
        )

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_seconds: float
) -> None:
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    clock = asyncio.get_running_loop().time

    async def deliver() -> None:
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    task = asyncio.create_task(deliver())
    with suppress(OSError):
        while True:
            data = await reader.read(1 << 16)
            waiting.put_nowait((clock() + delay_seconds, data))
            if not data:
                break
        await task
    task.cancel()
    writer.close()
