#!/usr/bin/env python3
"""A DNS server for tests, on UDP and TCP of 127.0.0.1.

dns_server.py [--port N] [--tls CERT KEY] [RULE...]

Prints its port. A rule is NAME/TYPE=VALUE[,VALUE...]; NAME may be "*", TYPE is
A, AAAA, SRV (PRIORITY:WEIGHT:PORT:TARGET) or TXT. A value may also be:
  drop         no answer           servfail   SERVFAIL, as are refused and formerr
  nxdomain     no such name        delay=MS   before what follows in the rule
  truncate     over UDP alone, the answer is cut short (TC)
  wrongid      an answer to another question goes before
The first rule that fits counts; a name without any is NXDOMAIN, and a name with
rules of other types has an empty answer. --tls: DNS over TLS in place of TCP.
"""
import argparse
import ipaddress
import socket
import ssl
import struct
import sys
import threading
import time

TYPES = {"A": 1, "TXT": 16, "AAAA": 28, "SRV": 33}
CODES = {"formerr": 1, "servfail": 2, "nxdomain": 3, "refused": 5}


def encode_name(name):
    parts = [p.encode() for p in name.rstrip(".").split(".") if p]
    return b"".join(bytes([len(p)]) + p for p in parts) + b"\0"


def decode_name(data, at):
    parts = []
    while data[at]:
        parts.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    return ".".join(parts), at + 1


def encode_value(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "SRV":
        priority, weight, port, target = value.split(":", 3)
        return struct.pack("!HHH", int(priority), int(weight), int(port)) + encode_name(target)
    text = value.encode()
    return b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255] for i in range(0, len(text), 255))


def parse_rules(texts):
    rules = []
    for text in texts:
        left, values = text.split("=", 1)
        name, kind = left.rsplit("/", 1)
        rules.append((name.lower(), kind.upper(), values.split(",")))
    return rules


class Server:
    def __init__(self, rules):
        self.rules = rules

    def find(self, name, kind):
        known = False
        for rule_name, rule_kind, values in self.rules:
            if rule_name not in ("*", name.lower()):
                continue
            known = True
            if rule_kind == "*" or TYPES[rule_kind] == kind:
                return rule_kind, values
        return None, [] if known else ["nxdomain"]

    def answers(self, query, stream):
        """The messages that go back, in order."""
        ident, flags, questions = struct.unpack_from("!HHH", query)
        if flags & 0x8000 or questions != 1:
            return
        name, end = decode_name(query, 12)
        kind, _ = struct.unpack_from("!HH", query, end)
        question = query[12:end + 4]
        rule_kind, values = self.find(name, kind)
        code, cut, records = 0, 0, []
        for value in values:
            if value == "drop":
                return
            if value.startswith("delay="):
                time.sleep(int(value[6:]) / 1000)
            elif value in CODES:
                code = CODES[value]
            elif value == "truncate":
                cut = 0 if stream else 0x0200
            elif value == "wrongid":
                yield struct.pack("!HHHHHH", ident ^ 1, 0x8180, 1, 0, 0, 0) + question
            else:
                data = encode_value(rule_kind, value)
                records.append(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data)
        if cut:
            records = []
        yield (struct.pack("!HHHHHH", ident, 0x8180 | cut | code, 1, len(records), 0, 0)
               + question + b"".join(records))


def serve_udp(server, sock):
    def one(query, peer):
        for answer in server.answers(query, False):
            sock.sendto(answer, peer)
    while True:
        query, peer = sock.recvfrom(65535)
        threading.Thread(target=one, args=(query, peer), daemon=True).start()


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def serve_stream(server, conn, context):
    try:
        with context.wrap_socket(conn, server_side=True) if context else conn as stream:
            while True:
                length, = struct.unpack("!H", read_exactly(stream, 2))
                for answer in server.answers(read_exactly(stream, length), True):
                    stream.sendall(struct.pack("!H", len(answer)) + answer)
    except (OSError, EOFError):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("rules", nargs="*")
    options = parser.parse_args()
    server = Server(parse_rules(options.rules))
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", options.port))
        tcp = socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind(udp.getsockname())
            break
        except OSError:
            if options.port:
                raise
    tcp.listen(64)
    threading.Thread(target=serve_udp, args=(server, udp), daemon=True).start()
    print(udp.getsockname()[1], flush=True)
    while True:
        conn, _ = tcp.accept()
        threading.Thread(target=serve_stream, args=(server, conn, context), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
