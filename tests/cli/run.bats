#!/usr/bin/env bats
# ztt-bench run: what is measured, and how it is told.
load helpers

@test "the run of the README is valid, by the schema" {
	measure --engine reference --streams 8 --size 100M --duration 1s \
		--warmup 200ms
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'r["valid"] is True' 'r["invalid_reason"] is None' \
		'd["schema"] == "ztt-bench/1"' 'r["goodput_bps"] > 0' \
		'r["errors"] == 0' 'r["bytes_down"] > 0' 'r["bytes_up"] == 0' \
		'0.5 < r["window_s"]' 'r["cpu_s_per_gb"]["engine"] > 0' \
		'all(r["parts"][p]["cpu_s"] >= 0 for p in r["parts"])' \
		'd["engines"][0]["name"] == "reference"' \
		'd["engines"][0]["transport"] == "quic"' \
		'"AES" in d["engines"][0]["cipher"]' \
		'd["load"]["size_bytes"] == 100000000' 'd["floor"] is None'
}

@test "--json - prints the JSON alone" {
	ztt run --engine direct --duration 200ms --warmup 50ms --no-floor \
		--json - >"$work/result.json" 2>"$work/err"
	valid_json "$work/result.json"
	[ "$(head -c 1 "$work/result.json")" = "{" ]
}

@test "the text ends with a verdict, is 80 columns wide but for it, and has no escape" {
	measure --engine reference --duration 300ms
	[ "$status" = 0 ]
	tail -n 1 "$work/run.out" | grep -E '^reference carries .* over QUIC here at .* CPU-s/GB'
	has "$work/run.out" '^engine  reference '
	hasnt "$work/run.out" $'\033'
	[ -z "$(grep -v '^network: ' "$work/run.err")" ]
	[ "$(grep -E '^(reference|engine) +' "$work/run.out" |
		grep -v carries | awk '{print length}' | sort -n | tail -1)" -le 80 ]
}

@test "a live line and colours on a terminal, unless NO_COLOR, --no-color or --quiet" {
	terminal() {
		python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' \
			env TERM=xterm timeout 30 "$ztt" run -e direct --duration 300ms --warmup 50ms "$@" \
			>"$work/terminal" </dev/null
	}
	terminal
	has "$work/terminal" 'run 1 of 1, direct: '
	has "$work/terminal" $'\033\\[[0-9;]+m'
	terminal --no-color
	hasnt "$work/terminal" $'\033\\[[0-9;]+m'
	NO_COLOR=1 terminal
	hasnt "$work/terminal" $'\033\\[[0-9;]+m'
	terminal --quiet
	hasnt "$work/terminal" $'\033'
	[ "$(wc -l <"$work/terminal")" = 1 ]
}

@test "--quiet leaves the verdict; --verbose tells the command lines and the logs" {
	run -0 --separate-stderr ztt run -q -e direct --duration 200ms --warmup 50ms
	[ "${#lines[@]}" = 1 ]
	[ -z "$stderr" ]
	run --separate-stderr ztt run -v -e reference --duration 200ms \
		--warmup 50ms --no-floor
	[[ $stderr == *"edge: ztt-bench edge "*"load: ztt-bench load "* ]]
	[[ $stderr == *"reference printed:"*"connection 0 is registered"* ]]
}

@test "the host's floor is measured with bulk, unless --no-floor" {
	local try
	for try in 1 2 3; do
		ztt run -e reference --duration 300ms --warmup 100ms \
			--json "$work/result.json" >"$work/out" && break
	done
	has "$work/out" "times this host's floor"
	valid_json "$work/result.json"
	holds 'd["floor"]["down_cpu_s_per_gb"] > 0' 'd["summary"][0]["times_floor"] > 0'
}

@test "up: the bodies go to the origin" {
	measure -e reference --direction up --duration 400ms
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'r["valid"]' 'r["bytes_up"] > 0' 'r["bytes_down"] < r["bytes_up"] / 100' \
		'd["load"]["direction"] == "up"'
}

@test "both: they go both ways" {
	measure -e reference --direction both --size 1M --duration 400ms
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'r["valid"]' 'r["bytes_up"] > 0' 'r["bytes_down"] > 0' 'r["requests"] > 0'
}

