#!/usr/bin/env python3
"""An SNTP server for tests, on UDP of 127.0.0.1.

ntp_server.py [--port N] [--offset SECONDS] [--stratum N] [--leap N]
              [--kiss CODE] [--forge] [--delay MS]

Prints its port. --forge: answers with another originate timestamp first.
"""
import argparse
import socket
import struct
import sys
import time

ERA = 2208988800  # 1900 to 1970


def stamp(seconds):
    whole = int(seconds // 1)
    return struct.pack("!II", (whole + ERA) & 0xffffffff, int((seconds - whole) * 2**32) & 0xffffffff)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--offset", type=float, default=0)
    parser.add_argument("--stratum", type=int, default=2)
    parser.add_argument("--leap", type=int, default=0)
    parser.add_argument("--kiss")
    parser.add_argument("--forge", action="store_true")
    parser.add_argument("--delay", type=float, default=0)
    options = parser.parse_args()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", options.port))
    print(sock.getsockname()[1], flush=True)
    while True:
        query, peer = sock.recvfrom(1024)
        received = time.time() + options.offset
        if len(query) < 48:
            continue
        time.sleep(options.delay / 1000)
        stratum = 0 if options.kiss else options.stratum
        refid = (options.kiss or "TEST").encode()[:4].ljust(4, b"\0")
        head = struct.pack("!BBbbII4s", options.leap << 6 | 4 << 3 | 4, stratum, 6, -20, 0, 0, refid)
        tail = stamp(received) + stamp(time.time() + options.offset)
        if options.forge:
            sock.sendto(head + stamp(received - 10) + b"\1" * 8 + tail, peer)
        sock.sendto(head + stamp(received - 10) + query[40:48] + tail, peer)


if __name__ == "__main__":
    sys.exit(main())
