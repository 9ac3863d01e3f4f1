#!/usr/bin/env bats
# ztt-doctor on this very host, which it does not change: every check gives an
# answer here, as root and as nobody, and each that asks the kernel does ask it.
load helpers

as_host=$BATS_TEST_DIRNAME/as_host

can_isolate() {
	"$as_host" 1 true 2>"$work/why" || skip "no user and mount namespaces here: $(tail -n 1 "$work/why")"
}

@test "doctor: an offline audit answers every check, by its schema" {
	doctor --offline --quiet --json "$work/json" || [ $? = 1 ]
	python3 -W ignore - "$work/json" "$top/common/schema/ztt-doctor-1.json" <<-'EOF'
	import json, sys, jsonschema
	result = json.load(open(sys.argv[1]))
	jsonschema.validate(result, json.load(open(sys.argv[2])))
	for check in result['checks']:
	    assert check['observed'], check
	    assert 'nothing was seen' not in check['observed'], check
	    assert 'needs the host itself' not in check['observed'], check
	    if 'contacts others' in check['observed']:
	        assert check['status'] == 'skip', check
	EOF
}

@test "doctor: the kernel, its offloads and clocks are really asked" {
	doctor --offline --json "$work/json" --quiet kernel.udp_gso kernel.udp_gro udp.socket udp.rcvbuf_errors \
		udp.drops entropy.latency tls.openssl tls.suites tls.fips libc.version nic.offloads nic.qdisc cpu.steal disk.fsync \
		disk.space perm.sysctl perm.bin time.sync firewall.rules wireguard.keepalive || [ $? = 1 ]
	python3 - "$work/json" <<-'EOF'
	import json, re, sys
	checks = {c['id']: c for c in json.load(open(sys.argv[1]))['checks']}
	def seen(id, pattern):
	    check = checks[id]
	    assert check['status'] == 'unknown' or re.search(pattern, check['observed']), check
	seen('kernel.udp_gso', r'3 of 3 datagrams|refused|EIO|not')
	seen('kernel.udp_gro', r'3 datagrams|not')
	seen('udp.socket', r'receive: \d+ KiB')
	seen('udp.rcvbuf_errors', r'RcvbufErrors \d+ in')
	seen('entropy.latency', r'\d.* of 101 draws')
	seen('tls.openssl', r'OpenSSL 3\.')
	seen('tls.suites', r'TLS 1\.3: .*AES-128-GCM')
	seen('libc.version', r'glibc 2\.\d+')
	seen('cpu.steal', r'% over')
	seen('disk.fsync', r'of 20 writes|tmpfs')
	seen('disk.space', r'free')
	seen('perm.sysctl', r'user \d+ may')
	EOF
}

@test "doctor: as nobody what cannot be known is unknown, with the privilege, never ok" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become nobody"
	command -v setpriv >/dev/null || skip "setpriv is not installed"
	install -m 755 "$ztt_doctor" "$TMPDIR/ztt-doctor"
	chmod 755 "$TMPDIR"
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
		"$TMPDIR/ztt-doctor" --offline --json - >"$work/json" || [ $? = 1 ]
	python3 - "$work/json" <<-'EOF'
	import json, sys
	checks = {c['id']: c for c in json.load(open(sys.argv[1]))['checks']}
	assert checks['perm.sysctl']['status'] != 'ok', checks['perm.sysctl']
	assert checks['perm.bin']['status'] != 'ok', checks['perm.bin']
	rules = checks['firewall.rules']
	assert rules['status'] in ('unknown', 'skip'), rules
	EOF
}

@test "doctor: --fix as nobody changes nothing, and says what it needs" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become nobody"
	command -v setpriv >/dev/null || skip "setpriv is not installed"
	can_isolate
	install -m 755 "$ztt_doctor" "$TMPDIR/ztt-doctor"
	golden_host small-vm
	chmod -R go-w "$host"
	chmod 755 "$TMPDIR" "$host"
	run -3 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
		"$TMPDIR/ztt-doctor" --root "$host" --fix udp.rmem_max
	[[ $stderr == *'run it as root'* ]] || [[ $stderr == *'ermission denied'* ]]
	[ "$(cat "$host/proc/sys/net/core/rmem_max")" = 212992 ]
}

@test "doctor: rmem_max of 212992 fails, --fix mends it for real, --undo restores it" {
	can_isolate
	run -0 "$as_host" 212992 bash -euc '
	status() { s=0; "$ZTT_DOCTOR" --offline -q "$@" || s=$?; echo "status $s"; }
	status udp.rmem_max
	"$ZTT_DOCTOR" --offline --fix udp.rmem_max udp.wmem_max >/dev/null
	cat /proc/sys/net/core/rmem_max /proc/sys/net/core/wmem_max
	grep -c "^net.core.[rw]mem_max = 7500000$" /etc/sysctl.d/99-tunnel-pro.conf
	status udp.rmem_max
	"$ZTT_DOCTOR" --undo >/dev/null
	cat /proc/sys/net/core/rmem_max /proc/sys/net/core/wmem_max
	find /etc/sysctl.d /var/lib -type f | wc -l
	'
	echo "$output"
	[ "${lines[0]}" = "of what was asked for: 1 failure (udp.rmem_max)" ]
	[ "${lines[1]}" = "status 1" ]
	[ "${lines[2]} ${lines[3]} ${lines[4]}" = "7500000 7500000 2" ]
	[ "${lines[6]}" = "status 0" ]
	[ "${lines[7]} ${lines[8]} ${lines[9]}" = "212992 212992 0" ]
}

@test "doctor: in a container --fix says that the host must change it" {
	golden_host container
	run -3 --separate-stderr doctor --root "$host" --fix udp.rmem_max
	[[ $stderr == *"run ztt-doctor --fix on the host"* ]]
	[ "$(cat "$host/proc/sys/net/core/rmem_max")" = 212992 ]
}

# Sized with what ztt-bench measures here, not with the manual's figure.
@test "doctor: --measure sizes the cores by a run of ztt-bench" {
	[ "$(dirname "$ztt_doctor")" = "$(dirname "$ztt")" ] || skip "the two tools are not beside each other"
	doctor --offline --measure --target-gbps 0.01 --quiet --json "$work/json" cpu.cores || [ $? = 1 ]
	python3 - "$work/json" <<-'EOF'
	import json, sys
	check = json.load(open(sys.argv[1]))['checks'][0]
	assert check['status'] == 'ok' and 'measured here with' in check['expected'], check
	EOF
}
