#!/usr/bin/env bats
# What `ztt-capture report` says of the fixtures, against their truth.
load helpers

# report NAME [KEYS]: of a fixture, into $json.
report() {
	json=$work/report.json
	status=0
	capture report ${2:+-k "$fixtures/$2.keys"} --json "$json" "$fixtures/$1.pcap" \
		>"$work/report.txt" 2>"$work/report.err" || status=$?
	cat "$work/report.err"
	[ "$status" = 0 ]
}

@test "report: every fixture, with and without keys, holds the schema" {
	local path name
	for path in "$fixtures"/*.pcap; do
		name=${path##*/}
		name=${name%.pcap}
		report "$name"
		mv "$json" "$work/$name.json"
		[ -s "$fixtures/${name%%.*}.keys" ] || continue
		report "$name" "${name%%.*}"
		mv "$json" "$work/$name.keys.json"
	done
	python3 -W ignore - "$top/common/schema/ztt-capture-1.json" "$work"/*.json <<-'EOF'
	import json, sys, jsonschema
	schema = json.load(open(sys.argv[1]))
	assert len(sys.argv) > 14
	for path in sys.argv[2:]:
	    d = json.load(open(path))
	    jsonschema.validate(d, schema)
	    assert d["undecoded"] == 0 and d["connections_left_out"] == 0, path
	    assert "keys" not in path or all(x["decrypted"] for x in d["connections"]), path
	EOF
}

# tshark decrypts none of the 31.
@test "report: cf-basic, with keys: no packet of 31 super-datagrams is left, nothing was lost" {
	report cf-basic cf-basic
	told "$json" 'd["frames"] == 148' 'd["super_datagrams"] == 31' 'd["undecoded"] == 0' \
		'not any(d["undecoded_by"].values())' 'len(c) == 2' 'c[1]["requests"] == 20' \
		'[x["sni"] for x in c] == ["probe.cftunnel.com", "quic.cftunnel.com"]' \
		'all(x["alpn"] == "argotunnel" and x["version"] == "v1" for x in c)' \
		'all(x["cipher"] == "AES-128-GCM" for x in c)' \
		'all(y["lost"] == 0 for x in c for y in x["directions"])' \
		'c[1]["directions"][0]["loss_grade"] == c[1]["directions"][1]["loss_grade"] == "exact"' \
		'c[1]["directions"][0]["bytes"] < 20 * 20000' \
		'sum(y["super_datagrams"] for x in c for y in x["directions"]) == 31' \
		'c[1]["directions"][0]["mtu_bytes"] == 1439' 'c[1]["handshake_round_trips"] == 1'
	has "$work/report.txt" 'probe.cftunnel.com'
	has "$work/report.txt" '31 super-datagrams'
}

# A super-datagram that is taken for one packet counts as one: the bytes of the
# packets are those of the captured UDP payload all the same.
@test "report: cf-basic: packets and bytes are all that the file holds" {
	report cf-basic cf-basic
	python3 - "$fixtures/cf-basic.pcap" "$json" <<-'EOF'
	import json, struct, sys
	data = open(sys.argv[1], "rb").read()
	at, bytes = 24, 0
	while at < len(data):
	    captured, = struct.unpack("<I", data[at + 8:at + 12])
	    bytes += captured - 14 - 20 - 8
	    at += 16 + captured
	d = json.load(open(sys.argv[2]))
	told = sum(y["bytes"] for x in d["connections"] for y in x["directions"])
	assert told == bytes, (told, bytes)
	EOF
}

@test "report: cf-loss2: what the relay dropped, from either side of it" {
	local truth=$fixtures/cf-loss2.truth.json
	[ "$(cat "$truth")" = '{"UpIn":573,"UpDrop":14,"DownIn":135,"DownDrop":3}' ]
	# From where it passed before it was dropped: exact.
	report cf-loss2.agent cf-loss2
	told "$json" 'len(c) == 1' 'd["undecoded"] == 0' 'd["super_datagrams"] == 106' \
		'up["lost"] == 14' 'up["loss_grade"] == "exact"' 'up["lost_after"] == 14' \
		'down["lost"] == 3' 'down["loss_grade"] in ("exact", "bounded")' 'down["lost_before"] == 3' \
		'up["datagrams"] == 573' 'down["datagrams"] == 132' 'c[0]["requests"] == 6' \
		'20000 <= up["rtt_us"]["min"] <= up["rtt_us"]["p50"] <= 25000'
	report cf-loss2.edge cf-loss2
	told "$json" 'len(c) == 1' 'd["undecoded"] == 0' 'd["super_datagrams"] == 0' \
		'up["lost"] == 14' 'up["loss_grade"] in ("exact", "bounded")' 'up["lost_before"] == 14' \
		'down["lost"] == 3' 'down["loss_grade"] == "exact"' 'down["lost_after"] == 3' \
		'up["datagrams"] == 559' 'down["datagrams"] == 135' \
		'20000 <= down["rtt_us"]["min"] <= down["rtt_us"]["p50"] <= 25000'
}

# The capture ended before the relay did, which dropped 6 of 940 and 13 of 715
# in all.
@test "report: wg-loss1: what the relay dropped while it was captured, exactly, without keys" {
	report wg-loss1
	told "$json" 'len(c) == 1' 'c[0]["protocol"] == "wireguard"' 'd["undecoded"] == 0' \
		'(up["lost"], down["lost"]) == (5, 9)' 'up["loss_grade"] == down["loss_grade"] == "exact"' \
		'up["reordered"] == down["reordered"] == up["duplicated"] == down["duplicated"] == 0' \
		'c[0]["handshake_round_trips"] == 1' 'd["source"]["truncated"] == 1632'
	python3 "$BATS_TEST_DIRNAME/capture_peers.py" wireguard "$fixtures/wg-loss1.pcap" "$json"
}

@test "report: cf-h2, with keys: the tunnel's requests over TLS" {
	report cf-h2 cf-h2
	told "$json" 'len(c) == 1' 'c[0]["protocol"] == "tls"' 'c[0]["decrypted"]' \
		'c[0]["sni"] == "h2.cftunnel.com"' 'd["undecoded"] == 0' \
		'c[0]["streams"] == 9' 'c[0]["requests"] == 8' \
		'c[0]["cipher"].startswith("AES-128-GCM")' \
		'all(y["lost"] == 0 and y["retransmitted"] == 0 for y in c[0]["directions"])'
	# The ninth stream is cloudflared's own: the control stream.
	capture read -q -k "$fixtures/cf-h2.keys" "$fixtures/cf-h2.pcap" >"$work/lines"
	[ "$(grep -cE 'HEADERS [0-9]+ GET' "$work/lines")" = 9 ]
	[ "$(grep -c 'control-stream' "$work/lines")" = 1 ]
}

@test "report: ngtcp2's Retry, key update and ChaCha20" {
	local name
	for name in retry keyupdate chacha; do
		report ng-$name ng-$name
		told "$json" 'len(c) == 1' 'd["undecoded"] == 0' 'c[0]["version"] == "v1"' 'c[0]["alpn"] == "h3"' \
			'up["lost"] == down["lost"] == 0' "c[0]['retried'] == ('$name' == 'retry')" \
			"c[0]['cipher'] == ('ChaCha20-Poly1305' if '$name' == 'chacha' else 'AES-128-GCM')" \
			"up['key_updates'] == down['key_updates'] == (1 if '$name' == 'keyupdate' else 0)" \
			'd["super_datagrams"] >= 8' 'down["bytes"] > 290000'
	done
}

@test "report: without keys the loss of QUIC is not known, and nothing is claimed" {
	local name
	for name in cf-basic cf-loss2.agent cf-loss2.edge ng-retry ng-keyupdate ng-chacha; do
		report "$name"
		told "$json" 'all(x["decrypted"] is False for x in c)' \
			'all(y["lost"] is None and y["loss_grade"] == "unknown" for x in c for y in x["directions"])' \
			'all(y[k] is None for x in c for y in x["directions"] for k in
				("lost_before", "lost_after", "missed", "spurious", "retransmitted"))' \
			'd["undecoded_by"]["no_keys"] > 0' 'd["undecoded_by"]["keys_fail"] == 0' 'd["undecoded"] == 0' \
			'all(x["sni"] and x["ja4"] for x in c)'
		hasnt "$work/report.txt" 'Nothing was lost|no loss'
	done
	# What a key log of another connection opens is nothing.
	capture report -k "$fixtures/ng-retry.keys" --json "$json" "$fixtures/ng-chacha.pcap"
	told "$json" 'not c[0]["decrypted"]' 'up["lost"] is None' 'd["undecoded_by"]["keys_fail"] == 0'
}

# Found without keys as with them: the segment size shows in the traffic.
@test "report: super-datagrams are split without keys as with them" {
	local name
	for name in cf-basic cf-loss2.agent ng-retry ng-keyupdate ng-chacha; do
		report "$name" "${name%%.*}"
		cp "$json" "$work/keys.json"
		report "$name"
		told "$json" "d['super_datagrams'] == $(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["super_datagrams"])' "$work/keys.json")"
	done
}

@test "report: --max-loss: 1 past it, 3 where the loss is not known" {
	local keys=$fixtures/cf-loss2.keys agent=$fixtures/cf-loss2.agent.pcap
	run -0 capture report -q -k "$keys" --max-loss 5 "$agent"
	run -1 capture report -q -k "$keys" --max-loss 1 "$agent"
	run -3 capture report -q --max-loss 5 "$agent"
	run -0 capture report -q --max-loss 5 "$fixtures/wg-loss1.pcap"
	run -1 capture report -q --max-loss 1 "$fixtures/wg-loss1.pcap"
	run -0 capture report -q -k "$fixtures/ng-retry.keys" --max-loss 0 "$fixtures/ng-retry.pcap"
}

@test "report: several captures in one, the verdict last, and -q nothing but it" {
	run -0 --separate-stderr capture report "$fixtures/cf-h2.pcap" "$fixtures/wg-loss1.pcap"
	[[ ${lines[-1]} == '2 connections'* ]]
	[ "$(awk 'length > 80' <<<"$(head -n -1 <<<"$output")")" = "" ]
	local last=${lines[-1]}
	run -0 --separate-stderr capture report -q "$fixtures/cf-h2.pcap" "$fixtures/wg-loss1.pcap"
	[ "$output" = "$last" ]
	[ -z "$stderr" ]
	run -0 --separate-stderr capture report --json - "$fixtures/cf-h2.pcap"
	python3 -m json.tool <<<"$output" >/dev/null
}

# --- peers ---

# The server's own log knows its packets, and those that it got.
@test "report: ngtcp2's own qlog has the same packets with the same frames" {
	local name
	for name in retry keyupdate chacha; do
		capture qlog -k "$fixtures/ng-$name.keys" -w "$work/$name.qlog" "$fixtures/ng-$name.pcap"
		report ng-$name ng-$name
		python3 "$BATS_TEST_DIRNAME/capture_peers.py" qlog "$work/$name.qlog" \
			"$fixtures/ng-$name.server.sqlog" "$json"
	done
}

# It decodes no super-datagram: those frames are left out.
@test "report: tshark sees the same packet numbers and types of frames" {
	command -v tshark >/dev/null || skip "tshark is not installed"
	local name
	for name in ng-retry ng-keyupdate ng-chacha cf-basic; do
		tshark -r "$fixtures/$name.pcap" -o "tls.keylog_file:$fixtures/$name.keys" \
			-d udp.port==7844,quic -T fields -E occurrence=a \
			-e frame.number -e quic.packet_number -e quic.frame_type -e _ws.expert.message >"$work/$name.tshark" 2>/dev/null
		capture read -q -k "$fixtures/$name.keys" -V "$fixtures/$name.pcap" >"$work/$name.tree"
		python3 "$BATS_TEST_DIRNAME/capture_peers.py" tshark "$work/$name.tree" "$work/$name.tshark"
	done
}

@test "report and diff: --json does not go over a capture" {
	cp "$fixtures/cf-basic.pcap" "$work/one.pcap"
	run -3 --separate-stderr capture report --json "$work/one.pcap" "$work/one.pcap"
	[[ $stderr == *'one.pcap is the capture that is read' ]]
	run -3 capture diff --json "$work/one.pcap" "$fixtures/cf-basic.pcap" "$work/one.pcap"
	cmp "$fixtures/cf-basic.pcap" "$work/one.pcap"
}
