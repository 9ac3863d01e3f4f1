#!/usr/bin/env bats
# ztt-doctor --fix, --dry-run and --undo, on a copy of a host.
load helpers

conf=etc/sysctl.d/99-tunnel-pro.conf
rmem=proc/sys/net/core/rmem_max

# Every name below the host, with mode and sum.
tree() {
	(cd "$host" && find . -printf '%p %y %m %U %G\n' | sort &&
		find . -type f -exec sha256sum {} + | sort)
}

small() {
	golden_host small-vm
	mkdir -p "$host/var/lib"
	tree >"$work/before"
}

fix() {
	doctor --root "$host" --fix "$@" udp.rmem_max
}

@test "doctor: udp.rmem_max fails, --fix mends it, --undo restores it" {
	small
	run -1 doctor --root "$host" udp.rmem_max
	run -0 fix
	[[ $output == *'+net.core.rmem_max = 7500000'* ]]
	[[ $output == *'net.core.rmem_max: 212992 -> 7500000'* ]]
	[ "$(cat "$host/$rmem")" = 7500000 ]
	grep -qx 'net.core.rmem_max = 7500000' "$host/$conf"
	run -0 doctor --root "$host" udp.rmem_max
	run -0 doctor --root "$host" --undo
	[[ $output == *'net.core.rmem_max: 7500000 -> 212992'* ]]
	tree | diff "$work/before" -
	run -0 doctor --root "$host" --undo
	[ "$output" = "nothing to undo" ]
	run -0 doctor --root "$host" --undo --quiet
	[ -z "$output" ]
	run -2 --separate-stderr doctor --root "$host" --undo --json -
	[ -z "$output" ]
}

@test "doctor: a second --fix changes nothing" {
	small
	run -0 fix
	(cd "$host" && find . -printf '%p %C@ %T@\n' | sort) >"$work/first"
	run -0 fix
	(cd "$host" && find . -printf '%p %C@ %T@\n' | sort) | diff "$work/first" -
}

@test "doctor: --dry-run shows the plan, and changes nothing" {
	small
	run -1 fix --dry-run
	[[ $output == *'+net.core.rmem_max = 7500000'* ]]
	[[ $output == *'the same by hand:'* ]]
	tree | diff "$work/before" -
}

@test "doctor: the diff of --fix is one that patch takes" {
	command -v patch >/dev/null || skip "no patch"
	small
	mkdir -p "$host/etc/sysctl.d"
	printf '%s\n' '# mine' 'net.core.rmem_max=1' 'vm.swappiness=1' >"$host/$conf"
	cp "$host/$conf" "$work/patched"
	fix | sed -n '/^---/,/^net\.core/p' | sed '$d' >"$work/diff"
	patch -s "$work/patched" "$work/diff"
	diff "$work/patched" "$host/$conf"
	grep -qx '# mine' "$host/$conf"
	grep -qx 'vm.swappiness=1' "$host/$conf"
}

@test "doctor: --undo leaves what is no longer as it was written, and ends with 1" {
	small
	run -0 fix
	echo 4000000 >"$host/$rmem"
	run -1 doctor --root "$host" --undo
	[[ $output == *'net.core.rmem_max: left alone at 4000000'* ]]
	[ "$(cat "$host/$rmem")" = 4000000 ]
	[ ! -e "$host/$conf" ]
}

@test "doctor: in a container --fix says that the host must change it" {
	golden_host container
	tree >"$work/before"
	run -3 --separate-stderr fix
	[[ $stderr == *'on the host'* ]]
	[[ $output == *'FAIL  udp.rmem_max'* ]]
	tree | diff "$work/before" -
}

@test "doctor: --fix refuses a journal that is not its own" {
	small
	mkdir -m 700 "$host/var/lib/ztt-doctor"
	echo '{"schema":"ztt-doctor-journal/1","steps":[{"kind":"mode","target":"/etc/../x","old":null,"new":["0777"]}]}' \
		>"$host/var/lib/ztt-doctor/journal.json"
	chmod 600 "$host/var/lib/ztt-doctor/journal.json"
	tree >"$work/before"
	run -3 --separate-stderr fix
	[[ $stderr == *'journal'* ]]
	[[ $output == *'FAIL  udp.rmem_max'* ]]
	run -3 doctor --root "$host" --undo
	tree | diff "$work/before" -
}

@test "doctor: with --json - what --fix did is told beside the result" {
	small
	doctor --root "$host" --fix --json - udp.rmem_max >"$work/out" 2>"$work/err"
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/out"
	has "$work/err" 'net.core.rmem_max: 212992 -> 7500000'
}

@test "doctor: where --fix fails the report is shown, and written as JSON" {
	golden_host container
	run -3 --separate-stderr doctor --root "$host" --fix --format nagios --json "$work/json" udp.rmem_max
	[[ $stderr == *'on the host'* ]]
	[[ $output == 'DOCTOR CRITICAL - '* ]]
	python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["counts"]["fail"] == 1' "$work/json"
}

@test "doctor: a step that cannot be taken is left and told, the others are taken" {
	small
	mkdir -p "$host/etc/wireguard" "$host/root"
	echo x >"$host/root/wg0.conf"
	chmod 644 "$host/root/wg0.conf"
	ln -s /root/wg0.conf "$host/etc/wireguard/wg0.conf"
	tree >"$work/before"
	run -1 doctor --root "$host" --fix udp.rmem_max wireguard.keys
	[[ $output == *'left alone: /etc/wireguard/wg0.conf: it is no regular file'* ]]
	[[ $output == *'FAIL  wireguard.keys'* ]]
	[[ $output != *'FAIL  udp.rmem_max'* ]]
	[ "$(cat "$host/$rmem")" = 7500000 ]
	run -1 doctor --root "$host" --fix wireguard.keys
	[[ $output == *'left alone: '* ]]
	[[ $output != *'nothing to change'* ]]
	run -0 doctor --root "$host" --undo
	tree | diff "$work/before" -
}
