#!/usr/bin/env bats
# `ztt-capture diff`: two captures of the same traffic, against what the relay
# between them said that it dropped. No keys.
load helpers

agent=$fixtures/cf-loss2.agent.pcap
edge=$fixtures/cf-loss2.edge.pcap

@test "diff: cf-loss2: exactly what the relay dropped, and its 10 ms" {
	[ "$(cat "$fixtures/cf-loss2.truth.json")" = '{"UpIn":573,"UpDrop":14,"DownIn":135,"DownDrop":3}' ]
	capture diff --json "$work/json" "$agent" "$edge" >"$work/out"
	told "$work/json" '(up["sent"], up["arrived"], up["lost"]) == (573, 559, 14)' \
		'(down["sent"], down["arrived"], down["lost"]) == (135, 132, 3)' \
		'up["loss_grade"] == down["loss_grade"] == "exact"' \
		'up["duplicated"] == down["duplicated"] == up["unsent"] == down["unsent"] == 0' \
		'all(10000 <= y["delay_us"][k] <= 12000 for y in (up, down) for k in ("min", "p50", "p99"))' \
		'd["clock"]["same"] is False' 'abs(d["clock"]["offset_us"]) < 1000' \
		'd["a"]["super_datagrams"] == 106' 'd["b"]["super_datagrams"] == 0' \
		'd["a"]["unsplit"] == d["b"]["unsplit"] == d["a"]["undecoded"] == d["b"]["undecoded"] == 0'
	has "$work/out" '14 of 573'
	has "$work/out" '3 of 135'
	[ "$(awk 'length > 100' <<<"$(grep -v '^[AB] ' "$work/out" | head -n -1)")" = "" ]
}

@test "diff: it is a result of ztt-capture/1" {
	capture diff -q --json "$work/json" "$agent" "$edge" >/dev/null
	valid_json "$work/json" ztt-capture
	capture diff -q --json "$work/json" "$agent" "$agent" >/dev/null
	valid_json "$work/json" ztt-capture
}

@test "diff: --same-clock takes the delays as they are" {
	capture diff -q --same-clock --json "$work/json" "$agent" "$edge" >/dev/null
	told "$work/json" 'd["clock"]["same"]' 'd["clock"]["offset_us"] == 0' \
		'all(10000 <= y["delay_us"]["min"] <= 10200 for y in (up, down))' \
		'up["lost"] == 14' 'down["lost"] == 3'
}

@test "diff: either order of the files, with the same losses" {
	capture diff -q --json "$work/json" "$edge" "$agent" >/dev/null
	told "$work/json" 'sorted((y["sent"], y["lost"]) for y in d["directions"]) == [(135, 3), (573, 14)]'
}

# Each time of the second capture is later by an hour.
@test "diff: clocks that differ by an hour are no loss" {
	python3 - "$edge" "$work/later.pcap" <<-'EOF'
	import struct, sys
	data, at = bytearray(open(sys.argv[1], "rb").read()), 24
	while at < len(data):
	    s, us, captured = struct.unpack("<III", data[at:at + 12])
	    data[at:at + 4] = struct.pack("<I", s + 3600)
	    at += 16 + captured
	open(sys.argv[2], "wb").write(data)
	EOF
	capture diff -q --json "$work/json" "$agent" "$work/later.pcap" >/dev/null
	told "$work/json" '(up["lost"], down["lost"]) == (14, 3)' \
		'abs(d["clock"]["offset_us"] - 3600e6) < 11000' '9000 <= up["delay_us"]["p50"] <= 12000'
}

@test "diff: a capture and itself: nothing is lost, in no time" {
	local name
	for name in cf-basic ng-retry wg-loss1; do
		capture diff -q --same-clock --json "$work/json" "$fixtures/$name.pcap" "$fixtures/$name.pcap" >/dev/null
		told "$work/json" 'all(y["lost"] == y["unsent"] == y["reordered"] == 0 for y in d["directions"])' \
			'all(y["sent"] == y["arrived"] > 0 for y in d["directions"])' \
			'all(y["delay_us"]["p99"] <= 1 for y in d["directions"])'
	done
}

# Each packet passes twice: before the relay and after it.
@test "diff: wg-loss1, divided at the relay: exactly what it dropped" {
	python3 - "$fixtures/wg-loss1.pcap" "$work" <<-'EOF'
	import struct, sys
	data, at, out = open(sys.argv[1], "rb").read(), 24, {}
	while at < len(data):
	    captured, = struct.unpack("<I", data[at + 8:at + 12])
	    out.setdefault(data[at + 16 + 7], [data[:24]]).append(data[at:at + 16 + captured])
	    at += 16 + captured
	for interface, records in out.items():
	    open("%s/%d.pcap" % (sys.argv[2], interface), "wb").write(b"".join(records))
	EOF
	capture diff -q --same-clock --json "$work/json" "$work/2.pcap" "$work/1.pcap" >/dev/null
	told "$work/json" '(up["lost"], down["lost"]) == (5, 9)' 'down["loss_grade"] == "exact"'
}

@test "diff: --max-loss, and what has nothing in common" {
	run -0 capture diff -q --max-loss 5 "$agent" "$edge"
	run -1 capture diff -q --max-loss 1 "$agent" "$edge"
	run -3 --separate-stderr capture diff -q "$fixtures/cf-basic.pcap" "$fixtures/wg-loss1.pcap"
	[ -n "$output$stderr" ]
	hasnt <(echo "$output") 'nothing was lost'
}
