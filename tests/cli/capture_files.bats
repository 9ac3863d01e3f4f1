#!/usr/bin/env bats
# What ztt-capture makes of files as they come: packed, of other byte orders, in
# a pipe, cut short, broken, hostile; no secret in what it writes, and a decoder
# that may do nothing but read, compute and write.
load helpers

basic=$fixtures/cf-basic.pcap
keys=$fixtures/cf-basic.keys

# same FILE NAME: reads as the fixture does.
same() {
	capture report -k "$fixtures/$2.keys" --json "$work/got.json" "$1" >/dev/null
	capture report -k "$fixtures/$2.keys" --json "$work/want.json" "$fixtures/$2.pcap" >/dev/null
	python3 - "$work/got.json" "$work/want.json" <<-'EOF'
	import json, sys
	a, b = (json.load(open(p)) for p in sys.argv[1:])
	a.pop("of"), b.pop("of")
	assert a == b, json.dumps(a)
	EOF
}

# pcap_as HOW OUT: cf-basic as another kind of file.
pcap_as() {
	python3 - "$basic" "$@" <<-'EOF'
	import struct, sys
	path, how, out = sys.argv[1:]
	data, at, records = open(path, "rb").read(), 24, []
	_, major, minor, _, _, snap, link = struct.unpack("<IHHiIII", data[:24])
	while at < len(data):
	    s, us, captured, length = struct.unpack("<IIII", data[at:at + 16])
	    records.append((s, us, length, data[at + 16:at + 16 + captured]))
	    at += 16 + captured
	order = ">" if "big" in how else "<"
	nano = "nano" in how
	block = lambda kind, body: (lambda n: struct.pack(order + "II", kind, n) + body + bytes(-len(body) % 4) + struct.pack(order + "I", n))(12 + len(body) + -len(body) % 4)
	with open(out, "wb") as f:
	    if "ng" in how:
	        f.write(block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1)))
	        options = struct.pack(order + "HHB3x", 9, 1, 9) + bytes(4) if nano else b""
	        f.write(block(1, struct.pack(order + "HHI", link, 0, snap) + options))
	        for s, us, length, packet in records:
	            t = (s * 1000000 + us) * (1000 if nano else 1)
	            f.write(block(6, struct.pack(order + "IIIII", 0, t >> 32, t & 0xffffffff, len(packet), length) + packet))
	    else:
	        f.write(struct.pack(order + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, major, minor, 0, 0, snap, link))
	        for s, us, length, packet in records:
	            f.write(struct.pack(order + "IIII", s, us * (1000 if nano else 1), len(packet), length) + packet)
	EOF
}

@test "files: pcap and pcapng, micro- and nanoseconds, either byte order" {
	local how
	for how in pcap pcap-nano pcap-big pcap-big-nano ng ng-nano ng-big ng-big-nano; do
		pcap_as "$how" "$work/$how"
		same "$work/$how" cf-basic
	done
}

@test "files: gzipped, in one or several members" {
	gzip -c "$basic" >"$work/basic.gz"
	same "$work/basic.gz" cf-basic
	{ head -c 7000 "$basic" | gzip -c; tail -c +7001 "$basic" | gzip -1 -c; } >"$work/two.gz"
	same "$work/two.gz" cf-basic
	pcap_as ng-big "$work/ng"
	gzip "$work/ng"
	same "$work/ng.gz" cf-basic
}

@test "files: the standard input, a pipe, a FIFO" {
	same - cf-basic <"$basic"
	gzip -c "$basic" | capture report -q -k "$keys" - >"$work/out"
	[ "$(cat "$work/out")" = "$(capture report -q -k "$keys" "$basic")" ]
	mkfifo "$work/fifo"
	cat "$basic" >"$work/fifo" 3>&- &
	pids+=($!)
	[ "$(capture report -q -k "$keys" "$work/fifo")" = "$(cat "$work/out")" ]
	cp "$keys" "$work/keys"
	[ "$(capture report -q -k <(cat "$keys") "$basic")" = "$(cat "$work/out")" ]
}

# broken FILE ARGUMENT...: a status of 0 or 3, a sentence, and no signal.
broken() {
	status=0
	capture "$@" >"$work/out" 2>"$work/err" || status=$?
	case $status in
	0 | 3) [ -s "$work/out" ] || [ -s "$work/err" ] || { echo "nothing is said: $*"; return 1; } ;;
	*) echo "$status: $*"; cat "$work/err"; return 1 ;;
	esac
	hasnt "$work/err" 'signal|Sanitizer|Assert'
}