@test "requests of 1 KiB: as many as asked for, with latency and CPU per request" {
	measure -e reference --size 1KiB --streams 16 --requests 2000
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'r["valid"]' '2000 <= r["requests"] < 2100' \
		'r["latency_us"]["p50"] <= r["latency_us"]["p99"] <= r["latency_us"]["max"]' \
		'r["cpu_us_per_request"]["engine"] > 0' 'd["load"]["requests"] == 2000' \
		'near(r["bytes_down"], 1024 * r["requests"], 32 * 1024)'
}

@test "--rate: as many as are due, and a rate that is too high is told as late" {
	measure -e reference --size 1KiB --rate 400 --duration 500ms
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'r["valid"]' 'd["load"]["mode"] == "open"' \
		'd["load"]["rate_per_s"] == 400' '50 <= r["requests"] <= 250'
	measure -e reference --size 10M --streams 1 --rate 100k --duration 300ms
	valid_json "$work/result.json"
	holds 'r["late"] > 0'
}

@test "--mix: sizes in proportions" {
	printf '# weight size\n90 1KiB\n10 64KiB\n' >"$work/mix"
	measure -e reference --mix "$work/mix" --requests 1000
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'r["valid"]' 'd["load"]["size_bytes"] is None' \
		'1024 < r["bytes_down"] / r["requests"] < 65536'
	printf '90 1KiB\nten 64KiB\n' >"$work/mix"
	run -2 --separate-stderr ztt run -e reference --mix "$work/mix"
	[[ $stderr == *"$work/mix, line 2: "* ]]
}

@test "--repeat with two engines: they take turns, and are compared" {
	measure -e reference,direct --repeat 4 --size 1M --duration 200ms --warmup 50ms
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds '[x["engine"] for x in d["runs"]] == ["reference", "direct", "direct", "reference"] * 2' \
		'[x["round"] for x in d["runs"]] == [0, 0, 1, 1, 2, 2, 3, 3]' \
		'len(d["ratios"]) == 1' 'd["ratios"][0]["against"] == "direct"' \
		'd["ratios"][0]["rounds"] == 4' 'd["ratios"][0]["goodput"]["median"] > 0' \
		'd["ratios"][0]["goodput"]["interval"]["level"] == 0.875' \
		'd["summary"][0]["valid_runs"] == 4'
	has "$work/run.out" 'reference against direct, round by round'
}

@test "several connections, several threads" {
	measure -e reference --connections 3 --threads 2 --size 1M --duration 300ms
	[ "$status" = 0 ]
	holds 'r["valid"]' 'd["engines"][0]["connections"] == 3'
}

@test "each cipher that can be asked for is the one that is used" {
	local pair
	for pair in aes128:AES-128-GCM aes256:AES-256-GCM chacha20:CHACHA20-POLY1305; do
		measure -e reference --cipher "${pair%:*}" --size 1M --requests 20
		holds "r['valid']" "d['engines'][0]['cipher'] == '${pair#*:}'"
	done
}

@test "--key-log gets what a decoder needs" {
	measure -e reference --size 1M --requests 5 --key-log "$work/keys"
	[ "$status" = 0 ]
	has "$work/keys" '^CLIENT_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} [0-9a-f]{64,96}$'
	has "$work/keys" '^SERVER_TRAFFIC_SECRET_0 '
}

@test "the user's own origin: ztt-bench origin" {
	origin_up
	measure -e reference --origin "$origin/blob?bytes=20000" --duration 300ms
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'r["valid"]' 'd["load"]["path"] == "/blob?bytes=20000"' \
		'd["load"]["origin"] == "'"${origin#http://}"'"' \
		'near(r["bytes_down"], 20000 * r["requests"], 16 * 20000)' \
		'r["parts"]["origin"] is None'
	measure -e direct --origin "$origin" --path "/blob?bytes=7" --requests 50
	[ "$status" = 0 ]
	holds 'near(r["bytes_down"], 7 * r["requests"], 16 * 7)'
}

