#!/usr/bin/env bats
# `ztt-capture record`, live, in a network namespace of its own; what was
# recorded is reported. Nothing of this host's traffic is seen.
load helpers

# net_up: ${inside[@]} is what a command is put after, to run in a namespace
# where lo is up.
net_up() {
	local how
	for how in -rn -n; do
		unshare $how true 2>/dev/null && break
		how=
	done
	[ -n "$how" ] || skip "no network namespace of one's own is allowed here"
	start net unshare $how sh -c 'ip link set lo up && echo up && exec sleep 600'
	soon test -s "$work/net.out"
	inside=(nsenter -t "$pid" -n)
	[ $how = -n ] || inside+=(-U --preserve-credentials)
	"${inside[@]}" true || skip "nsenter does not work here"
}

# record NAME ARGUMENT...: $record is its pid; it records.
record() {
	local name=$1
	shift
	start "$name" "${inside[@]}" "$ztt_capture" record "$@"
	record=$pid
	soon grep -q '^recording ' "$work/$name.err"
}

# stop: as by Ctrl-C; what it said is in $work/NAME.err.
stop() {
	kill "-${2:-INT}" "$1"
	finish "$1"
	[ "$status" = 0 ] || { cat "$work"/*.err; return 1; }
}

# tunnel_up: edge and agent on the tunnel's port; $work/keys is their key log.
tunnel_up() {
	start edge "${inside[@]}" "$ztt" edge --listen 127.0.0.1:7844 --http 127.0.0.1:8080 --key-log "$work/keys"
	soon grep -q 'ask for something' "$work/edge.out"
	ca=$(line_of "$work/edge.out" '.* --cacert ([^ ]*) .*')
	credentials=$(line_of "$work/edge.out" '.*--credentials-file ([^ ]*) .*')
	start origin "${inside[@]}" "$ztt" origin --listen 127.0.0.1:0
	soon grep -q 'delay' "$work/origin.out"
	origin=$(line_of "$work/origin.out" '^origin: (http[^,]*),.*')
	start agent "${inside[@]}" "$ztt" agent --edge 127.0.0.1:7844 --cacert "$ca" \
		--credentials "$credentials" --origin "$origin" --connections 1
	soon grep -q 'connection 0 is registered' "$work/agent.err"
	# shellcheck disable=SC2034
	agent=$pid
}

# send COUNT: so many datagrams of 1000 bytes to the tunnel's port.
send() {
	"${inside[@]}" python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[1])):
    s.sendto(b"%0999d\n" % i, ("127.0.0.1", 7844))' "$1"
}

# recorded FILE: how many datagrams of `send`.
recorded() {
	grep -aoE '0{900,}[0-9]*' "$@" -h | wc -l
}

@test "record: ztt-bench's tunnel with its key log: decrypted, every super-datagram split, nothing lost" {
	net_up
	record split -i lo -w "$work/split.pcapng"
	split=$record
	record whole -i lo --whole -w "$work/whole.pcapng"
	tunnel_up
	for i in 1 2 3; do
		"${inside[@]}" curl -sS -m 20 -o "$work/body" "http://127.0.0.1:8080/blob?bytes=1000000"
		[ "$(wc -c <"$work/body")" = 1000000 ]
	done
	"${inside[@]}" curl -sS -m 20 --data-binary "@$work/body" -o "$work/answer" "http://127.0.0.1:8080/sink"
	kill -TERM "$agent"
	finish "$agent"
	stop "$split"
	stop "$record"
	has "$work/split.err" '^[0-9]+ packets, .*; [1-9][0-9]* super-datagrams; 0 dropped by the kernel'
	hasnt "$work/split.err" 'segment sizes are not known' || skip "this kernel tells no segment sizes"
	capture report -k "$work/keys" --json "$work/split.json" "$work/split.pcapng"
	capture report -k "$work/keys" --json "$work/whole.json" "$work/whole.pcapng" >/dev/null
	for name in split whole; do
		valid_json "$work/$name.json" ztt-capture
		told "$work/$name.json" 'len(c) == 1' 'c[0]["decrypted"]' 'd["undecoded"] == 0' 'd["source"]["dropped"] == 0' \
			'c[0]["requests"] == 4' 'up["lost"] == down["lost"] == 0' \
			'up["missed"] == down["missed"] == 0' 'd["inferred_super_datagrams"] == 0' \
			'up["bytes"] > 3000000' 'down["bytes"] > 1000000' 'd["source"]["problem"] is None' \
			'c[0]["alpn"] == "argotunnel"'
	done
	told "$work/split.json" 'd["super_datagrams"] == 0'
	told "$work/whole.json" 'd["super_datagrams"] > 0'
	python3 - "$work/split.json" "$work/whole.json" <<-'EOF'
	import json, sys
	a, b = ([(y["packets"], y["bytes"], y["datagrams"]) for y in json.load(open(p))["connections"][0]["directions"]] for p in sys.argv[1:])
	assert a == b, (a, b)
	EOF
	# Its secrets are nowhere but in the key log.
	capture read -k "$work/keys" "$work/split.pcapng" >"$work/lines"
	capture read -V -k "$work/keys" "$work/split.pcapng" >>"$work/lines"
	secret=$(line_of "$credentials" '.*"TunnelSecret": *"([^"]*)".*')
	[ -n "$secret" ]
	hasnt "$work/lines" "$secret|$(base64 -d <<<"$secret" | od -An -vtx1 | tr -d ' \n')"
	has "$work/lines" 'registerConnection.*redacted'
}

@test "record: privileges are given up once it is open, and the file is for its owner alone" {
	net_up
	record one -i lo -w "$work/one.pcapng"
	for set in Inh Prm Eff Amb; do
		has "/proc/$record/status" "^Cap$set:\s0+$"
	done
	has "/proc/$record/status" '^NoNewPrivs:\s1$'
	[ "$(stat -c %a "$work/one.pcapng")" = 600 ]
	stop "$record"
}

@test "record: however it is ended, the file is whole" {
	net_up
	local signal
	for signal in INT TERM HUP; do
		record "$signal" -i lo -w "$work/$signal.pcapng"
		send 50
		stop "$record" "$signal"
		has "$work/$signal.err" '^50 packets, '
		[ "$(recorded "$work/$signal.pcapng")" = 50 ]
		capture report --json "$work/json" "$work/$signal.pcapng" >/dev/null || [ $? = 3 ]
		told "$work/json" 'd["frames"] == 50' 'd["source"]["problem"] is None' 'd["source"]["dropped"] == 0'
	done
	# Killed, it has what was there a second ago.
	record killed -i lo -w "$work/killed.pcapng"
	send 50
	soon eval '[ "$(recorded "$work/killed.pcapng")" = 50 ]'
	kill -KILL "$record"
	capture report --json "$work/json" "$work/killed.pcapng" >/dev/null || [ $? = 3 ]
	told "$work/json" 'd["frames"] == 50' 'd["source"]["problem"] is None'
}

@test "record: --count and --duration end it, and -q says nothing" {
	net_up
	record count -i lo -c 7 -w "$work/count.pcapng"
	send 20
	finish "$record"
	[ "$status" = 0 ]
	[ "$(recorded "$work/count.pcapng")" = 7 ]
	run -0 "${inside[@]}" timeout 10 "$ztt_capture" record -q -i lo -d 100ms -w "$work/duration.pcapng"
	[ -z "$output" ]
	[ -s "$work/duration.pcapng" ]
}

@test "record: a ring of files keeps the newest, each whole, without a gap" {
	net_up
	record ring -i lo --file-size 65536 --files 3 -w "$work/ring.pcapng"
	send 500
	sleep 0.2
	stop "$record"
	ls "$work" | grep '^ring_' >"$work/names"
	[ "$(wc -l <"$work/names")" = 3 ]
	[ "$(tail -n 1 "$work/names")" = ring_00009.pcapng ] || [ "$(tail -n 1 "$work/names")" = ring_00008.pcapng ]
	for name in $(cat "$work/names"); do
		[ "$(stat -c %s "$work/$name")" -le 67000 ]
		capture report --json "$work/json" "$work/$name" >/dev/null || [ $? = 3 ]
		told "$work/json" 'd["frames"] > 0' 'd["source"]["problem"] is None'
	done
	# The last one of all, and no gap before it.
	cat "$work"/ring_*.pcapng | grep -aoE '0{900,}[0-9]*' | sed 's/^0*//' >"$work/numbers"
	[ "$(tail -n 1 "$work/numbers")" = 499 ]
	[ "$(sort -n "$work/numbers" | awk 'NR > 1 && $1 != last + 1 { print } { last = $1 }')" = "" ]
	has "$work/ring.err" '^500 packets'
}

@test "record: a filter of one's own; what it does not name is not recorded" {
	net_up
	record other -i lo -w "$work/other.pcapng" udp port 7000 or tcp
	send 5
	stop "$record"
	[ "$(recorded "$work/other.pcapng")" = 0 ]
	record any -w "$work/any.pcapng" udp and dst port 7844
	send 5
	stop "$record"
	[ "$(recorded "$work/any.pcapng")" = 5 ]
}

@test "record: into a pipe, read while it runs" {
	net_up
	"${inside[@]}" "$ztt_capture" record -q -i lo -c 5 -w - 2>"$work/pipe.err" >"$work/pipe" 3>&- &
	pids+=($!)
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		sleep 0.05
		[ -s "$work/pipe" ] && break
	done
	send 20
	finish "${pids[-1]}"
	[ "$status" = 0 ]
	[ "$(recorded "$work/pipe")" = 5 ]
	[ "$(head -c 4 "$work/pipe" | od -An -tx1 | tr -d ' ')" = 0a0d0d0a ]
}

@test "record: IPv6, too" {
	net_up
	"${inside[@]}" python3 -c 'import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).bind(("::1", 0))' ||
		skip "no IPv6 on lo"
	record six -i lo -w "$work/six.pcapng"
	"${inside[@]}" python3 -c 'import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.sendto(b"%0999d" % 1, ("::1", 7844))'
	stop "$record"
	[ "$(recorded "$work/six.pcapng")" = 1 ]
}

@test "record: an interface that goes away ends it, with status 3 and what there was" {
	net_up
	"${inside[@]}" ip link add name gone type veth peer name other 2>/dev/null || skip "no veth here"
	"${inside[@]}" ip link set gone up
	record gone -i gone -w "$work/gone.pcapng"
	"${inside[@]}" ip link del gone
	finish "$record"
	[ "$status" = 3 ]
	has "$work/gone.err" 'went down or away'
	[ -s "$work/gone.pcapng" ]
}

@test "record: without CAP_NET_RAW: status 3, and what it needs" {
	net_up
	"${inside[@]}" setpriv --bounding-set -net_raw true 2>/dev/null || skip "no setpriv that takes CAP_NET_RAW away"
	run -3 --separate-stderr "${inside[@]}" setpriv --bounding-set -net_raw --inh-caps -net_raw \
		"$ztt_capture" record -i lo -w "$work/none.pcapng"
	[[ $stderr == *CAP_NET_RAW* ]]
	[ ! -e "$work/none.pcapng" ]
}

@test "record: what cannot be recorded is told" {
	net_up
	run -3 --separate-stderr "${inside[@]}" "$ztt_capture" record -i nowhere -w "$work/none.pcapng"
	[[ $stderr == *'no interface nowhere'* ]]
	run -2 --separate-stderr "${inside[@]}" "$ztt_capture" record -i lo -w "$work/none.pcapng" udp prot 5
	[[ $stderr == *'the filter "udp prot 5"'* ]]
	[ ! -e "$work/none.pcapng" ]
	run -3 --separate-stderr "${inside[@]}" "$ztt_capture" record -i lo -w /nonexistent/none.pcapng
	[[ $stderr == *'/nonexistent/none.pcapng'* ]]
	run -2 --separate-stderr "${inside[@]}" "$ztt_capture" record -i lo --file-size 1M -w -
	[[ $stderr == *'needs a name'* ]]
	[ -w /dev/full ] || skip "no /dev/full"
	record full -i lo -c 400 -w /dev/full
	send 400
	finish "$record"
	[ "$status" = 3 ]
	has "$work/full.err" 'No space left'
}
