#!/usr/bin/env bats
# Whatever goes wrong: one sentence with the cause, exit status 3, and nothing
# left behind. ZTT_KILLS is how often each part is killed (make check: 2).
load helpers

kills=${ZTT_KILLS:-2}
quick=(--duration 300ms --warmup 50ms --no-floor)
fake=$BATS_TEST_DIRNAME/../fixtures/fake-cloudflared

# fails REGEX ARGUMENT...: a run that ends with status 3, and says so.
fails() {
	local what=$1
	shift
	status=0
	ztt run "${quick[@]}" "$@" >"$work/run.out" 2>"$work/run.err" ||
		status=$?
	cat "$work/run.out" "$work/run.err"
	[ "$status" = 3 ]
	[ -z "$what" ] || has "$work/run.err" "$what"
	empty "$TMPDIR"
}

# The same where the run was measured, so that the reason is in the text.
fails_measured() {
	local what=$1
	shift
	fails '' "$@"
	has "$work/run.out" "^run 1 is invalid: .*$what"
	tail -n 1 "$work/run.out" | grep -E "^no valid result: .*$what"
}

# --- ports ---

@test "port in use: edge, UDP" {
	edge_up
	run -3 --separate-stderr ztt edge --listen "$udp" --http 127.0.0.1:0
	[ -z "$output" ]
	[[ $stderr == "ztt-bench edge: UDP $udp is in use by another process"* ]]
	[ "${#stderr_lines[@]}" = 1 ]
}

@test "port in use: edge, TCP; the files of the second are gone" {
	edge_up
	local before
	before=$(ls "$TMPDIR")
	run -3 --separate-stderr ztt edge --listen 127.0.0.1:0 --http "${http#http://}"
	[[ $stderr == "ztt-bench edge: TCP ${http#http://} is in use by another process"* ]]
	[ "$(ls "$TMPDIR")" = "$before" ]
}

@test "port in use: origin" {
	origin_up
	run -3 --separate-stderr ztt origin --listen "${origin#http://}"
	[[ $stderr == "ztt-bench origin: TCP ${origin#http://} is in use by another process"* ]]
	[ "${#stderr_lines[@]}" = 1 ]
}

@test "addresses that are none: status 2, and the option's sentence" {
	run -2 ztt edge --listen nonsense
	run -2 ztt edge --http 127.0.0.1:99999
	run -2 ztt origin --listen 127.0.0.1
	run -2 ztt agent --credentials /dev/null --origin ftp://x
	run -2 ztt load
}

# --- connecting ---

@test "agent with the wrong CA: says so and what to do, status 3" {
	edge_up
	origin_up
	wrong_ca
	run -3 --separate-stderr ztt agent --edge "$udp" --cacert "$work/wrong.pem" \
		--credentials "$credentials" --origin "$origin"
	[[ $stderr == *"ztt-bench agent: connection "*"certificate is not trusted"*"--cacert"* ]]
	soon grep -q 'does not trust this edge' "$work/edge.err"
}

@test "agent with files that are not there or not of that kind" {
	edge_up
	run -3 --separate-stderr ztt agent --edge "$udp" --cacert /nonexistent \
		--credentials "$credentials"
	[[ $stderr == *"/nonexistent"* ]]
	run -3 --separate-stderr ztt agent --edge "$udp" --cacert "$ca" \
		--credentials /nonexistent
	[[ $stderr == *"cannot read the credentials /nonexistent: No such file"* ]]
	run -3 --separate-stderr ztt agent --edge "$udp" --cacert "$ca" --credentials "$ca"
	[[ $stderr == *"$ca is no tunnel credentials"* ]]
}

@test "agent with another tunnel's credentials is refused" {
	edge_up
	sed -E 's/"TunnelSecret":"[^"]{8}/"TunnelSecret":"AAAAAAAA/' "$credentials" \
		>"$work/other.json"
	run -3 --separate-stderr ztt agent --edge "$udp" --cacert "$ca" \
		--credentials "$work/other.json"
	[[ $stderr == *"ztt-bench agent: the edge refused connection "* ]]
}

@test "edge --refuse: the agent ends with the edge's reason" {
	edge_up --refuse 'Unauthorized: no such tunnel'
	run -3 --separate-stderr ztt agent --edge "$udp" --cacert "$ca" \
		--credentials "$credentials"
	[[ $stderr == *"ztt-bench agent: the edge refused connection "*"Unauthorized: no such tunnel"* ]]
}

