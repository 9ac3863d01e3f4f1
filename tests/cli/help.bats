#!/usr/bin/env bats
# What is told of the tool: --help, the man page and the completions say the
# same, and mistakes in typing are answered with what was meant.
load helpers

commands=(run floor edge agent origin load)
page=$top/man/ztt-bench.1

@test "--help of the tool and of each subcommand: status 0, 80 columns" {
	local command
	for command in '' "${commands[@]}"; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr ztt $command --help
		[ -z "$stderr" ]
		[ "$(awk 'length > 80' <<<"$output")" = "" ]
		# shellcheck disable=SC2086
		[ "$output" = "$(ztt $command -h)" ]
	done
	[ "$(ztt)" = "$(ztt --help)" ]
}

@test "the first screen of the tool's --help names every subcommand" {
	local command
	run -0 ztt --help
	[ "${#lines[@]}" -le 24 ]
	for command in "${commands[@]}"; do
		grep -E "^  $command  +[a-z]" <<<"$output"
	done
	[ "$(grep -cE '^  [a-z]+  +[a-z]' <<<"$output")" = "${#commands[@]}" ]
}

@test "--version, anywhere" {
	local command
	run -0 ztt --version
	[[ $output =~ ^ztt-bench\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[ "$(ztt -V)" = "$output" ]
	for command in "${commands[@]}"; do
		[ "$(ztt "$command" --version)" = "$output" ]
	done
}

@test "an unknown subcommand: status 2, and the nearest" {
	run -2 --separate-stderr ztt rnu
	[ -z "$output" ]
	[ "$stderr" = 'ztt-bench: there is no command "rnu"; the nearest is "run"' ]
	run -2 --separate-stderr ztt agnet --help
	[[ $stderr == *'the nearest is "agent"' ]]
	run -2 --separate-stderr ztt xyzzyx
	[[ $stderr == *'--help lists them' ]]
}

@test "an unknown option of each: status 2, and the nearest" {
	local command
	for command in "${commands[@]}"; do
		run -2 --separate-stderr ztt "$command" --quite
		[ -z "$output" ]
		[ "$stderr" = "ztt-bench $command: there is no option --quite; the nearest is --quiet" ]
		run -2 --separate-stderr ztt "$command" --xyzzyx=secret
		[[ $stderr == *"--help lists them" ]]
		[[ $stderr != *secret* ]]
		run -2 ztt "$command" -%
	done
	run -2 --separate-stderr ztt --versoin
	[[ $stderr == *"the nearest is --version" ]]
}

@test "a value that is none: status 2, and what is taken" {
	run -2 --separate-stderr ztt run --streams many
	[ "$stderr" = 'ztt-bench run: --streams takes a whole number from 1 to 100000, not "many"' ]
	run -2 --separate-stderr ztt run --duration
	[[ $stderr == *"--duration needs a value: a duration like 250ms, 5s or 2m"* ]]
	run -2 --separate-stderr ztt edge --cipher rot13
	[[ $stderr == *'--cipher takes auto, aes128, aes256 or chacha20, not "rot13"' ]]
	run -2 --separate-stderr ztt floor --quiet=yes
	[[ $stderr == *"--quiet takes no value" ]]
	run -2 --separate-stderr ztt edge operand
	[[ $stderr == *'unexpected "operand"'* ]]
	run -2 --separate-stderr ztt load http://127.0.0.1 http://127.0.0.1
	[[ $stderr == *"one URL is enough"* ]]
}

@test "what the run uses itself is in no --help" {
	local command
	for command in "${commands[@]}"; do
		hasnt <(ztt "$command" --help) '--control'
	done
	hasnt "$page" 'control FD'
}

# --- the man page ---

@test "the man page and --help tell of the same options" {
	local command
	for command in "${commands[@]}"; do
		ztt "$command" --help >"$work/$command.help"
	done
	ztt --help >"$work/ztt-bench.help"
	python3 "$BATS_TEST_DIRNAME/man_options.py" "$page" "$work" ztt-bench "${commands[@]}"
}

@test "the man page names every subcommand and every engine" {
	local name
	for name in "${commands[@]}"; do
		has "$page" "^\.SS $name\$"
	done
	for name in $(sed -nE 's/^ZTT_ENGINE\((.*)\)/\1/p' "$top/ztt-bench/engines.def"); do
		sed -n '/^\.SH ENGINES/,/^\.SH OUTPUT/p' "$page" | grep -qx "\.B $name"
	done
	[[ $(head -n 1 "$page") == *"\"$(ztt --version)\""* ]]
}

@test "the man pages are formatted without a warning, in 80 columns" {
	local page
	command -v man >/dev/null || skip "man is not installed"
	for page in "$top"/man/*.1; do
		LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 \
			-Z "$page" 2>"$work/warnings" >/dev/null
		cat "$work/warnings"
		[ ! -s "$work/warnings" ]
		LC_ALL=C.UTF-8 MANWIDTH=80 man -l "$page" >"$work/text"
		grep -q '^NAME' "$work/text" || skip "man shows no pages on this system"
		[ "$(LC_ALL=C.UTF-8 wc -L <"$work/text")" -le 80 ]
	done
}

@test "groff has nothing to say of the man pages" {
	command -v groff >/dev/null || skip "groff is not installed"
	groff -man -Tutf8 -ww -z "$top"/man/*.1 2>"$work/warnings"
	cat "$work/warnings"
	[ ! -s "$work/warnings" ]
}

# --- completions ---

@test "the completions are those that the option tables make" {
	local shell
	for shell in bash zsh fish; do
		ztt --completion "$shell" >"$work/$shell"
		diff "$top/completions/ztt-bench.$shell" "$work/$shell" ||
			{ echo "make completions"; return 1; }
	done
	run -2 ztt --completion tcsh
}

@test "the completion works in bash" {
	source "$top/completions/ztt-bench.bash"
	COMP_WORDS=(ztt-bench fl) COMP_CWORD=1 COMPREPLY=()
	local name
	name=$(complete -p ztt-bench | sed -nE 's/.*-F ([^ ]+).*/\1/p')
	"$name" ztt-bench fl ztt-bench
	[ "${COMPREPLY[*]}" = floor ]
	COMP_WORDS=(ztt-bench run --key) COMP_CWORD=2 COMPREPLY=()
	"$name" ztt-bench --key run
	[[ ${COMPREPLY[*]} == --key-log* ]]
	COMP_WORDS=(ztt-bench run --direction d) COMP_CWORD=3 COMPREPLY=()
	"$name" ztt-bench d --direction
	[[ ${COMPREPLY[*]} == down* ]]
}

# --- install ---

@test "make install and make uninstall" {
	local prefix=/opt/ztt version
	version=$(ztt --version)
	[ "$ztt" = "$top/build/ztt-bench" ] || skip "another binary is tested"
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$top" install DESTDIR="$work/root" PREFIX=$prefix
	local tool
	for tool in ztt-bench ztt-doctor ztt-capture; do
		[ "$("$work/root$prefix/bin/$tool" --version)" = "$tool ${version#* }" ]
		[ -s "$work/root$prefix/share/man/man1/$tool.1" ]
		[ -s "$work/root$prefix/share/ztt/schema/$tool-1.json" ]
		[ -s "$work/root$prefix/share/bash-completion/completions/$tool" ]
		[ -s "$work/root$prefix/share/zsh/site-functions/_$tool" ]
		[ -s "$work/root$prefix/share/fish/vendor_completions.d/$tool.fish" ]
	done
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$top" uninstall DESTDIR="$work/root" PREFIX=$prefix
	[ "$(find "$work/root" -type f)" = "" ]
}
