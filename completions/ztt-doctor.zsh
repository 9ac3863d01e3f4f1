#compdef ztt-doctor
# zsh completion of ztt-doctor; generated from its option tables

_ztt_doctor()
{
	local -a commands=(
		'read:audit the bundle of another host'
	)

	if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
		_describe command commands
		return
	fi
	case $words[2] in
	read)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(--strict)--strict[a warning is a failure, too]' \
			'(--skip)--skip=[leave out these checks or groups: ID,GROUP,...]:CHECKS: ' \
			'(-f --format)-f+[how the report is written]:NAME:(text json junit tap prometheus nagios sarif)' \
			'(-f --format)--format=[how the report is written]:NAME:(text json junit tap prometheus nagios sarif)' \
			'(-j --json)-j+[write the result as JSON too ("-": in place of the text)]:FILE:_files' \
			'(-j --json)--json=[write the result as JSON too ("-": in place of the text)]:FILE:_files' \
			'(-q --quiet)-q[print nothing but the result]' \
			'(-q --quiet)--quiet[print nothing but the result]' \
			'(-v --verbose)-v[print more on the way]' \
			'(-v --verbose)--verbose[print more on the way]' \
			'(--no-color)--no-color[print without colours]' \
			'(-V --version)-V[print the version and end]' \
			'(-V --version)--version[print the version and end]' \
			'(-h --help)-h[print this help and end]' \
			'(-h --help)--help[print this help and end]' \
			'*:file:_files'
		;;
	*)
		_arguments -s -S \
			'(-o --offline)-o[contact no other host]' \
			'(-o --offline)--offline[contact no other host]' \
			'(--strict)--strict[a warning is a failure, too]' \
			'(--skip)--skip=[leave out these checks or groups: ID,GROUP,...]:CHECKS: ' \
			'(-f --format)-f+[how the report is written]:NAME:(text json junit tap prometheus nagios sarif)' \
			'(-f --format)--format=[how the report is written]:NAME:(text json junit tap prometheus nagios sarif)' \
			'(-j --json)-j+[write the result as JSON too ("-": in place of the text)]:FILE:_files' \
			'(-j --json)--json=[write the result as JSON too ("-": in place of the text)]:FILE:_files' \
			'(-l --list)-l[list the checks and end]' \
			'(-l --list)--list[list the checks and end]' \
			'(-e --explain)-e+[explain a check and end]:ID: ' \
			'(-e --explain)--explain=[explain a check and end]:ID: ' \
			'(--fix)--fix[mend what can be mended safely, then check again]' \
			'(-n --dry-run)-n[with --fix or --undo: show what it would change]' \
			'(-n --dry-run)--dry-run[with --fix or --undo: show what it would change]' \
			'(--undo)--undo[go back to what was before --fix]' \
			'(--root)--root=[audit the copy of a host'\''s files in DIR]:DIR:_files' \
			'(--require)--require=[fail without it]:WHAT:(fips)' \
			'(-t --target-gbps)-t+[what the tunnel has to carry, in Gbit/s]:N: ' \
			'(-t --target-gbps)--target-gbps=[what the tunnel has to carry, in Gbit/s]:N: ' \
			'(--measure)--measure[run ztt-bench first, and size with what it measures]' \
			'(--edge)--edge=[the edge, in place of what DNS says; several: A,B]:HOST\:PORT: ' \
			'(--region)--region=[the edge'\''s region, as cloudflared'\''s --region]:NAME:(us fed)' \
			'(--cacert)--cacert=[roots to trust in place of the system'\''s, PEM]:FILE:_files' \
			'(--resolver)--resolver=[in place of /etc/resolv.conf]:IP[\:PORT]: ' \
			'(--dot)--dot=[DNS over TLS, in place of 1.1.1.1:853]:IP[\:PORT]: ' \
			'(--ntp)--ntp=[time server, in place of the configured ones]:HOST[\:PORT]: ' \
			'(--api)--api=[in place of https://api.cloudflare.com]:URL: ' \
			'(--api-token)--api-token=[file with an API token to verify ("-": standard input; or ZTT_API_TOKEN is set)]:FILE:_files' \
			'(--oidc)--oidc=[identity provider (issuer) to check]:URL: ' \
			'(--engine-path)--engine-path=[cloudflared, in place of the one in PATH]:PATH:_files' \
			'(--config)--config=[config.yml, in place of cloudflared'\''s own search]:FILE:_files' \
			'(--unit)--unit=[the engine'\''s systemd unit]:NAME: ' \
			'(--metrics)--metrics=[the engine'\''s metrics, in place of ports 20241 to 20245]:HOST\:PORT: ' \
			'(--log)--log=[the engine'\''s log, in place of its own or the journal]:FILE:_files' \
			'(-w --window)-w+[how long counters are watched (default 1s, with --offline 100ms)]:TIME: ' \
			'(-w --window)--window=[how long counters are watched (default 1s, with --offline 100ms)]:TIME: ' \
			'(--timeout)--timeout=[how long a probe waits for its answer]:TIME: ' \
			'(-q --quiet)-q[print nothing but the result]' \
			'(-q --quiet)--quiet[print nothing but the result]' \
			'(-v --verbose)-v[print more on the way]' \
			'(-v --verbose)--verbose[print more on the way]' \
			'(--no-color)--no-color[print without colours]' \
			'(-V --version)-V[print the version and end]' \
			'(-V --version)--version[print the version and end]' \
			'(-h --help)-h[print this help and end]' \
			'(-h --help)--help[print this help and end]' \
			'*:file:_files'
		;;
	esac
}

if [[ $funcstack[1] == _ztt_doctor ]]; then
	_ztt_doctor "$@"
else
	compdef _ztt_doctor ztt-doctor
fi
