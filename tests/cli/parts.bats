#!/usr/bin/env bats
# Each part started by hand, as a user would: edge, agent, origin, load.
load helpers

# --- edge ---

@test "edge: prints a cloudflared's command line, with files that are there until SIGTERM" {
	edge_up
	has "$work/edge.out" '^  cloudflared tunnel --no-autoupdate '
	has "$work/edge.out" "--edge $udp --cacert $ca "
	has "$work/edge.out" '^  ztt-bench agent --edge '
	[ "${ca#"$TMPDIR/"}" != "$ca" ]
	grep -q 'BEGIN CERTIFICATE' "$ca"
	python3 -c '
import base64, json, sys, uuid
c = json.load(open(sys.argv[1]))
assert sorted(c) == ["AccountTag", "TunnelID", "TunnelSecret"]
assert len(base64.b64decode(c["TunnelSecret"])) == 32
assert str(uuid.UUID(c["TunnelID"])) == sys.argv[2]' \
		"$credentials" "$(line_of "$work/edge.out" '.* run ([0-9a-f-]{36})$')"
	kill "$edge"
	finish "$edge"
	[ "$status" = 0 ]
	empty "$TMPDIR"
}

@test "edge: credentials are the user's own, mode 600, also in a file named by --credentials" {
	umask 0
	edge_up --credentials "$work/named.json" --key-log "$work/keys"
	[ "$(stat -c %a "$work/named.json")" = 600 ]
	[ "$(stat -c %a "$work/keys")" = 600 ]
	[ "$credentials" = "$work/named.json" ]
	kill -INT "$edge"
	finish "$edge"
	[ "$status" = 0 ]
	[ -s "$work/named.json" ]
	empty "$TMPDIR"
	edge_up
	[ "$(stat -c %a "$credentials")" = 600 ]
	[ "$(stat -c %a "$(dirname "$credentials")")" = 700 ]
}

@test "edge: without a connector a client is told so" {
	edge_up
	run -0 curl -s -i "$http/"
	[[ ${lines[0]} == "HTTP/1.1 530 "* ]]
	[[ $output == *"no connector is registered"* ]]
}

@test "edge --key-log: NSS lines, of both sides the same" {
	edge_up --key-log "$work/keys"
	origin_up
	agent_up --key-log "$work/agent.keys"
	has "$work/keys" '^CLIENT_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} [0-9a-f]{64,96}$'
	has "$work/keys" '^SERVER_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]{64,96}$'
	[ -z "$(grep -vE '^[A-Z_0-9]+ [0-9a-f]+ [0-9a-f]+$' "$work/keys")" ]
	grep _TRAFFIC_SECRET "$work/keys" | sort >"$work/a"
	grep _TRAFFIC_SECRET "$work/agent.keys" | sort | diff "$work/a" -
	# with the client randoms of four connections
	[ "$(cut -d' ' -f2 "$work/a" | sort -u | wc -l)" = 4 ]
}

# --- agent ---

@test "agent: four connections register, a request is served, SIGTERM unregisters" {
	edge_up
	origin_up
	agent_up
	[ "$(grep -c 'registered connection . of connector ztt-' "$work/edge.err")" = 4 ]
	[ "$(curl -s "$http/blob?bytes=1234567" | wc -c)" = 1234567 ]
	curl -s "$http/blob?bytes=1234567" | cmp - <(curl -s "$origin/blob?bytes=1234567")
	[ "$(head -c 300000 /dev/zero | curl -s -T - "$http/echo" | wc -c)" = 300000 ]
	[ "$(curl -s -d @"$ca" "$http/sink")" = "{\"bytes\":$(tr -d '\n' <"$ca" | wc -c)}" ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$http/none")" = 404 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -I "$http/blob?bytes=5")" = 200 ]
	kill "$agent"
	finish "$agent"
	[ "$status" = 0 ]
	soon grep -q 'connection 3 of connector .* is unregistered' "$work/edge.err"
	[ "$(grep -c 'is unregistered: the connector unregistered' "$work/edge.err")" = 4 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$http/")" = 530 ]
}

# download: begins one of 100 MB and reads no further until $work/go is there;
# then prints how many bytes came. $download is its pid.
download() {
	start download python3 -c '
import os, socket, sys, time
host, port = sys.argv[1].split(":")
s = socket.create_connection((host, int(port)), 10)
s.sendall(b"GET /blob?bytes=100000000 HTTP/1.1\r\nHost: x\r\n"
    b"Connection: close\r\n\r\n")
f = s.makefile("rb")
while f.readline() != b"\r\n":
    pass
print("begun", flush=True)
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
total = 0
try:
    while data := f.read(1 << 20):
        total += len(data)
except OSError:
    pass
print(total)' "${http#http://}" "$work/go"
	download=$pid
	soon grep -q begun "$work/download.out"
}

