#!/usr/bin/env bats
# What ztt-doctor knows and nobody else may: secrets reach neither its output
# nor the programs that it starts.
load helpers

token=eyJhIjoiMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYiLCJzIjoiaHVudGVyMiJ9

@test "doctor: the programs that it starts do not get secrets of its environment" {
	printf '#!/bin/sh\ntr "\\0" "\\n" </proc/$$/environ >%s/environ\ntr "\\0" "\\n" </proc/$PPID/environ >>%s/environ\nexit 1\n' \
		"$work" "$work" >"$work/nft"
	chmod +x "$work/nft"
	run env PATH="$work:$PATH" ZTT_API_TOKEN=hunter2 TUNNEL_TOKEN=hunter2 MINE=yes "$ztt_doctor" --offline firewall.rules
	[ -s "$work/environ" ] || skip "nft is not asked here"
	grep -qx MINE=yes "$work/environ"
	! grep -q hunter2 "$work/environ"
}

@test "doctor: a token in the wrong place of config.yml is not shown" {
	mkdir -p "$work/host/etc/cloudflared"
	host=$work/host
	printf 'tunnel: %s\ncredentials-file: /etc/%s\ningress:\n- service: http://me:hunter2@[::1\n' "$token" "$token" \
		>"$host/etc/cloudflared/config.yml"
	for format in text json junit tap prometheus nagios sarif; do
		run doctor --root "$host" --verbose --format "$format"
		[[ $output != *hunter2* ]]
		[[ $output != *"${token:0:20}"* ]]
	done
}

@test "doctor: a token that is none is refused without showing it" {
	printf 'hunter2 hunter3\n' >"$work/token"
	run -2 doctor --offline --api-token "$work/token" libc
	[[ $output != *hunter* ]]
	run -2 env ZTT_API_TOKEN="hunter$(printf '%09999d' 0)" "$ztt_doctor" --offline libc
	[[ $output != *hunter* ]]
}

@test "doctor: an API token does not go in clear to another host" {
	echo hunter2 >"$work/token"
	run -2 doctor --offline --api http://api.example.com --api-token "$work/token" libc
	[[ $output == *https* ]]
	[[ $output != *hunter2* ]]
	run -2 env ZTT_API_TOKEN=hunter2 "$ztt_doctor" --offline --api HTTP://192.0.2.1:80 libc
	run -0 doctor --offline --api http://127.0.0.1:1 --api-token "$work/token" libc.version
	run -0 doctor --offline --api http://api.example.com libc.version
	run -0 doctor --offline --api https://api.example.com --api-token "$work/token" libc.version
}

@test "doctor: what it holds is in no core file" {
	mkfifo "$work/token"
	ulimit -S -c unlimited 2>/dev/null || skip "no core files here"
	start doctor "$ztt_doctor" --offline --api-token "$work/token" libc.version
	soon grep -Eq '^Max core file size +1 ' "/proc/$pid/limits"
	echo hunter2 >"$work/token"
	finish "$pid"
	[ "$status" = 0 ]
}
