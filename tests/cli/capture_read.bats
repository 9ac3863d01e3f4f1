#!/usr/bin/env bats
# `ztt-capture read`, `qlog` and `decrypt`: each packet of the fixtures, and what
# other programs make of what is written.
load helpers

basic=$fixtures/cf-basic.pcap
keys=$fixtures/cf-basic.keys

# packets FILE EXPRESSION: of a report, the sum over connections that are QUIC.
packets() {
	python3 -c 'import json, sys
c = [x for x in json.load(open(sys.argv[1]))["connections"]]
print(sum(y["packets"] for x in c for y in x["directions"]))' "$1"
}

# json_of FILE EXPRESSION...: each is true of e, the events of a qlog of either
# version, and h, what is before them.
qlog_is() {
	python3 - "$@" <<-'EOF'
	import collections, json, sys
	text = open(sys.argv[1]).read()
	if text[0] == "\x1e":
	    records = [json.loads(r) for r in text[1:].split("\x1e")]
	    assert text.endswith("\n") and text.count("\n\x1e") == len(records) - 1
	    h, e = records[0], records[1:]
	else:
	    h = json.loads(text)
	    e = [x for t in h["traces"] for x in t["events"]]
	count = collections.Counter(x["name"].split(":")[1] for x in e)
	for expression in sys.argv[2:]:
	    assert eval(expression), expression + ": " + str(count)
	EOF
}

# --- read ---

@test "read: a line for each packet that report counts, with and without keys" {
	local name with
	for name in cf-basic cf-loss2.agent cf-loss2.edge ng-retry ng-keyupdate ng-chacha cf-h2 wg-loss1; do
		for with in '' "-k $fixtures/${name%%.*}.keys"; do
			[ -z "$with" ] || [ -s "${with#-k }" ] || continue
			# shellcheck disable=SC2086
			capture read -q $with "$fixtures/$name.pcap" >"$work/lines"
			# shellcheck disable=SC2086
			capture report -q $with --json "$work/json" "$fixtures/$name.pcap" >/dev/null
			if [ $name = wg-loss1 ]; then # each packet at both sides of the relay
				[ "$(grep -cE '^ .* WG ' "$work/lines")" = 2783 ]
			else
				[ "$(grep -cE '^ *[0-9]+ +[0-9.]+ ' "$work/lines")" = "$(packets "$work/json")" ]
			fi
		done
	done
}

@test "read: the numbers of frames are those of the file, and no packet stays unopened" {
	capture read -q -k "$keys" "$basic" >"$work/lines"
	python3 - "$work/lines" <<-'EOF'
	import sys
	numbers = [int(l.split()[0]) for l in open(sys.argv[1]) if not l.startswith("#")]
	assert numbers == sorted(numbers) and set(numbers) == set(range(1, 149)), numbers
	EOF
	hasnt "$work/lines" 'unopened|no key|malformed'
	has "$work/lines" '\[14/14 inferred\]'
	has "$work/lines" '^# connection 2: QUIC 127.0.0.1:54567 > 127.0.0.1:7844'
	has "$work/lines" 'GET http://x.example/blob'
	has "$work/lines" 'registerConnection index 0 .*\(redacted\)'
}

