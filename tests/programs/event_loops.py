"""Event loops of asyncio in several threads at once; prints what each has done."""

import asyncio
import sys
import threading
import time

if "last" in sys.argv:
    asyncio.run(asyncio.sleep(0))  # one has run before, natively

from eventlet.hub import patching

patching.patch()


async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello")
    writer.close()


async def work(number: int, everybody: threading.Barrier) -> tuple[int, bytes, bytes]:
    loop = asyncio.get_running_loop()
    # The threads of an executor let other green threads run before they begin.
    await asyncio.to_thread(everybody.wait)
    assert asyncio.get_running_loop() is loop
    assert asyncio.current_task() in asyncio.all_tasks()
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    greeting = await reader.read()
    writer.close()
    server.close()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print('child')", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    time.sleep(0.001)  # waits in a coroutine, which others may do meanwhile
    assert asyncio.Future().get_loop() is loop
    return number, greeting, output.strip()


def main() -> None:
    results: list[tuple[int, bytes, bytes]] = []
    everybody = threading.Barrier(4)
    threads = [
        threading.Thread(target=lambda n=n: results.append(asyncio.run(work(n, everybody))))
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    results.append(asyncio.run(work(3, everybody)))
    for thread in threads:
        thread.join()
    try:
        asyncio.get_running_loop()
    except RuntimeError as error:
        print(error)
    print(*sorted(results), sep="\n")


if __name__ == "__main__":
    main()