@test "files: cut anywhere: what was whole is read, and that it was cut is said" {
	local at size
	size=$(stat -c %s "$basic")
	for at in $(seq 0 1000 40000) $(seq 40001 15013 "$size"); do
		head -c $at "$basic" >"$work/cut"
		broken report -k "$keys" --json "$work/cut.$at" "$work/cut"
		[ "$at" -lt 2000 ] || [ "$status" = 0 ]
	done
	python3 - "$work"/cut.* <<-'EOF'
	import json, sys
	assert len(sys.argv) > 60
	for path in sys.argv[1:]:
	    d = json.load(open(path))
	    assert int(path.split(".")[-1]) < 2000 or d["frames"] and d["source"]["problem"] and not d["undecoded"], path
	EOF
	pcap_as ng "$work/ng"
	gzip -c "$work/ng" >"$work/ng.gz"
	for at in $(seq 0 80009 "$size"); do
		head -c $at "$work/ng" >"$work/cut"
		broken read -k "$keys" "$work/cut"
		head -c $at "$work/ng.gz" >"$work/cut"
		broken qlog -k "$keys" "$work/cut"
		broken diff "$work/cut" "$basic"
		broken decrypt -k "$keys" -w "$work/open" "$work/cut"
	done
}

@test "files: cut at each byte of the headers" {
	local at
	pcap_as ng "$work/ng"
	for at in 1 4 5 12 23 24 25 39 40 48 60 80; do
		for file in "$basic" "$work/ng"; do
			head -c $at "$file" >"$work/cut"
			broken report "$work/cut"
			[ "$status" = 3 ]
		done
	done
}

@test "files: what is no capture is said to be none" {
	: >"$work/empty"
	head -c 100000 /dev/urandom >"$work/random"
	printf 'hello, world\n' >"$work/text"
	gzip -c "$work/text" >"$work/text.gz"
	for file in empty random text text.gz; do
		for command in report read qlog "diff $basic" "decrypt -k $keys -w $work/out"; do
			# shellcheck disable=SC2086
			broken $command "$work/$file"
			[ "$status" = 3 ]
			has "$work/err" "ztt-capture [a-z]+: .*$file"
		done
	done
	run -3 capture report - </dev/null
	run -3 capture report /dev/null
}

@test "files: bytes that changed on the way" {
	python3 - "$work" "$basic" "$fixtures/wg-loss1.pcap" "$fixtures/cf-h2.pcap" "$fixtures/ng-retry.pcap" <<-'EOF'
	import random, sys
	random.seed(7)
	for path in sys.argv[2:]:
	    name = path.split("/")[-1]
	    for one in range(5):
	        data = bytearray(open(path, "rb").read()[:60000])
	        for _ in range(4 << 2 * one):
	            data[random.randrange(24 if one % 2 else 0, len(data))] = random.randrange(256)
	        open("%s/%s.%d" % (sys.argv[1], name, one), "wb").write(data)
	EOF
	for file in "$work"/*.pcap.*; do
		name=${file##*/}
		name=${name%%.*}
		with=
		[ ! -s "$fixtures/$name.keys" ] || with="-k $fixtures/$name.keys"
		# shellcheck disable=SC2086
		broken report $with "$file"
		# shellcheck disable=SC2086
		broken read -V $with "$file"
	done
}

