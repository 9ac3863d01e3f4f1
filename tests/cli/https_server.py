#!/usr/bin/env python3
"""A web server for tests, on TCP of 127.0.0.1.

https_server.py [--port N] [--tls CERT KEY] [--delay MS] [RULE...]

Prints its URL. A rule is PATH=STATUS or PATH=STATUS:BODY, for any method; "@" in
a body stands for the URL. What has no rule is 404. Requests go to standard
error, without their headers.
"""
import argparse
import http.server
import ssl
import sys
import time


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("rules", nargs="*")
    options = parser.parse_args()
    rules = dict(rule.split("=", 1) for rule in options.rules)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            time.sleep(options.delay / 1000)
            status, _, body = rules.get(self.path.split("?")[0], "404").partition(":")
            data = body.replace("@", url).encode()
            self.send_response(int(status))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = answer

    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    url = f"{'https' if options.tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    print(url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