@test "agent without an edge tries again, and ends on SIGTERM" {
	edge_up
	kill "$edge"
	finish "$edge"
	"$ztt" edge --listen 127.0.0.1:0 --http 127.0.0.1:0 --ca "$work/ca" \
		--credentials "$work/credentials" >/dev/null 3>&- &
	pids+=($!)
	soon test -s "$work/credentials"
	start agent "$ztt" agent --edge "$udp" --cacert "$work/ca" \
		--credentials "$work/credentials" -c 1
	soon grep -q 'nothing listens there' "$work/agent.err"
	kill "$pid"
	finish "$pid"
	[ "$status" = 0 ]
}

@test "no UDP: no interface, and a rule that forbids it" {
	unshare -rn true 2>/dev/null || skip "unshare -rn is not permitted"
	status=0
	unshare -rn "$ztt" run -e reference "${quick[@]}" --host-network \
		--start-timeout 700ms \
		>"$work/out" 2>"$work/err" || status=$?
	cat "$work/out" "$work/err"
	[ "$status" = 3 ]
	has "$work/err" '^ztt-bench run: reference registered 0 of 1 connection within'
	has "$work/err" 'cannot reach UDP 127.0.0.1:.*: Network is unreachable'
	forbid_udp true || skip "rules by protocol are not in this kernel"
	status=0
	forbid_udp "$ztt" run -e reference "${quick[@]}" --host-network \
		--start-timeout 700ms \
		>"$work/out" 2>"$work/err" || status=$?
	cat "$work/out" "$work/err"
	[ "$status" = 3 ]
	has "$work/err" '^ztt-bench run: reference registered 0 of 1 connection within'
	has "$work/err" 'cannot reach UDP 127.0.0.1:.*: Permission denied'
}

# forbid_udp COMMAND...: with a loopback on which TCP works.
forbid_udp() {
	unshare -rn sh -ec 'ip link set lo up
		ip rule add pref 5 table local
		ip rule del pref 0
		ip rule add pref 1 ipproto udp prohibit
		exec "$@"' sh "$@"
}

wrong_ca() {
	"$ztt" edge --listen 127.0.0.1:0 --http 127.0.0.1:0 --ca "$work/wrong.pem" \
		--credentials "$work/wrong.json" >/dev/null 3>&- &
	pids+=($!)
	soon test -s "$work/wrong.json"
}

# --- origins ---

@test "an origin that refuses: status 502 from the engine, its log, status 3" {
	fails_measured 'requests failed; the first: the target answered with status 502' \
		-e reference --origin "http://127.0.0.1:$(free_port)/x"
	has "$work/run.err" 'agent: request: the origin cannot be reached: Connection refused'
}

@test "an origin that refuses, without a tunnel" {
	fails_measured 'requests failed; the first: .*Connection refused' \
		-e direct --origin "http://127.0.0.1:$(free_port)/x"
}

@test "an origin that stalls: the requests time out" {
	stalling_origin
	fails_measured 'requests failed; the first: a request stood still for longer' \
		-e reference --origin "http://127.0.0.1:$port/x" --timeout 200ms \
		--duration 500ms
}

@test "an origin that stalls for longer than the window: nothing was carried" {
	stalling_origin
	fails_measured 'nothing was carried within the window' \
		-e reference --origin "http://127.0.0.1:$port/x" --timeout 5s
}

@test "an origin that has no such page, and one that speaks no HTTP" {
	origin_up
	fails_measured 'status 404' -e reference --origin "$origin/none"
	server "
import socket
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
while True:
    c = s.accept()[0]
    c.recv(4096)
    c.sendall(b'SSH-2.0-OpenSSH_9.2\r\n' * 4)
    c.close()"
	fails_measured 'requests failed' -e reference --origin "http://127.0.0.1:$port/x"
}

@test "an origin that breaks off within a body" {
	server "
import socket, threading
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
def one(c):
    c.recv(4096)
    c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n' + bytes(5000))
    c.close()
while True:
    threading.Thread(target=one, args=(s.accept()[0],)).start()"
	fails_measured 'requests failed' -e reference --origin "http://127.0.0.1:$port/x"
}

free_port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

stalling_origin() {
	server "
import socket
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
held = []
while True:
    held.append(s.accept())"
}

# --- engines ---

@test "a cloudflared too old to know a flag: which one" {
	FAKE_CLOUDFLARED=too-old fails \
		'^ztt-bench run: cloudflared is too old: it does not know the flag -no-prechecks' \
		-e cloudflared --engine-path "$fake"
	has "$work/run.err" '^  .*flag provided but not defined: -no-prechecks$'
	FAKE_CLOUDFLARED=exits fails \
		'^ztt-bench run: cloudflared is too old: it does not know the flag -no-prechecks' \
		-e cloudflared --engine-path "$fake"
}