@test "files: a key log of garbage decrypts nothing, and says so" {
	head -c 100000 /dev/urandom >"$work/random"
	printf 'CLIENT_HANDSHAKE_TRAFFIC_SECRET 00 11\nSERVER_TRAFFIC_SECRET_0 zz zz\n# x\n\n' >"$work/short"
	sed 's/[0-9a-f]$/0/; s/ [0-9a-f]*$/ 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff/' "$keys" >"$work/wrong"
	: >"$work/empty"
	for log in random short empty wrong; do
		broken report -k "$work/$log" --json "$work/json" "$basic"
		[ "$status" != 0 ] || told "$work/json" 'not any(x["decrypted"] for x in c)' \
			'all(y["lost"] is None for x in c for y in x["directions"])'
	done
	# Some of it is good.
	cat "$work/random" <(echo) "$work/short" "$keys" >"$work/some"
	capture report -k "$work/some" --json "$work/json" "$basic" >/dev/null
	told "$work/json" 'all(x["decrypted"] for x in c)' 'd["undecoded"] == 0'
	# A great number of secrets of others is no hindrance.
	python3 - "$keys" "$work/many" <<-'EOF'
	import random, sys
	random.seed(1)
	with open(sys.argv[2], "w") as f:
	    for i in range(20000):
	        f.write("SERVER_TRAFFIC_SECRET_0 %064x %064x\n" % (random.getrandbits(256), random.getrandbits(256)))
	    f.write(open(sys.argv[1]).read())
	EOF
	capture report -k "$work/many" --json "$work/json" "$basic" >/dev/null
	told "$work/json" 'all(x["decrypted"] for x in c)'
}

# --- secrets ---

@test "files: no secret of the key log or of the tunnel is in any output" {
	local name
	for name in cf-basic cf-loss2.agent cf-h2 ng-retry; do
		log=$fixtures/${name%%.*}.keys
		{
			capture report -v -k "$log" --json - "$fixtures/$name.pcap"
			capture report -v -k "$log" "$fixtures/$name.pcap"
			capture read -k "$log" "$fixtures/$name.pcap"
			capture read -V -k "$log" "$fixtures/$name.pcap"
			capture qlog -k "$log" "$fixtures/$name.pcap" || [ $name = cf-h2 ]
			capture qlog --qlog-version 14 -k "$log" "$fixtures/$name.pcap" || [ $name = cf-h2 ]
			capture diff "$fixtures/$name.pcap" "$fixtures/$name.pcap" || [ $name = cf-h2 ]
			# Where it is in place of the capture, and the capture of it.
			capture report "$log" || true
			capture report -k "$fixtures/$name.pcap" "$fixtures/$name.pcap" || true
			capture decrypt -k "$log" -w /nonexistent/x "$fixtures/$name.pcap" || true
		} >"$work/all" 2>&1
		grep -vE '^(#|$)' "$log" | awk '{ print $3 }' >"$work/secrets"
		[ -s "$work/secrets" ]
		! grep -F -f "$work/secrets" "$work/all"
		hasnt "$work/all" 'n=20000'
	done
	# The tunnel's secret is in the registration.
	capture read -k "$keys" "$basic" >"$work/lines"
	has "$work/lines" 'registerConnection index 0 .*secret \(redacted\)'
}

# --- the decoder's cage ---

# caged PID: $decoder is it or its child, the one that reads.
caged() {
	decoder=$(pgrep -P "$1" | head -n 1)
	decoder=${decoder:-$1}
	grep -qE '^Seccomp:\s2' "/proc/$decoder/status"
}

# Reads from a FIFO that nothing is written to, so that it can be looked at.
@test "files: the decoder has no privilege, and a seccomp filter" {
	local one
	grep -q '^Seccomp:' /proc/self/status || skip "this kernel has no seccomp"
	mkfifo "$work/fifo"
	for command in report read "qlog -w $work/out" "decrypt -k $keys -w $work/out"; do
		# shellcheck disable=SC2086
		start cage "$ztt_capture" $command "$work/fifo"
		one=$pid
		exec 9>"$work/fifo"
		head -c 5000 "$basic" >&9
		soon caged "$one"
		has "/proc/$decoder/status" '^CapEff:\s0+$'
		has "/proc/$decoder/status" '^CapPrm:\s0+$'
		has "/proc/$decoder/status" '^NoNewPrivs:\s1'
		exec 9>&-
		finish "$one"
	done
}

@test "files: what the decoder asks of the kernel is little, and no file is opened after the first byte" {
	command -v strace >/dev/null || skip "strace is not installed"
	strace -f -o "$work/trace" true 2>/dev/null || skip "strace may not trace here"
	strace -f -o "$work/trace" "$ztt_capture" report -k "$keys" "$basic" >/dev/null 2>&1
	awk '/seccomp\(/ { caged = 1 } caged' "$work/trace" >"$work/caged"
	[ -s "$work/caged" ]
	hasnt "$work/caged" '(openat|socket|connect|execve|clone3?|unlink|rename)\(.*= [0-9]'
}
