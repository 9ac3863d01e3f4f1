#!/usr/bin/env bats
# `ztt-capture report -i`, with --live: a process that does not read for a while
# loses packets at its socket, and the report says so. In a network namespace of
# its own.
load helpers

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

edge_up() {
	start edge "${inside[@]}" "$ztt" edge --listen 127.0.0.1:7844 --http 127.0.0.1:8080 --key-log "$work/keys"
	soon grep -q 'ask for something' "$work/edge.out"
	ca=$(line_of "$work/edge.out" '.* --cacert ([^ ]*) .*')
	credentials=$(line_of "$work/edge.out" '.*--credentials-file ([^ ]*) .*')
	start origin "${inside[@]}" "$ztt" origin --listen 127.0.0.1:0
	soon grep -q 'delay' "$work/origin.out"
	origin=$(line_of "$work/origin.out" '^origin: (http[^,]*),.*')
}

# agent_waits: it is $agent, stopped, and goes on with SIGCONT. It has no
# privileges, so that who gave up theirs may see its sockets.
agent_waits() {
	command -v setpriv >/dev/null || skip "no setpriv (util-linux) here"
	start agent "${inside[@]}" setpriv --inh-caps=-all --bounding-set=-all sh -c 'kill -STOP $$; exec "$@"' sh \
		"$ztt" agent --edge 127.0.0.1:7844 --cacert "$ca" --credentials "$credentials" --origin "$origin" --connections 1
	agent=$pid
	soon stopped "$agent"
}

stopped() {
	[[ $(ps -o stat= -p "$1") = T* ]]
}

# listens: the report has its packet socket.
listens() {
	[ "$("${inside[@]}" cat /proc/net/packet | wc -l)" -gt 1 ]
}

# small_buffers PID: its UDP sockets get the receive buffer that Linux gives by
# default, whatever this host's is.
small_buffers() {
	"${inside[@]}" python3 - "$1" <<-'EOF'
	import ctypes, os, socket, sys
	libc = ctypes.CDLL(None, use_errno=True)
	pid = int(sys.argv[1])
	held = libc.syscall(434, pid, 0)  # pidfd_open
	for fd in os.listdir(f'/proc/{pid}/fd'):
	    if os.readlink(f'/proc/{pid}/fd/{fd}').startswith('socket:'):
	        own = libc.syscall(438, held, int(fd), 0)  # pidfd_getfd
	        if own < 0:
	            sys.exit(77)
	        s = socket.socket(fileno=own)
	        if s.type == socket.SOCK_DGRAM and s.family in (socket.AF_INET, socket.AF_INET6):
	            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 106496)
	EOF
}

@test "capture: report --live says that a stopped process lost packets at its socket" {
	net_up
	edge_up
	agent_waits
	start report "${inside[@]}" "$ztt_capture" report -i lo --live "$agent" -k "$work/keys" --json "$work/json"
	report=$pid
	soon listens
	kill -CONT "$agent"
	soon grep -q 'connection 0 is registered' "$work/agent.err"
	small_buffers "$agent" || skip "pidfd_getfd is not allowed here"
	head -c 200000000 /dev/zero >"$work/body"
	start upload "${inside[@]}" curl -s -o /dev/null --limit-rate 60M -H Expect: -T "$work/body" http://127.0.0.1:8080/
	upload=$pid
	sleep 0.7
	kill -STOP "$agent"
	sleep 0.3
	kill -CONT "$agent"
	finish "$upload"
	kill -INT "$report"
	finish "$report"
	[ "$status" = 0 ] || { cat "$work"/report.*; return 1; }
	told "$work/json" 'down["loss_grade"] == "exact"' \
		'd["attribution"]["counted"]["socket_drops"]["grew"] > 0' \
		'd["attribution"]["places"]["socket"]["least"] > 0' \
		'd["attribution"]["places"]["socket"]["most"] <= down["lost_after"]' \
		'd["attribution"]["places"]["socket"]["grade"] == "bounded"' \
		'd["attribution"]["places"]["nic"] == {"least": 0, "most": 0, "grade": "exact"}' \
		'[x["to_process"] for x in d["attribution"]["directions"]] == [False, True]'
	python3 -W ignore -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
		"$work/json" "$top/common/schema/ztt-capture-1.json"
	grep -q 'at the process.s full socket buffer' "$work/report.out"
}

@test "capture: --live and --metrics are refused where they make no sense" {
	run -2 capture report --live 1 "$fixtures/wg-loss1.pcap"
	[[ $output == *'-i NAME'* ]]
	run -2 capture report -i lo --metrics http://192.0.2.1:1/metrics
	[[ $output == *'only of this host'* ]]
	run -3 capture report -i lo --live 4194303
	[[ $output == *'process 4194303: there is none'* ]]
	run -3 capture report -i lo --metrics http://127.0.0.1:1/metrics
	[[ $output == *'127.0.0.1:1/metrics: Connection refused'* ]]
}
