#!/usr/bin/env bats
# What is told of ztt-doctor: --help, --list, --explain, the man page and the
# completions say the same, and mistakes in typing are answered.
load helpers

page=$top/man/ztt-doctor.1

@test "doctor: --help fits 80 columns, and its beginning shows how to begin" {
	run -0 --separate-stderr doctor --help
	[ -z "$stderr" ]
	[ "$(awk 'length > 80' <<<"$output")" = "" ]
	head -n 12 <<<"$output" | grep -q '^ *ztt-doctor --fix --dry-run'
	run -0 doctor read --help
	[ "$(awk 'length > 80' <<<"$output")" = "" ]
}

@test "doctor: --version" {
	run -0 doctor --version
	[[ $output =~ ^ztt-doctor\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[ "${output#* }" = "$(ztt --version | cut -d' ' -f2)" ]
	[ "$(doctor read -V)" = "$output" ]
}

@test "doctor: the man page and --help tell of the same options" {
	doctor --help >"$work/ztt-doctor.help"
	doctor read --help >"$work/read.help"
	python3 "$BATS_TEST_DIRNAME/man_options.py" "$page" "$work" ztt-doctor read
	[[ $(head -n 1 "$page") == *"\"$(doctor --version)\""* ]]
}

@test "doctor: the man page names every format, and so does --format" {
	local name
	for name in $(sed -nE 's/^ZTT_FORMAT\(([a-z]+),.*/\1/p' "$top/ztt-doctor/report/formats.def"); do
		sed -n '/^\.SH FORMATS/,/^\.SH "EXIT/p' "$page" | grep -qx "\.B $name"
		run doctor --root /nonexistent --format "$name"
		[ "$status" = 3 ]
	done
	run -2 doctor --format xml
}

@test "doctor: the completions are those that the option tables make" {
	local shell
	for shell in bash zsh fish; do
		doctor --completion "$shell" >"$work/$shell"
		diff "$top/completions/ztt-doctor.$shell" "$work/$shell" ||
			{ echo "make completions"; return 1; }
	done
	run -2 doctor --completion tcsh
}

@test "doctor: --list has every row of checks.def, and --explain explains each" {
	local id
	doctor --list | awk 'NR > 1 { print $1 }' >"$work/ids"
	sed -nE 's/^ZTT_CHECK\(([a-z0-9]+), ([a-z0-9_]+),.*/\1.\2/p' "$top/ztt-doctor/checks.def" >"$work/rows"
	diff "$work/rows" "$work/ids"
	[ "$(sort "$work/ids" | uniq -d)" = "" ]
	while read -r id; do
		run -0 doctor --explain "$id"
		[ "$(awk 'length > 80' <<<"$output")" = "" ]
		for word in wanted why do source impact; do
			grep -qE "^$word  " <<<"$output" || { echo "$id: no $word"; return 1; }
		done
	done <"$work/ids"
	[ "$(doctor --list | awk 'length > 80')" = "" ]
}

@test "doctor: mistakes in typing are answered with what was meant" {
	run -2 --separate-stderr doctor udp.rmemmax
	[ -z "$output" ]
	[[ $stderr == *'no check "udp.rmemmax"; the nearest is "udp.rmem_max"' ]]
	run -2 --separate-stderr doctor --skip egres
	[[ $stderr == *'the nearest is "egress"' ]]
	run -2 --separate-stderr doctor --explain xyzzyxyzzy
	[[ $stderr == *'--list shows them' ]]
	run -2 --separate-stderr doctor --ofline
	[[ $stderr == *'the nearest is --offline' ]]
	run -2 doctor --dry-run
	run -2 doctor --fix --undo
	run -2 doctor --json - --format tap
	run -2 doctor read
	run -2 doctor read a.zip b.zip
	run -2 doctor udp --skip udp
}

@test "doctor: what cannot be read is told, with status 3" {
	run -3 --separate-stderr doctor --root /nonexistent
	[[ $stderr == *'/nonexistent: No such file or directory' ]]
	run -3 --separate-stderr doctor read /nonexistent.zip
	[[ $stderr == *'/nonexistent.zip'* ]]
	run -3 --separate-stderr doctor --offline --json /nonexistent/result.json udp
	[[ $stderr == *'/nonexistent/result.json'* ]]
	run -2 --separate-stderr doctor --api-token /nonexistent udp
	[[ $stderr == *'/nonexistent'* ]]
}

@test "doctor: nothing that can be determined is status 3" {
	mkdir "$work/empty"
	run -3 doctor --root "$work/empty" udp
	[[ ${lines[-1]} == 'nothing could be determined'* ]]
}

@test "doctor: a full disk is told" {
	[ -c /dev/full ] || skip "no /dev/full"
	golden_host small-vm
	run -3 bash -c "'$ztt_doctor' --root '$host' >/dev/full"
	[[ $output == *'cannot write the standard output'* ]]
}

@test "doctor: an answer that cannot be written is no success" {
	[ -w /dev/full ] || skip "no /dev/full"
	for options in --list --help --version '--explain libc.version' "--undo --root $work"; do
		# shellcheck disable=SC2086
		status=0 && doctor $options >/dev/full || status=$?
		[ "$status" = 3 ]
	done
}
