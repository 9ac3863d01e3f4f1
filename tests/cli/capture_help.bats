#!/usr/bin/env bats
# What is told of ztt-capture: --help, the man page and the completions say the
# same, and mistakes in typing are answered.
load helpers

commands=(record report read diff qlog decrypt)
page=$top/man/ztt-capture.1
basic=$fixtures/cf-basic.pcap

@test "capture: --help of the tool and of each subcommand fits 80 columns" {
	local command
	for command in '' "${commands[@]}"; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr capture $command --help
		[ -z "$stderr" ]
		[ "$(awk 'length > 80' <<<"$output")" = "" ]
		# shellcheck disable=SC2086
		[ "$output" = "$(capture $command -h)" ]
	done
	[ "$(capture)" = "$(capture --help)" ]
}

@test "capture: the first screen of --help names every subcommand, and how to begin" {
	local command
	run -0 capture --help
	[ "${#lines[@]}" -le 24 ]
	head -n 6 <<<"$output" | grep -q '^ *ztt-capture record -w'
	for command in "${commands[@]}"; do
		grep -E "^  $command  +[a-z]" <<<"$output"
	done
	[ "$(grep -cE '^  [a-z]+  +[a-z]' <<<"$output")" = "${#commands[@]}" ]
}

# -V of read is what it is of tshark: the tree.
@test "capture: --version, anywhere" {
	local command
	run -0 capture --version
	[[ $output =~ ^ztt-capture\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[ "${output#* }" = "$(ztt --version | cut -d' ' -f2)" ]
	for command in record report diff qlog decrypt; do
		[ "$(capture "$command" -V)" = "$output" ]
	done
	for command in "${commands[@]}"; do
		[ "$(capture "$command" --version)" = "$output" ]
	done
}

@test "capture: the man page and --help tell of the same options" {
	local command
	capture --help >"$work/ztt-capture.help"
	for command in "${commands[@]}"; do
		capture "$command" --help >"$work/$command.help"
		has "$page" "^\.SS $command\$"
	done
	python3 "$BATS_TEST_DIRNAME/man_options.py" "$page" "$work" ztt-capture "${commands[@]}"
	[[ $(head -n 1 "$page") == *"\"$(capture --version)\""* ]]
}

@test "capture: the man page's types of packets are those that --type takes" {
	local type types
	types=$(sed -n '/\\-\\-type/,/^\.TP/p' "$page" | sed -nE '/^Only these types/,/\.$/p' |
		tr -d '\\\n' | sed -E 's/.*packets: *//; s/[.,]/ /g; s/\.TP//')
	[ "$(wc -w <<<"$types")" -ge 12 ]
	for type in $types; do
		run capture read --type "$type" "$basic"
		[ "$status" != 2 ] || { echo "$output"; return 1; }
	done
	run -2 capture read --type xyzzy "$basic"
}

@test "capture: the completions are those that the option tables make" {
	local shell
	for shell in bash zsh fish; do
		capture --completion "$shell" >"$work/$shell"
		diff "$top/completions/ztt-capture.$shell" "$work/$shell" ||
			{ echo "make completions"; return 1; }
	done
	run -2 capture --completion tcsh
}

@test "capture: mistakes in typing are answered with what was meant" {
	local command
	run -2 --separate-stderr capture reprot
	[ -z "$output" ]
	[ "$stderr" = 'ztt-capture: there is no command "reprot"; the nearest is "report"' ]
	for command in "${commands[@]}"; do
		run -2 --separate-stderr capture "$command" --quite
		[ "$stderr" = "ztt-capture $command: there is no option --quite; the nearest is --quiet" ]
		run -2 --separate-stderr capture "$command" --xyzzyx=secret
		[[ $stderr != *secret* ]]
	done
	run -2 --separate-stderr capture read --from me "$basic"
	[[ $stderr == *'client, server or both'* ]]
	run -2 --separate-stderr capture read --connection x "$basic"
	run -2 --separate-stderr capture read --frame STRAEM "$basic"
	[[ $stderr == *STREAM* ]]
	for command in report 'diff /dev/null'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr capture $command --max-loss 101 "$basic"
		[[ $stderr == *'--max-loss takes a percentage from 0 to 100 like 0.5, not "101"' ]]
	done
	run -2 --separate-stderr capture qlog --qlog-version 5 "$basic"
	[[ $stderr == *'0.3 or 14'* ]]
	run -2 --separate-stderr capture record --files 3
	[[ $stderr == *'--file-size'* ]]
}

@test "capture: what is missing on the command line is said" {
	local command
	for command in report read qlog; do
		run -2 --separate-stderr capture "$command"
		[[ $stderr == *capture* ]]
		[ "${#stderr_lines[@]}" = 1 ]
	done
	run -2 capture diff "$basic"
	run -2 capture diff a b c
	run -2 capture qlog a b
	run -2 capture decrypt "$basic"
	run -2 capture decrypt -k keys "$basic"
	run -2 capture decrypt -w out "$basic"
}

@test "capture: what cannot be opened is told, with status 3" {
	local keys=$fixtures/cf-basic.keys
	for command in 'report' 'read' 'qlog' "diff $basic" "decrypt -k $keys -w $work/out"; do
		# shellcheck disable=SC2086
		run -3 --separate-stderr capture $command /nonexistent/file
		[[ $stderr == *'/nonexistent/file: No such file or directory'* ]]
	done
	for command in report read qlog "decrypt -w $work/out"; do
		# shellcheck disable=SC2086
		run -3 --separate-stderr capture $command -k /nonexistent/keys "$basic"
		[[ $stderr == *'/nonexistent/keys: No such file or directory'* ]]
	done
	[ ! -e "$work/out" ]
	for command in 'report --json' 'qlog -w' "decrypt -k $keys -w"; do
		# shellcheck disable=SC2086
		run -3 --separate-stderr capture $command /nonexistent/out "$basic"
		[[ $stderr == *'/nonexistent/out'* ]]
	done
	run -3 capture report "$work"
}

@test "capture: a full disk is told" {
	[ -w /dev/full ] || skip "no /dev/full"
	local command keys=$fixtures/cf-basic.keys
	for command in --help --version 'report --help' "report $basic" "report --json - $basic" \
		"report -q $basic" "read $basic" "read -V $basic" "diff $basic $basic" \
		"diff -q $basic $basic" "diff --json - $basic $basic" "qlog $basic" \
		"qlog -w /dev/full $basic" "qlog --qlog-version 14 $basic" "decrypt -k $keys -w - $basic"; do
		status=0
		# shellcheck disable=SC2086
		capture $command >/dev/full 2>"$work/err" || status=$?
		[ "$status" = 3 ] || { echo "$command: $status"; return 1; }
		[ -s "$work/err" ] || { echo "$command: nothing is said"; return 1; }
	done
}

@test "capture: who has read enough closes the pipe, and nothing is said" {
	local command
	for command in "read -V -k $fixtures/cf-loss2.keys $fixtures/cf-loss2.edge.pcap" \
		"qlog -k $fixtures/cf-loss2.keys $fixtures/cf-loss2.edge.pcap" \
		"qlog --qlog-version 14 $fixtures/cf-loss2.edge.pcap" \
		"decrypt -q -k $fixtures/cf-loss2.keys -w - $fixtures/cf-loss2.edge.pcap"; do
		# shellcheck disable=SC2086
		capture $command 2>"$work/err" | head -c 100 >/dev/null
		[ ! -s "$work/err" ] || { echo "$command"; cat "$work/err"; return 1; }
	done
}
