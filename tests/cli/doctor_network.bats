#!/usr/bin/env bats
# The way to the edge, broken in every way that has a name of its own: in network
# namespaces, with ztt-bench's edge at the other end.
load helpers

# inside COMMANDS: bash in a network namespace of its own, whose children end
# with it. It has edge_in, audit and the variables of this file.
inside() {
	unshare -rnm true 2>/dev/null || skip "unshare -rnm is not permitted"
	export work top ztt ztt_doctor
	timeout -k 1 120 unshare -rnm bash -ec "$prelude"$'\n'"$1" 2>"$work/inside.err" || {
		cat "$work/inside.err"
		return 1
	}
}

prelude='
trap "kill \$(jobs -p) 2>/dev/null" EXIT
mount -t sysfs none /sys
ip link set lo up

# edge_in ADDRESS [WRAPPER...]: $work/ca.pem is its authority.
edge_in() {
	local address=$1
	shift
	"$@" "$ztt" edge --listen "$address" --http 127.0.0.1:0 --ca "$work/ca.pem" --credentials "$work/c.json" \
		>"$work/edge.out" 2>&1 &
	for i in {1..500}; do
		grep -q "ask for something" "$work/edge.out" && return 0
		sleep 0.02
	done
	cat "$work/edge.out" >&2
	return 1
}

# audit NAME CHECKS OPTION...: the report is $work/NAME.
audit() {
	local name=$1 checks=$2 status=0
	shift 2
	timeout 60 "$ztt_doctor" --timeout 1s --cacert "$work/ca.pem" --json "$work/$name" --quiet "$@" $checks \
		>/dev/null || status=$?
	[ -s "$work/$name" ]
}

# drop RULE: into the filter of what comes in, or goes out with "output".
drop() {
	local hook=input
	[ "$1" != output ] || { hook=output; shift; }
	nft "table inet t { chain c { type filter hook $hook priority 0; $*; }; }"
}
undrop() { nft delete table inet t; }

