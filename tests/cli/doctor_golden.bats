#!/usr/bin/env bats
# Hosts of which every file is known, each with the report that it must have:
# tests/golden/doctor/NAME.host and NAME.txt. A report that has changed for good
# is written anew by ZTT_GOLDEN=write tests/run doctor_golden.
load helpers

# As a report reads that does not depend on where the host was unpacked.
report() {
	COLUMNS=100 doctor --root "$host" --verbose "$@" | sed "s#$host#HOST#g"
}

golden() {
	golden_host "$1"
	report >"$work/report" || true
	if [ "${ZTT_GOLDEN:-}" = write ]; then
		cp "$work/report" "$top/tests/golden/doctor/$1.txt"
	fi
	diff "$top/tests/golden/doctor/$1.txt" "$work/report"
}

@test "golden: a healthy server" {
	golden healthy-server
	run -0 doctor --root "$host" --quiet
}

@test "golden: a small virtual machine" {
	golden small-vm
	run -1 doctor --root "$host" --quiet
}

@test "golden: a container" {
	golden container
	run -1 doctor --root "$host" --quiet
}

@test "golden: a Raspberry Pi" {
	golden raspberry-pi
	run -1 doctor --root "$host" --quiet
}

@test "golden: a throttled laptop" {
	golden throttled-laptop
	run -1 doctor --root "$host" --quiet
}

@test "golden: a mis-configured connector" {
	golden misconfigured-connector
	run -1 doctor --root "$host" --quiet
}

@test "golden: the bundle of another host" {
	cp "$fixtures/cf-diag.zip" "$work/BUNDLE"
	(cd "$work" && COLUMNS=100 doctor read --verbose BUNDLE >"$work/report") || [ $? = 1 ]
	if [ "${ZTT_GOLDEN:-}" = write ]; then
		cp "$work/report" "$top/tests/golden/doctor/bundle.txt"
	fi
	diff "$top/tests/golden/doctor/bundle.txt" "$work/report"
}

@test "golden: no test here is without its host, and no host without its test" {
	local one
	for one in "$top"/tests/golden/doctor/*.host; do
		one=${one##*/}
		grep -q "golden ${one%.host}\$" "$BATS_TEST_FILENAME"
		[ -s "$top/tests/golden/doctor/${one%.host}.txt" ]
	done
}

# What needs the kernel itself or the network has its case among the unit tests
# or in one of these suites.
@test "golden: every check has a case" {
	local id found
	for one in "$top"/tests/golden/doctor/*.host; do
		golden_host "$(basename "$one" .host)"
		doctor --root "$host" --json - >"$work/$(basename "$one").json" || true
	done
	python3 - "$work"/*.host.json >"$work/answered" <<-'EOF'
	import json, sys
	answered = set()
	for path in sys.argv[1:]:
	    for check in json.load(open(path))['checks']:
	        if check['status'] in ('ok', 'warn', 'fail'):
	            answered.add(check['id'])
	print('\n'.join(sorted(answered)))
	EOF
	found=0
	for id in $(doctor --list | awk 'NR > 1 { print $1 }'); do
		grep -qx "$id" "$work/answered" && continue
		grep -qw "ztt_check_${id/./_}" "$top"/tests/unit/test_doctor_*.c && continue
		grep -qE "(^|[^a-z])${id/./\\.}([^a-z_]|\$)" "$top"/tests/cli/doctor_[!g]*.bats && continue
		echo "$id: no golden host, unit test or command line test answers it"
		found=1
	done
	[ "$found" = 0 ]
}

@test "golden: no secret of a host is in any format's report" {
	local one format
	for one in "$top"/tests/golden/doctor/*.host; do
		golden_host "$(basename "$one" .host)"
		for format in text json junit tap prometheus nagios sarif; do
			doctor --root "$host" --verbose --format "$format" >"$work/all" 2>&1 || true
			[ -s "$work/all" ]
			# the tunnel's secret, as in credentials, within a token, and the keys
			! grep -E 'Z29sZGVuLWhvc3Qtc2VjcmV0|eyJhIjog|golden-host-secret|A{20}' "$work/all"
		done
	done
}

@test "--root: a hostile file makes its check unknown, and no other" {
	golden_host healthy-server
	head -c 100000 /dev/urandom >"$host/proc/meminfo"
	head -c 100000 /dev/urandom >"$host/etc/cloudflared/config.yml"
	rm "$host/proc/sys/net/core/rmem_max" && mkfifo "$host/proc/sys/net/core/rmem_max"
	ln -sf /proc/kmsg "$host/proc/cpuinfo"
	rm "$host/proc/sys/kernel/osrelease" && ln -s ../../../../../../../../etc/passwd "$host/proc/sys/kernel/osrelease"
	doctor --root "$host" --json "$work/json" --quiet || true
	python3 - "$work/json" <<-'EOF'
	import json, sys
	checks = {c['id']: c for c in json.load(open(sys.argv[1]))['checks']}
	for id in ('memory.total', 'udp.rmem_max', 'cpu.aes', 'kernel.version'):
	    assert checks[id]['status'] == 'unknown', checks[id]
	assert checks['engine.config']['status'] == 'fail', checks['engine.config']
	assert checks['udp.wmem_max']['status'] == 'ok'
	assert checks['nic.speed']['status'] == 'ok'
	assert 'root:x:' not in open(sys.argv[1]).read()
	EOF
}