@test "agent: SIGTERM in the middle of a download lets it finish" {
	edge_up
	origin_up
	agent_up --grace-period 25s
	download
	kill "$agent"
	soon grep -q 'is unregistered: the connector unregistered' "$work/edge.err"
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$http/")" = 530 ]
	kill -0 "$agent"
	touch "$work/go"
	finish "$download"
	[ "$(tail -n 1 "$work/download.out")" = 100000000 ]
	finish "$agent"
	[ "$status" = 0 ]
}

@test "agent: what outlasts the grace period is ended" {
	edge_up
	origin_up
	agent_up --grace-period 100ms
	download
	kill "$agent"
	finish "$agent"
	[ "$status" = 0 ]
	touch "$work/go"
	finish "$download"
	[ "$(tail -n 1 "$work/download.out")" -lt 100000000 ]
}

@test "agent: an edge that is gone is tried again, and SIGTERM ends that" {
	origin_up
	edge_up --ca "$work/ca" --credentials "$work/credentials"
	agent_up
	kill "$edge"
	finish "$edge"
	soon grep -q 'connection . ended' "$work/agent.err"
	kill "$agent"
	finish "$agent"
	[ "$status" = 0 ]
}

@test "two agents share the requests; one that ends takes nothing with it" {
	local first
	edge_up
	origin_up
	agent_up
	first=$agent
	agent_up --connections 4
	kill -9 "$first"
	finish "$first"
	soon curl -sf -o /dev/null "$http/"
	curl -sf -o /dev/null "$http/"
}

@test "the command line that the edge prints: a real cloudflared serves a request" {
	local command
	command -v cloudflared >/dev/null || skip "cloudflared is not installed"
	edge_up
	origin_up
	command=$(sed -n '/^  cloudflared /,/ run /p' "$work/edge.out" | tr -d '\\\n')
	# shellcheck disable=SC2086
	start cloudflared ${command/http:\/\/127.0.0.1:8081/$origin}
	soon grep -q 'registered connection 0 of connector 20' "$work/edge.err"
	[ "$(curl -s "$http/blob?bytes=1234567" | wc -c)" = 1234567 ]
	[ "$(head -c 300000 /dev/zero | curl -s -T - "$http/echo" | wc -c)" = 300000 ]
	kill "$pid"
	soon grep -q 'connection 0 .* is unregistered' "$work/edge.err"
}

# --- WebSocket and TCP ---

@test "WebSocket through the tunnel: text, a large frame, ping, close" {
	edge_up
	origin_up
	agent_up
	python3 - "${http#http://}" <<-'EOF'
	import base64, hashlib, os, socket, struct, sys
	host, port = sys.argv[1].split(':')
	s = socket.create_connection((host, int(port)), 10)
	key = base64.b64encode(os.urandom(16)).decode()
	s.sendall(('GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n'
	    'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
	    'Sec-WebSocket-Key: %s\r\n\r\n' % key).encode())
	f = s.makefile('rb')
	assert f.readline().startswith(b'HTTP/1.1 101 ')
	head = {}
	for line in iter(f.readline, b'\r\n'):
	    name, value = line.decode().split(':', 1)
	    head[name.lower()] = value.strip()
	want = hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode())
	assert head['sec-websocket-accept'] == base64.b64encode(want.digest()).decode(), head

	def send(opcode, data):
	    mask = os.urandom(4)
	    n = len(data)
	    size = bytes([0x80 | n]) if n < 126 else b'\xff' + struct.pack('>Q', n)
	    s.sendall(bytes([0x80 | opcode]) + size + mask +
	        bytes(b ^ mask[i & 3] for i, b in enumerate(data)))

	def receive():
	    first, second = f.read(2)
	    n = second
	    if n == 126: n = struct.unpack('>H', f.read(2))[0]
	    if n == 127: n = struct.unpack('>Q', f.read(8))[0]
	    return first & 15, f.read(n)

	for opcode, data in (1, b'hello'), (2, os.urandom(300000)):
	    send(opcode, data)
	    assert receive() == (opcode, data)
	send(9, b'are you there')
	assert receive() == (10, b'are you there')
	send(8, struct.pack('>H', 1000))
	assert receive() == (8, struct.pack('>H', 1000))
	assert f.read() == b''
	EOF
}

@test "CONNECT: refused without --tcp, a TCP stream with it" {
	edge_up
	origin_up
	agent_up
	run curl -s --proxytunnel -x "$http" -w '%{http_connect}' "$origin/blob?bytes=5"
	[ "$status" != 0 ]
	[[ $output == *502* ]]
	has "$work/agent.err" 'TCP is not allowed by this connector; start it with --tcp'
	kill "$agent"
	finish "$agent"
	agent_up --tcp
	[ "$(curl -sf --proxytunnel -x "$http" "$origin/blob?bytes=2000000" | wc -c)" = 2000000 ]
	run curl -s --proxytunnel -x "$http" -w '%{http_connect}' http://127.0.0.1:1/
	[ "$status" != 0 ]
	[[ $output == *502* ]]
}

# --- secrets ---