# far MTU: this namespace - a router - the edge, whose link carries MTU bytes.
far() {
	unshare -n sleep 100 & router=$!
	unshare -n sleep 100 & other=$!
	until [ "$(readlink /proc/$router/ns/net)" != "$(readlink /proc/self/ns/net)" ] &&
		[ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
	r="nsenter -t $router -n" o="nsenter -t $other -n"
	ip link add c0 type veth peer name r0 netns $router
	$r ip link add r1 type veth peer name o0 netns $other
	ip addr add 10.9.0.2/24 dev c0
	ip -6 addr add fd09::2/64 dev c0 nodad
	ip link set c0 up
	$r ip addr add 10.9.0.1/24 dev r0
	$r ip -6 addr add fd09::1/64 dev r0 nodad
	$r ip addr add 10.9.1.1/24 dev r1
	$r ip -6 addr add fd09:1::1/64 dev r1 nodad
	$r ip link set r0 up
	$r ip link set r1 mtu $1 up
	$r sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	$o ip addr add 10.9.1.2/24 dev o0
	$o ip -6 addr add fd09:1::2/64 dev o0 nodad
	$o ip link set lo up
	$o ip link set o0 mtu $1 up
	ip route add default via 10.9.0.1
	ip -6 route add default via fd09::1
	$o ip route add default via 10.9.1.1
	$o ip -6 route add default via fd09:1::1
	edge_in "[::]:7844" $o
	# Neighbours get to know each other, which takes IPv6 a second.
	for i in {1..10}; do
		audit warm path.rtt --edge "[fd09:1::2]:7844"
		! grep -q "nothing was answered" "$work/warm" || continue
		break
	done
	both=10.9.1.2,fd09:1::2
}
'

needs_nft() {
	command -v nft >/dev/null || skip "nft is not installed"
}

# found NAME ID STATUS [WORDS...]: what the report says of a check; words that
# begin with "fix:" are of its advice.
found() {
	python3 - "$work/$1" "${@:2}" <<-'EOF'
	import json, sys
	report, id, status = sys.argv[1:4]
	check = next(c for c in json.load(open(report))["checks"] if c["id"] == id)
	assert check["status"] == status, check
	for words in sys.argv[4:]:
	    if words.startswith("fix:"):
	        assert words[4:] in json.dumps(check), check
	    else:
	        assert words in check["observed"], check
	EOF
}

@test "egress.udp: an edge that answers is ok, and closed with code 0" {
	inside '
	edge_in 127.0.0.1:7844
	audit a "egress.udp path.mtu path.rtt" --edge 127.0.0.1'
	found a egress.udp ok '127.0.0.1:7844: handshake in '
	found a path.mtu ok 'carries 1500 bytes'
	found a path.rtt ok 'of 20 lost'
	soon grep -q 'ended: the peer closed the connection with application code 0' "$work/edge.out"
}

@test "egress.udp: UDP 7844 dropped is a timeout, with the advice to use HTTP/2" {
	needs_nft
	inside '
	edge_in 127.0.0.1:7844
	drop udp dport 7844 drop
	audit a "egress.udp path" --edge 127.0.0.1'
	found a egress.udp fail 'timeout'
	found a path.mtu unknown 'nothing was answered; see egress.udp'
	found a path.rtt unknown
	found a path.nat unknown
	inside '
	edge_in 127.0.0.1:7844
	drop udp dport 7844 drop
	timeout 60 "$ztt_doctor" --timeout 1s --cacert "$work/ca.pem" --edge 127.0.0.1 egress.udp >"$work/text" || [ $? = 1 ]'
	grep -q 'protocol: http2' "$work/text"
}

@test "egress.udp: a firewall that refuses is told by what it says" {
	needs_nft
	inside '
	edge_in 127.0.0.1:7844
	try() { drop "${@:2}"; audit $1 egress.udp --edge 127.0.0.1; undrop; }
	try port udp dport 7844 reject
	try admin udp dport 7844 reject with icmp type admin-prohibited
	try host udp dport 7844 reject with icmp type host-unreachable
	try net udp dport 7844 reject with icmp type net-unreachable
	try own output udp dport 7844 drop'
	found port egress.udp fail 'refused (ICMP port unreachable)'
	found admin egress.udp fail 'prohibited'
	found host egress.udp fail 'host unreachable'
	found net egress.udp fail 'network unreachable'
	found own egress.udp fail "this host's own firewall"
}

@test "egress: a closed port is refused, another authority is a matter of certificates" {
	inside '
	edge_in 127.0.0.1:7844
	audit closed egress --edge 127.0.0.1:9 --api http://127.0.0.1:9
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=Other \
		-keyout "$work/key.pem" -out "$work/ca.pem" 2>/dev/null
	audit other egress.udp --edge 127.0.0.1'
	found closed egress.udp fail refused
	found closed egress.tcp fail refused
	found closed egress.api warn
	found other egress.udp fail 'its certificate is by an unknown authority'
}

@test "path: with MTU 1280 on IPv6 it says why a tunnel cannot connect" {
	inside '
	far 1500
	ip link set c0 mtu 1280
	$r ip link set r0 mtu 1280
	audit a "egress.udp path.mtu path.interface_mtu" --edge $both'
	found a egress.udp warn '10.9.1.2:7844: handshake in ' '[fd09:1::2]:7844: packet too big: a hop carries 1280 bytes'
	found a path.mtu fail 'below 1300, so that every 1252-byte Initial is dropped' "as much as this host's interface"
	found a path.interface_mtu warn 'c0 has an MTU of 1280 for IPv6: below 1300'
}

@test "path.mtu: a narrow hop far away is found, with its ICMP and without" {
	needs_nft
	inside '
	far 1280
	audit told "egress.udp path.mtu path.interface_mtu" --edge $both
	$r nft "table inet t { chain c { type filter hook output priority 0; icmp type destination-unreachable drop;
		icmpv6 type packet-too-big drop; }; }"
	ip route flush cache
	ip -6 route flush cache
	audit silent "egress.udp path.mtu" --edge $both
	$r ip link set r1 mtu 1437
	$o ip link set o0 mtu 1437
	audit wide path.mtu --edge $both --timeout 5s'
	found told path.interface_mtu ok 'c0 has an MTU of 1500 for IPv6'
	found told egress.udp warn 'packet too big: a hop carries 1280 bytes'
	found told path.mtu fail '[fd09:1::2]:7844: the path carries 1280 bytes: below 1300'
	found silent egress.udp warn '10.9.1.2:7844: handshake in ' '[fd09:1::2]:7844: timeout'
	found silent path.mtu fail '10.9.1.2:7844: the path carries 1280 bytes: a tunnel connects'
	found wide path.mtu ok '10.9.1.2:7844: the path carries 1437 bytes' '[fd09:1::2]:7844: the path carries 1437 bytes'
}

@test "path.mtu: loss does not make a path look narrow, and path.rtt tells it" {
	needs_nft
	inside '
	edge_in 127.0.0.1:7844
	drop udp dport 7844 numgen inc mod 4 0 drop
	audit a "path.mtu path.rtt" --edge 127.0.0.1 --timeout 5s'
	found a path.mtu ok 'carries 1500 bytes'
	found a path.rtt warn ' of 20 lost'
}

@test "path, egress: a family that this host has no route for is only noted" {
	inside '
	edge_in 127.0.0.1:7844
	audit a "egress.udp path.mtu path.interface_mtu" --edge 127.0.0.1,2001:db8::1'
	found a egress.udp ok '[2001:db8::1]:7844: no route'
	found a path.mtu ok '[2001:db8::1]:7844: no route'
	found a path.interface_mtu skip 'no default route'
}

@test "path.nat: the same port is answered after 5 s" {
	inside '
	edge_in 127.0.0.1:7844
	audit a path.nat --edge 127.0.0.1'
	found a path.nat ok 'after 5 s'
}
