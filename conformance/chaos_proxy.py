"""The road to the app, in bad weather: a proxy that conformance/chaos starts, kills and starts again.

It hangs up before it asks the app, or after; answers in the app's place; answers late, or long after
the caller has gone; asks twice what may be asked twice. A seed decides. Every request and every
answer of the app is a line of a log, written before anything else happens, so that what a killed
proxy did not live to tell is missing there, and not more.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import time

# What happens in a storm, and how often. The rest passes.
MISHAPS = {
    "hang up before": 6,
    "hang up after": 6,
    "503": 3,
    "503, come back": 2,
    "429": 2,
    "504 after": 2,
    "late answer": 1,
    "slow": 10,
    "pass": 68,
}
# A fair day still has some of it.
CALM = {"slow": 2, "hang up after": 0.5, "twice": 5, "pass": 92.5}
# Longer than the app's time-out as conformance/chaos sets it.
LATE = 3.0
HOPS = ("connection", "keep-alive", "transfer-encoding", "content-length", "date", "server")


class Weather:
    """Storms and calm, as a seed has it."""

    def __init__(self, seed, calm):
        self.chance, self.calm = random.Random(seed), calm
        self.storm, self.until = False, 0.0

    def mishap(self, repeatable):
        if self.calm:
            return "pass"
        if time.monotonic() > self.until:
            self.storm = not self.storm
            lasts = (0.4, 1.2) if self.storm else (1.0, 3.0)
            self.until = time.monotonic() + self.chance.uniform(*lasts)
        odds = MISHAPS if self.storm else CALM
        mishap = self.chance.choices([*odds], [*odds.values()])[0]
        return "pass" if mishap == "twice" and not repeatable else mishap


class Proxy:
    def __init__(self, options):
        self.app, self.weather = options.app, Weather(options.seed, options.calm)
        self.numbers = (f"{options.seed}.{count}" for count in itertools.count())
        self.log = os.open(options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, **line):
        os.write(self.log, (json.dumps({"at": time.time(), **line}) + "\n").encode())

    async def serve(self, reader, writer):
        try:
            while await self.pass_one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the caller has gone, or the app has: they are processes that get killed
        finally:
            writer.close()

    async def pass_one(self, reader, writer):
        """One request; whether the connection is kept."""
        head = await reader.readuntil(b"\r\n\r\n")
        request, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = request.split(" ")
        headers = [line.split(": ", 1) for line in lines if line]
        length = sum(int(value) for name, value in headers if name.lower() == "content-length")
        body = await reader.readexactly(length) if length else b""
        mishap = self.weather.mishap(repeatable=method in ("GET", "DELETE") and not body)
        number = next(self.numbers)
        told = {}
        if method == "POST":
            resource = json.loads(body)
            told = {"whose": resource.get("externalId"), "name": resource.get("userName")}
        self.note(n=number, asked=method, path=path, mishap=mishap, **told)

        if mishap == "hang up before":
            return False
        if mishap in ("503", "503, come back", "429"):
            wait = "" if mishap == "503" else "Retry-After: 1\r\n"
            writer.write(f"HTTP/1.1 {mishap[:3]} -\r\n{wait}Content-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return True
        if mishap == "slow":
            await asyncio.sleep(self.weather.chance.uniform(0.02, 0.4))
        for _ in range(2 if mishap == "twice" else 1):
            status, answer = await self.ask(request, headers, body)
            self.note(n=number, answered=status)
        if mishap == "hang up after":
            return False
        if mishap == "504 after":
            answer = b"HTTP/1.1 504 -\r\nContent-Length: 0\r\n\r\n"
        if mishap == "late answer":
            await asyncio.sleep(LATE)
        writer.write(answer)
        await writer.drain()
        return True

    async def ask(self, request, headers, body):
        """Asks the app over a connection of its own; answers the status, and all to be passed on."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.app)
        try:
            kept = [f"{name}: {value}" for name, value in headers if name.lower() not in HOPS]
            kept += ["Connection: close", f"Content-Length: {len(body)}"]
            writer.write("\r\n".join([request, *kept, "", ""]).encode("latin-1") + body)
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        _, status, *_ = first.split(" ", 2)
        kept = [line for line in lines if line.split(":")[0].lower() not in HOPS]
        kept += [f"Content-Length: {len(content)}"] if status != "204" else []
        head = "\r\n".join([f"HTTP/1.1 {status} -", *kept, "", ""]).encode("latin-1")
        return int(status), head + content


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--app", type=int, required=True, help="the port of the app")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--calm", action="store_true", help="everything passes")
    options = parser.parse_args()
    proxy = Proxy(options)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", options.port, limit=1 << 20)
    async with server:
        await server.serve_forever()


asyncio.run(main())