@test "the user's own origin: python's http.server, HTTP/1.0 and all" {
	mkdir "$work/www"
	head -c 50000 /dev/zero >"$work/www/file"
	server "
import http.server, functools
h = functools.partial(http.server.SimpleHTTPRequestHandler, directory='$work/www')
s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), h)
print(s.server_address[1], flush=True)
s.serve_forever()"
	measure -e reference --origin "http://127.0.0.1:$port/file" --streams 4 --requests 100
	[ "$status" = 0 ]
	holds 'r["valid"]' 'near(r["bytes_down"], 50000 * r["requests"], 8 * 50000)'
}

@test "the network is the run's own, where that is permitted, or this host's" {
	measure -e direct --size 1M --requests 5
	valid_json "$work/result.json"
	if unshare -n true 2>/dev/null || unshare -rn true 2>/dev/null; then
		holds 'd["host"]["network"] == "namespace"'
	else
		holds 'd["host"]["network"] == "host"'
		has "$work/run.err" "^network: this host's, for "
	fi
	measure -e direct --size 1M --requests 5 --host-network
	holds 'd["host"]["network"] == "host"'
	[ ! -s "$work/run.err" ]
}

@test "--list names every engine, and whether it can run here" {
	run -0 ztt run --list
	local name
	for name in $(engines); do
		[[ $output == *"$name "*"can run here"* ]] ||
			[[ $output == *"$name "*"cannot run here: "* ]]
	done
	[[ $output == *"reference    can run here"* ]]
}

@test "auto says which engine it took" {
	PATH=/usr/bin:/bin run --separate-stderr ztt run --size 1K --requests 10 --warmup 10ms
	if PATH=/usr/bin:/bin command -v cloudflared >/dev/null; then
		[[ $stderr == *"engine: cloudflared"* ]]
	else
		[[ $stderr == *"engine: reference, for no cloudflared is in PATH"* ]]
	fi
}

@test "what contradicts itself is refused before anything starts" {
	local line
	while read -r line; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr ztt run $line
		[ -z "$output" ]
		[[ $stderr == "ztt-bench run: "* ]]
	done <<-'EOF'
	--size 1M --mix /dev/null
	--requests 5 --duration 5s
	--direction both --streams 1
	--engine reference,reference
	--engine refrence
	--origin https://127.0.0.1/
	--origin 127.0.0.1:80
	--path /x
	--origin http://127.0.0.1:80/x --size 1M
	--streams 0
	--size 1XB
	--duration -1s
	extra
	EOF
}

# engines: the names of all rows.
engines() {
	sed -nE 's/^ZTT_ENGINE\((.*)\)/\1/p' "$top/ztt-bench/engines.def"
}

@test "every engine in engines.def has a case here" {
	local name
	[ -n "$(engines)" ]
	for name in $(engines); do
		has "$BATS_TEST_FILENAME" "^@test \"engine $name: "
	done
}

@test "engine reference: measured, with its name and version" {
	measure -e reference --size 1M --duration 300ms
	[ "$status" = 0 ]
	holds 'r["engine"] == "reference"' 'd["engines"][0]["version"]' \
		'r["parts"]["engine"]["threads"] >= 1' 'r["rss_peak_bytes"]["engine"] > 0'
}

@test "engine direct: no edge, no engine, and no CPU of theirs" {
	measure -e direct --size 1M --duration 300ms
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'r["valid"]' 'r["parts"]["engine"] is None' 'r["parts"]["edge"] is None' \
		'd["engines"][0]["transport"] is None'
	has "$work/run.out" 'without a tunnel'
}

@test "engine cloudflared: the real one, down and up, 1 and 4 connections" {
	command -v cloudflared >/dev/null || skip "cloudflared is not installed"
	measure -e cloudflared --duration 500ms
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'r["valid"]' 'r["bytes_down"] > 0' 'd["engines"][0]["version"][:2] == "20"'
	measure -e cloudflared --connections 4 --direction up --duration 500ms
	[ "$status" = 0 ]
	holds 'r["valid"]' 'r["bytes_up"] > 0'
}

@test "engine cloudflared: the real one side by side with the others" {
	command -v cloudflared >/dev/null || skip "cloudflared is not installed"
	measure -e reference,cloudflared,direct --size 1KiB --duration 300ms
	[ "$status" = 0 ]
	valid_json "$work/result.json"
	holds 'len(d["ratios"]) == 3'
}