@test "read: filters by connection, side, type and frame" {
	capture read -q -k "$keys" "$basic" >"$work/all"
	capture read -q -k "$keys" -c 1 "$basic" >"$work/lines"
	[ "$(grep -vc '^#' "$work/lines")" = 10 ]
	capture read -q -k "$keys" -c 2 --from server "$basic" >"$work/lines"
	[ "$(grep -vc '^#' "$work/lines")" = 59 ]
	hasnt "$work/lines" ' 2 > '
	capture read -q -k "$keys" -c 1,2 "$basic" | cmp - "$work/all"
	capture read -q -k "$keys" -c 1-9 "$basic" | cmp - "$work/all"
	capture read -q -k "$keys" -t initial,handshake "$basic" >"$work/lines"
	[ "$(grep -c 'QUIC' "$work/lines")" = "$(grep -cE '^# .*QUIC|QUIC (Initial|Handshake)' "$work/all")" ]
	hasnt "$work/lines" '1-RTT'
	capture read -q -k "$keys" -f stream,HANDSHAKE_DONE "$basic" >"$work/lines"
	[ "$(grep -vc '^#' "$work/lines")" = "$(grep -vE '^#' "$work/all" | grep -cE '(STREAM [0-9]+ @|HANDSHAKE_DONE)')" ]
	run -0 capture read -q -c 7 "$basic"
	[ -z "$output" ]
	# Frames are behind the keys.
	run -3 capture read -f STREAM "$basic"
	[[ $output == *'packets have no key: their frames are not known' ]]
	capture read -q -t wg-initiation,wg-response "$fixtures/wg-loss1.pcap" >"$work/lines"
	[ "$(grep -vc '^#' "$work/lines")" = 4 ]
	capture read -q -t retry "$fixtures/ng-retry.pcap" >"$work/lines"
	[ "$(grep -vc '^#' "$work/lines")" = 1 ]
}

@test "read: -V is a tree of every field" {
	capture read -q -V -k "$keys" -c 2 -t 1rtt "$basic" >"$work/tree"
	has "$work/tree" '^frame [0-9]+: 2026-'
	has "$work/tree" '^    packet number +0$'
	has "$work/tree" '^    STREAM \(type 0x[0-9a-f]+\)$'
	has "$work/tree" '^      acknowledged +[0-9]'
	[ "$(grep -c '^frame ' "$work/tree")" = "$(capture read -q -k "$keys" -c 2 -t 1rtt "$basic" | grep -vc '^#')" ]
	capture read -q -V -t initial "$basic" >"$work/tree"
	has "$work/tree" '^    CRYPTO'
	capture read -V "$fixtures/wg-loss1.pcap" >"$work/tree"
	has "$work/tree" 'counter +813'
}

@test "read: what comes in pieces is printed for a terminal at once, without colour for a file" {
	capture read -k "$keys" "$basic" >"$work/lines"
	hasnt "$work/lines" $'\033'
}

# --- qlog ---

@test "qlog: both versions are well-formed, with each packet of the report" {
	local name count
	for name in cf-basic cf-loss2.agent cf-loss2.edge ng-retry ng-keyupdate ng-chacha; do
		capture report -q -k "$fixtures/${name%%.*}.keys" --json "$work/json" "$fixtures/$name.pcap" >/dev/null
		count=$(packets "$work/json")
		capture qlog -k "$fixtures/${name%%.*}.keys" "$fixtures/$name.pcap" >"$work/03.qlog"
		qlog_is "$work/03.qlog" 'h["qlog_version"] == "0.3"' 'h["qlog_format"] == "JSON"' \
			"count['packet_sent'] + count['packet_received'] == $count" \
			'all(x["name"].split(":")[0] in ("connectivity", "transport", "recovery", "security") for x in e)' \
			'all(t["vantage_point"]["type"] == "network" for t in h["traces"])' \
			'all("time" in x and "data" in x for x in e)'
		capture qlog --qlog-version 14 -k "$fixtures/${name%%.*}.keys" "$fixtures/$name.pcap" >"$work/14.sqlog"
		qlog_is "$work/14.sqlog" 'h["file_schema"] == "urn:ietf:params:qlog:file:sequential"' \
			'h["serialization_format"] == "application/qlog+json-seq"' \
			'"urn:ietf:params:qlog:events:quic-14" in str(h)' \
			"count['packet_sent'] + count['packet_received'] == $count" \
			'all(x["name"].startswith("quic:") for x in e)'
	done
}

