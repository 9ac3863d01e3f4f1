# What the suites of tests/cli share. A test's files are in $work, and what it
# starts in the background ends in teardown, by pid.
bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
ztt=${ZTT_BENCH:-$top/build/ztt-bench}
export ZTT_BENCH=$ztt
ztt_doctor=${ZTT_DOCTOR:-$top/build/ztt-doctor}
export ZTT_DOCTOR=$ztt_doctor
ztt_capture=${ZTT_CAPTURE:-$top/build/ztt-capture}
export ZTT_CAPTURE=$ztt_capture
fixtures=$top/tests/fixtures
unset TUNNEL_TOKEN NO_COLOR

# In the foreground, and never for long: what should end at once may not.
ztt() {
	timeout -k 1 30 "$ztt" "$@"
}

doctor() {
	timeout -k 1 60 "$ztt_doctor" "$@"
}

capture() {
	timeout -k 1 60 "$ztt_capture" "$@"
}

# golden_host NAME: unpacks tests/golden/doctor/NAME.host; $host is where.
golden_host() {
	host=$work/$1
	rm -rf "$host"
	mkdir "$host"
	"$top/tests/golden/unpack" "$top/tests/golden/doctor/$1.host" "$host"
}

setup() {
	work=$BATS_TEST_TMPDIR
	pids=()
	TMPDIR=$(mktemp -d /tmp/ztt.XXXXXX)
	export TMPDIR
}

teardown() {
	local one
	for one in "${pids[@]}"; do
		kill -9 "$one" 2>/dev/null
		wait "$one" 2>/dev/null
	done
	rm -rf "$TMPDIR"
}

# start NAME COMMAND...: in the background, in a session of its own; prints to
# $work/NAME.out and $work/NAME.err. $pid is its number.
start() {
	local name=$1
	shift
	# What one of this name said before is not to be taken for its word.
	: >"$work/$name.out" 2>"$work/$name.err"
	setsid "$@" >"$work/$name.out" 2>"$work/$name.err" 3>&- &
	pid=$!
	pids+=("$pid")
}

# finish PID: waits for its end; $status is how.
finish() {
	status=0
	wait "$1" || status=$?
}

# soon COMMAND...: until it succeeds, for at most 10 s.
soon() {
	local end=$((SECONDS + 10))
	until "$@"; do
		[ $SECONDS -lt $end ] || {
			echo "in vain: $*"
			tail -n 20 "$work"/*.err
			return 1
		}
		sleep 0.02
	done
}

# gone PID: or a zombie, for whom it was left to may not have looked yet.
gone() {
	[[ $(ps -o stat= -p "$1") != [!Z]* ]]
}

# Says where what was expected is not.
has() {
	grep -qE -e "$2" "$1" || { echo "no '$2' in $1:"; cat "$1"; return 1; }
}

hasnt() {
	if grep -E -e "$2" "$1"; then
		echo "'$2' stands in $1"
		return 1
	fi
}

line_of() {
	sed -nE "s|$2|\1|p" "$1" | head -n 1
}

empty() {
	[ -z "$(ls -A "$1")" ] || { ls -lA "$1"; return 1; }
}

# edge_up ARGUMENT...: $edge is its pid, $udp, $http, $ca, $credentials what it
# printed.
edge_up() {
	start edge "$ztt" edge --listen 127.0.0.1:0 --http 127.0.0.1:0 "$@"
	edge=$pid
	soon grep -q 'ask for something' "$work/edge.out"
	udp=$(line_of "$work/edge.out" '^edge: connectors on UDP ([^,]*),.*')
	http=$(line_of "$work/edge.out" '.*clients on (http://.*)')
	ca=$(line_of "$work/edge.out" '.* --cacert ([^ ]*) .*')
	credentials=$(line_of "$work/edge.out" '.*--credentials-file ([^ ]*) .*')
}

# origin_up: $origin is its URL.
origin_up() {
	start origin "$ztt" origin --listen 127.0.0.1:0
	soon grep -q 'delay' "$work/origin.out"
	origin=$(line_of "$work/origin.out" '^origin: (http[^,]*),.*')
}

# agent_up ARGUMENT...: $agent is its pid; all connections are registered.
agent_up() {
	local i
	start agent "$ztt" agent --edge "$udp" --cacert "$ca" \
		--credentials "$credentials" --origin "$origin" "$@"
	agent=$pid
	for i in 0 1 2 3; do
		soon grep -q "connection $i is registered" "$work/agent.err"
	done
}

# server PROGRAM: a python program that prints its port first; $port is it.
server() {
	start server python3 -c "$1"
	soon test -s "$work/server.out"
	port=$(head -n 1 "$work/server.out")
}

# measure ARGUMENT...: a short run, its JSON in $work/result.json, its text in
# run.out and run.err; $status is how it ended. Again, twice at most, where this
# machine and not the tunnel made it invalid.
measure() {
	local try
	for try in 1 2 3; do
		status=0
		ztt run --no-floor --warmup 100ms --json "$work/result.json" "$@" \
			>"$work/run.out" 2>"$work/run.err" || status=$?
		grep -qE '"invalid_reason": "(environment|the load was)' \
			"$work/result.json" || break
	done
	cat "$work/run.out" "$work/run.err"
}

# valid_json FILE [TOOL]: by the schema.
valid_json() {
	python3 -W ignore - "$1" "$top/common/schema/${2:-ztt-bench}-1.json" <<-'EOF'
	import json, sys, jsonschema
	jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))
	EOF
}

# holds EXPRESSION...: each is true of the result d and its first run r. The
# bytes of a window differ from its requests' by what is under way at its ends:
# near(BYTES, OF_REQUESTS, OF_STREAMS).
holds() {
	python3 - "$work/result.json" "$@" <<-'EOF'
	import json, sys
	d = json.load(open(sys.argv[1]))
	r = d["runs"][0]
	near = lambda a, b, most: a > 0 and abs(a - b) <= most
	for expression in sys.argv[2:]:
	    assert eval(expression), expression + ": " + json.dumps(r, indent=1)
	EOF
}

# told FILE EXPRESSION...: each is true of d, what ztt-capture wrote as JSON
# there; c are its connections, up and down the first one's directions.
told() {
	python3 - "$@" <<-'EOF'
	import json, sys
	d = json.load(open(sys.argv[1]))
	c = d.get("connections", [])
	up, down = c[0]["directions"] if c else d.get("directions") or (None, None)
	for expression in sys.argv[2:]:
	    assert eval(expression), expression + ": " + json.dumps(d, indent=1)
	EOF
}