@test "an engine that exits: its status and its last log lines" {
	FAKE_CLOUDFLARED=breaks fails \
		'^ztt-bench run: cloudflared exited with status 1 before it had registered' \
		-e cloudflared --engine-path "$fake" --json "$work/result.json"
	has "$work/run.err" '^last log lines:$'
	has "$work/run.err" '^  .* INF Starting tunnel$'
	has "$work/run.err" '^  .* ERR cannot go on error="out of luck"$'
	valid_json "$work/result.json"
	holds 'r["valid"] is False' '"exited with status 1" in r["invalid_reason"]' \
		'"out of luck" in r["log"]' 'r["goodput_bps"] is None'
}

@test "an engine that never connects: the start timeout, its last log lines" {
	FAKE_CLOUDFLARED=mute fails \
		'^ztt-bench run: cloudflared registered 0 of 1 connection within --start-timeout 500 ms' \
		-e cloudflared --engine-path "$fake" --start-timeout 500ms
	has "$work/run.err" 'INF Waiting for better days'
}

@test "an engine that dies in the middle" {
	FAKE_CLOUDFLARED=dies fails \
		'^ztt-bench run: cloudflared exited with status 2 while the load ran' \
		-e cloudflared --engine-path "$fake" --duration 10s
	has "$work/run.err" 'fatal error: all goroutines are asleep'
}

@test "an engine that trusts another CA" {
	wrong_ca
	FAKE_CLOUDFLARED=wrong-ca FAKE_CLOUDFLARED_CA=$work/wrong.pem fails \
		'^ztt-bench run: cloudflared exited with status 3 before it had registered' \
		-e cloudflared --engine-path "$fake"
	has "$work/run.err" 'certificate is not trusted'
}

@test "engines that are none" {
	fails 'cannot start cloudflared: /nonexistent: No such file or directory' \
		-e cloudflared --engine-path /nonexistent
	fails '/bin/ls is no cloudflared' -e cloudflared --engine-path /bin/ls
	run -3 env PATH="$work" "$ztt" run -e cloudflared
	[[ $output == *"no program cloudflared in PATH ($work)"* ]]
}

@test "the user's TUNNEL_ variables do not reach the engine" {
	TUNNEL_TOKEN=hush TUNNEL_LOGFILE=$work/log FAKE_CLOUDFLARED=environment \
		fails 'exited with status 1' -e cloudflared --engine-path "$fake" --verbose
	hasnt "$work/run.err" hush
	[ ! -e "$work/log" ]
}

# --- results ---

@test "--json /dev/full: status 3" {
	fails '^ztt-bench run: cannot write /dev/full: No space left on device$' \
		-e direct --json /dev/full
	run -3 --separate-stderr ztt floor --duration 7ms --json /dev/full
	[[ $stderr == *"cannot write /dev/full: No space left on device"* ]]
}

@test "a disk that is full: status 3, no half of a file, and the old one stays" {
	unshare -rm true 2>/dev/null || skip "unshare -rm is not permitted"
	mkdir "$work/disk"
	run unshare -rm sh -c 'cd "$1" && mount -t tmpfs -o size=4k none . && cd . &&
		cd "$1" || exit 9
		shift; echo old >old.json
		"$@" --json new.json; [ $? = 3 ] || exit 8
		"$@" --json old.json; [ $? = 3 ] || exit 7
		[ "$(ls -A)" = old.json ] && [ "$(cat old.json)" = old ]' \
		sh "$work/disk" "$ztt" run -e direct,reference "${quick[@]}"
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c 'cannot write .*: No space left on device' <<<"$output")" = 2 ]
}

@test "a path that cannot be written is told before anything is measured" {
	fails '^ztt-bench run: cannot write /nonexistent/x: No such file or directory$' \
		-e direct --duration 60s --json /nonexistent/x
	fails '^ztt-bench run: cannot write .*: Is a directory$' \
		-e direct --duration 60s --json "$work"
	run -3 --separate-stderr ztt load http://127.0.0.1:1/ --json /nonexistent/x
	[[ $stderr == "ztt-bench load: cannot write /nonexistent/x: No such file or directory" ]]
}

@test "a standard output that is full" {
	status=0
	ztt run -e direct "${quick[@]}" >/dev/full 2>"$work/err" || status=$?
	[ "$status" = 3 ]
	has "$work/err" 'cannot write the standard output: No space left on device'
}

@test "a key log that cannot be written" {
	fails '^ztt-bench run: edge exited with status 3 before it was ready' \
		-e reference --key-log /nonexistent/keys
	has "$work/run.err" 'cannot write /nonexistent/keys: No such file or directory'
}

