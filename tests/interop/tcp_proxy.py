#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy whose pieces have nothing to do with what it was given: it splits and merges at random, holds bytes back for
moments, and breaks its connections when asked to. It knows nothing of what passes.

    tcp_proxy.py LISTEN-PORT TARGET TARGET-PORT SEED [BREAK-EVERY-SECONDS]

SIGUSR1 breaks all connections now (with resets). SIGTERM ends it and prints, as JSON, what it did.
"""
import asyncio
import json
import random
import signal
import socket
import struct
import sys

LARGEST = 65536


class Proxy:
    def __init__(self, target, seed):
        self.target, self.rng = target, random.Random(seed)
        self.sockets = set()
        self.count = {"connections": 0, "broken": 0, "pieces_in": 0, "pieces_out": 0, "bytes": 0}

    def size(self):
        """From single bytes to more than anybody sends at once."""
        return min(LARGEST, int(1 + self.rng.expovariate(1) * 10 ** self.rng.uniform(0, 4.5)))

    async def carry(self, reader, writer):
        while True:
            held = part = await reader.read(LARGEST)
            while part and len(held) < 3 * LARGEST and self.rng.random() < 0.2:
                try:  # together with what comes next, if anything does
                    part = await asyncio.wait_for(reader.read(LARGEST), self.rng.uniform(0, 0.004))
                except asyncio.TimeoutError:
                    break
                self.count["pieces_in"] += bool(part)
                held += part
            self.count["pieces_in"] += bool(held)
            self.count["bytes"] += len(held)
            while held:
                n = self.size()
                writer.write(held[:n])
                held = held[n:]
                self.count["pieces_out"] += 1
                if self.rng.random() < 0.5:
                    await writer.drain()
                if self.rng.random() < 0.05:
                    await asyncio.sleep(0)
            await writer.drain()
            if not part:
                return

    async def serve(self, reader, writer):
        self.count["connections"] += 1
        ends = [writer]
        try:
            other_reader, other_writer = await asyncio.open_connection(*self.target)
            ends.append(other_writer)
            for w in ends:
                w.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sockets.add(w)
            tasks = [asyncio.ensure_future(self.carry(reader, other_writer)), asyncio.ensure_future(self.carry(other_reader, writer))]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for t in tasks:
                t.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            pass
        finally:
            for w in ends:
                self.sockets.discard(w)
                w.close()

    def break_all(self):
        for w in list(self.sockets):
            s = w.get_extra_info("socket")
            if s and s.fileno() >= 0:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                w.transport.abort()
                self.count["broken"] += 1

    async def break_often(self, seconds):
        while True:
            await asyncio.sleep(self.rng.uniform(0.5, 1.5) * seconds)
            self.break_all()


async def main(port, target, target_port, seed, every=None):
    proxy = Proxy((target, int(target_port)), int(seed))
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, proxy.break_all)
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await asyncio.start_server(proxy.serve, "0.0.0.0", int(port))
    breaking = asyncio.ensure_future(proxy.break_often(float(every))) if every else None
    print("ready", flush=True)
    await over.wait()
    if breaking:
        breaking.cancel()
    server.close()
    print(json.dumps(proxy.count), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