# unsaid FILE: the secret in it is in no argument and no environment of a
# process, and in nothing that was printed.
unsaid() {
	local one
	[ "$(wc -c <"$1")" -ge 44 ]
	for one in /proc/[0-9]*/{cmdline,environ} "$work"/*.{out,err,json}; do
		! grep -qaFf "$1" "$one" 2>/dev/null || {
			echo "it is in $one"
			return 1
		}
	done
}

secret_of() {
	sed -nE 's/.*"TunnelSecret": *"([^"]*)".*/\1/p' "$1"
}

@test "the tunnel's secret is in no argument and no output: by hand" {
	edge_up --verbose
	origin_up
	agent_up --verbose
	curl -sf -o /dev/null "$http/"
	secret_of "$credentials" >"$work/secret"
	sed 's/TunnelSecret":"..../TunnelSecret":"AAAA/' "$credentials" >"$TMPDIR/other"
	start other "$ztt" agent --edge "$udp" --cacert "$ca" --credentials "$TMPDIR/other"
	soon grep -q 'refused' "$work/other.err"
	unsaid "$work/secret"
	secret_of "$TMPDIR/other" >"$work/secret"
	unsaid "$work/secret"
}

@test "the tunnel's secret is in no argument and no output: in a run" {
	local fd file=
	start run "$ztt" run -e reference --verbose --duration 3s --warmup 50ms \
		--no-floor --json "$work/result.json"
	soon pgrep -P "$pid" -f '^ztt-bench load '
	for fd in "/proc/$pid/fd"/*; do
		[[ $(readlink "$fd") != *ztt-credentials* ]] || file=$fd
	done
	secret_of "$file" >"$work/secret"
	unsaid "$work/secret"
	finish "$pid"
	[ "$status" = 0 ]
	unsaid "$work/secret"
}

# --- origin ---

@test "origin: its endpoints" {
	origin_up
	[ "$(curl -s "$origin/" | grep -c '^/')" = 5 ]
	[ "$(curl -s "$origin/blob?bytes=0" | wc -c)" = 0 ]
	[ "$(curl -s "$origin/blob?bytes=70001" | wc -c)" = 70001 ]
	[ "$(curl -s -I "$origin/blob?bytes=70001" | tr -d '\r' | sed -n 's/^Content-Length: //p')" = 70001 ]
	[ "$(curl -s -d abc "$origin/sink")" = '{"bytes":3}' ]
	[ "$(curl -s -d abc "$origin/echo")" = abc ]
	[ "$(echo abc | curl -s -T - "$origin/echo")" = abc ]
	[ "$(curl -s "$origin/delay?ms=5")" = ok ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$origin/none")" = 404 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$origin/blob")" = 400 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$origin/blob?bytes=x")" = 400 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$origin/blob?bytes=99999999999999")" = 400 ]
	kill "$pid"
	finish "$pid"
	[ "$status" = 0 ]
}

# --- load ---

@test "load: down and up, against an origin by hand" {
	origin_up
	ztt load "$origin" --size 1KiB --requests 500 --warmup 20ms >"$work/out"
	cat "$work/out"
	ztt load "$origin" --size 64KiB --requests 100 --warmup 20ms --direction up \
		--json - >"$work/load.json"
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); print(d)
assert d["requests"] >= 100 and 0.5 < d["bytes_up"] / 6553600 < 1.5, d' "$work/load.json"
}

@test "load: status 1 with errors, 3 with nothing answered" {
	origin_up
	run -3 ztt load "$origin/none" --duration 100ms --warmup 10ms
	[[ $output == *404* ]]
	run -3 ztt load http://127.0.0.1:1/ --duration 100ms --warmup 10ms
	server "
import socket, itertools
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
for i in itertools.count():
    c = s.accept()[0]
    c.recv(4096)
    code = b'200 OK' if i % 2 else b'500 No'
    c.sendall(b'HTTP/1.1 ' + code + b'\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok')
    c.close()"
	run -1 ztt load "http://127.0.0.1:$port/x" --streams 1 --requests 10 --warmup 10ms
	[[ $output == *500* ]]
}

# --- all of it, under the sanitizers ---

@test "the tunnel under ASan and UBSan: no report, and no leak at the end" {
	[ -x "${ZTT_BENCH_ASAN:-}" ] || skip "ZTT_BENCH_ASAN names no binary"
	ztt=$ZTT_BENCH_ASAN
	edge_up
	origin_up
	local server=$pid
	agent_up --tcp
	ztt load "$http" --size 20KiB --streams 8 --requests 300 --warmup 20ms
	ztt load "$http" --size 20KiB --streams 8 --requests 300 --warmup 20ms --direction both
	curl -sf --proxytunnel -x "$http" -o /dev/null "$origin/blob?bytes=20000"
	curl -s -m 0.2 -o /dev/null "$http/delay?ms=5000" || :
	curl -s -m 0.2 --limit-rate 1M -o /dev/null "$http/blob?bytes=50000000" || :
	kill "$agent"
	finish "$agent"
	[ "$status" = 0 ]
	kill "$edge"
	finish "$edge"
	[ "$status" = 0 ]
	kill "$server"
	finish "$server"
	[ "$status" = 0 ]
	hasnt <(cat "$work"/*.err) 'Sanitizer|runtime error'
}