# --- SIGKILL ---

# run_under_load ARGUMENT...: $run is its pid, $parts those of its parts, $ports
# where they listen, seen from here with --host-network.
run_under_load() {
	start run "$ztt" run --duration 30s --warmup 10ms --no-floor "$@"
	run=$pid
	soon part_of load
	sleep "0.$((RANDOM % 3 + 1))$((RANDOM % 10))"
	parts=$(pgrep -P "$run")
	ports=$(for one in $parts; do
		tr '\0' ' ' <"/proc/$one/cmdline"
	done | grep -oE '127\.0\.0\.1:[0-9]+' | grep -v ':0$' | sort -u)
	[ "$(wc -w <<<"$parts")" = 4 ]
	[ "$(wc -w <<<"$ports")" = 3 ]
}

part_of() {
	pgrep -P "$run" -f "^ztt-bench $1 "
}

# Of the run: no process, no listening port, no file.
nothing_left() {
	local one
	for one in $parts; do
		gone "$one" || { ps -fp "$one"; return 1; }
	done
	! ps -o stat=,pid=,args= -s "$run" | grep -v '^Z' || return 1
	for one in $ports; do
		! ss -Hlntu | grep -F " $one " || return 1
	done
	empty "$TMPDIR"
}

# killed PART NAME WHEN: in a network of its own and in this host's by turns.
killed() {
	local i networks=(--host-network --quiet)
	for i in $(seq "$kills"); do
		run_under_load --engine reference "${networks[i % 2]}"
		kill -9 "$(part_of "$1")"
		finish "$run"
		cat "$work/run.out" "$work/run.err"
		[ "$status" = 3 ]
		has "$work/run.err" "^ztt-bench run: $2 was killed by signal 9 \(Killed\) $3\$"
		nothing_left
	done
}

@test "kill -9 of the edge: status 3, named, nothing left" {
	killed edge edge "while the load ran"
}

@test "kill -9 of the engine: status 3, named, nothing left" {
	killed agent reference "while the load ran"
}

@test "kill -9 of the origin: status 3, named, nothing left" {
	killed origin origin "while the load ran"
}

@test "kill -9 of the load: status 3, named, nothing left" {
	killed load load "before it had a result"
}

@test "kill -9 of the run itself: all parts are gone within 2 s" {
	local i try networks=(--host-network --quiet)
	for i in $(seq "$kills"); do
		run_under_load --engine reference "${networks[i % 2]}"
		kill -9 "$run"
		finish "$run"
		[ "$status" = 137 ]
		for try in $(seq 20); do
			nothing_left >"$work/left" && break
			sleep 0.1
		done
		nothing_left
	done
}

@test "kill -9 of an engine that has not registered yet" {
	export FAKE_CLOUDFLARED=mute
	start run "$ztt" run -e cloudflared --engine-path "$fake" --duration 5s
	run=$pid
	soon pgrep -P "$run" -x sleep
	parts=$(pgrep -P "$run")
	kill -9 "$(pgrep -P "$run" -x sleep)"
	finish "$run"
	[ "$status" = 3 ]
	has "$work/run.err" 'cloudflared was killed by signal 9 \(Killed\) before it had registered'
	nothing_left
}

@test "kill -9 of a real cloudflared" {
	command -v cloudflared >/dev/null || skip "cloudflared is not installed"
	start run "$ztt" run -e cloudflared --duration 30s --warmup 10ms
	run=$pid
	soon part_of load
	parts=$(pgrep -P "$run")
	kill -9 "$(pgrep -P "$run" -x cloudflared)"
	finish "$run"
	[ "$status" = 3 ]
	has "$work/run.err" 'cloudflared was killed by signal 9 \(Killed\) while the load ran'
	has "$work/run.err" '^  .*INF Registered tunnel connection'
	nothing_left
}

@test "SIGINT, SIGTERM and SIGHUP: status 3, nothing left" {
	local signal
	for signal in INT TERM HUP; do
		run_under_load --engine reference
		kill -"$signal" "$run"
		finish "$run"
		[ "$status" = 3 ]
		has "$work/run.err" "^ztt-bench run: interrupted by SIG$signal\$"
		nothing_left
	done
}

@test "Ctrl-C reaches the parts too: it is the reason, not they" {
	run_under_load --engine reference --quiet
	kill -INT -- "-$run"
	finish "$run"
	[ "$status" = 3 ]
	has "$work/run.err" '^ztt-bench run: interrupted by SIGINT$'
	[ "$(wc -l <"$work/run.err")" = 1 ]
	nothing_left
}