# A sender that declares a packet lost may be wrong: that is a spurious one.
@test "qlog: packets that cloudflared declared lost, and its connections apart" {
	capture qlog -k "$fixtures/cf-loss2.keys" -w "$work/loss.qlog" "$fixtures/cf-loss2.agent.pcap"
	qlog_is "$work/loss.qlog" 'count["packet_lost"] == 14 + 14' \
		'[x["time"] for x in e] == sorted(x["time"] for x in e)'
	[ "$(stat -c %a "$work/loss.qlog")" = 600 ]
	capture qlog -k "$keys" "$basic" >"$work/basic.qlog"
	qlog_is "$work/basic.qlog" 'len(h["traces"]) == 2' \
		'[len([x for x in t["events"] if x["name"].startswith("transport:packet_")]) for t in h["traces"]] == [10, 369]'
	capture qlog -k "$keys" -c 2 "$basic" >"$work/basic.qlog"
	qlog_is "$work/basic.qlog" 'len(h["traces"]) == 1'
}

@test "qlog: not over the capture itself" {
	cp "$basic" "$work/basic.pcap"
	run -3 --separate-stderr capture qlog -w "$work/basic.pcap" "$work/basic.pcap"
	[[ $stderr == *'is the capture that is read' ]]
	cmp "$basic" "$work/basic.pcap"
}

@test "qlog: without keys, and of no QUIC" {
	capture qlog "$basic" >"$work/basic.qlog"
	qlog_is "$work/basic.qlog" 'len(h["traces"]) == 2' 'count["packet_sent"] + count["packet_received"] > 8'
	run -3 capture qlog "$fixtures/wg-loss1.pcap"
}

# --- decrypt ---

@test "decrypt: the file holds the keys, and nobody else can read it" {
	local name
	for name in cf-basic ng-retry ng-keyupdate ng-chacha cf-h2; do
		(umask 0 && capture decrypt -k "$fixtures/$name.keys" -w "$work/$name.pcapng" "$fixtures/$name.pcap" 2>"$work/err")
		has "$work/err" '^[0-9]+ secrets are now in the capture$'
		[ "$(stat -c %a "$work/$name.pcapng")" = 600 ]
		capture report --json "$work/in.json" "$work/$name.pcapng" >/dev/null
		capture report -k "$fixtures/$name.keys" --json "$work/beside.json" "$fixtures/$name.pcap" >/dev/null
		python3 - "$work/in.json" "$work/beside.json" <<-'EOF'
		import json, sys
		a, b = (json.load(open(p)) for p in sys.argv[1:])
		assert all(x["decrypted"] for x in a["connections"])
		a.pop("of"), b.pop("of")
		assert a == b
		EOF
		# Also of its own output, and on the standard output.
		capture decrypt -q -k "$fixtures/$name.keys" -w - - <"$work/$name.pcapng" >"$work/again.pcapng"
		[ "$(capture report -q "$work/again.pcapng")" = "$(capture report -q "$work/$name.pcapng")" ]
	done
}

@test "decrypt: tshark opens the file by itself" {
	command -v tshark >/dev/null || skip "tshark is not installed"
	capture decrypt -q -k "$fixtures/ng-retry.keys" -w "$work/open.pcapng" "$fixtures/ng-retry.pcap"
	tshark -r "$work/open.pcapng" -d udp.port==7844,quic -Y 'quic.frame_type == 0x1e' 2>/dev/null >"$work/tshark"
	[ -s "$work/tshark" ]
	tshark -r "$fixtures/ng-retry.pcap" -d udp.port==7844,quic -Y 'quic.frame_type == 0x1e' 2>/dev/null >"$work/tshark"
	[ ! -s "$work/tshark" ]
}

@test "decrypt: neither over the capture itself, nor with what is no key log" {
	cp "$basic" "$work/basic.pcap"
	run -3 --separate-stderr capture decrypt -k "$keys" -w "$work/basic.pcap" "$work/basic.pcap"
	[ -n "$stderr" ]
	cmp "$basic" "$work/basic.pcap"
	echo 'nothing of the kind' >"$work/none"
	run -3 --separate-stderr capture decrypt -k "$work/none" -w "$work/out" "$basic"
	[ -n "$stderr" ]
	[ ! -e "$work/out" ]
}
