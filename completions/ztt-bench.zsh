#compdef ztt-bench
# zsh completion of ztt-bench; generated from its option tables

_ztt_bench()
{
	local -a commands=(
		'run:measure a tunnel: load, edge, engine and origin, all here'
		'floor:measure the least CPU time per GB that this host allows'
		'edge:the edge alone: point a cloudflared of yours at it'
		'agent:the reference connector alone, in cloudflared'\''s place'
		'origin:the origin alone: bodies of any size over HTTP/1.1'
		'load:the load alone, against any HTTP/1.1 server'
	)

	if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
		_describe command commands
		return
	fi
	case $words[2] in
	run)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-e --engine)-e+[what carries the bytes: cloudflared, reference, direct, or several with commas, then compared; auto: cloudflared if it is found, else reference]:LIST: ' \
			'(-e --engine)--engine=[what carries the bytes: cloudflared, reference, direct, or several with commas, then compared; auto: cloudflared if it is found, else reference]:LIST: ' \
			'(--engine-path)--engine-path=[the cloudflared to use (default: the one in PATH)]:PATH:_files' \
			'(-c --connections)-c+[connections of the engine to the edge]:N: ' \
			'(-c --connections)--connections=[connections of the engine to the edge]:N: ' \
			'(-s --streams)-s+[requests at a time]:N: ' \
			'(-s --streams)--streams=[requests at a time]:N: ' \
			'(--size)--size=[bytes of every body (default 100M)]:SIZE: ' \
			'(--mix)--mix=[sizes in proportions, in place of --size: lines such as "70 1KiB", weight and size]:FILE:_files' \
			'(-d --direction)-d+[where the bodies go: down is from the origin]:WAY:(down up both)' \
			'(-d --direction)--direction=[where the bodies go: down is from the origin]:WAY:(down up both)' \
			'(--duration)--duration=[how long to measure (default 5s)]:TIME: ' \
			'(-n --requests)-n+[how many requests to measure, in place of --duration]:N: ' \
			'(-n --requests)--requests=[how many requests to measure, in place of --duration]:N: ' \
			'(--warmup)--warmup=[load before measuring]:TIME: ' \
			'(-r --rate)-r+[requests per second, due on a schedule; latency counts from when they were due (default: as fast as they are answered)]:RATE: ' \
			'(-r --rate)--rate=[requests per second, due on a schedule; latency counts from when they were due (default: as fast as they are answered)]:RATE: ' \
			'(--timeout)--timeout=[fail a request in which no byte moves for this long]:TIME: ' \
			'(-R --repeat)-R+[rounds; engines take turns: A B, B A, A B, ...]:N: ' \
			'(-R --repeat)--repeat=[rounds; engines take turns: A B, B A, A B, ...]:N: ' \
			'(-o --origin)-o+[measure with your own origin, http://HOST:PORT/PATH]:URL: ' \
			'(-o --origin)--origin=[measure with your own origin, http://HOST:PORT/PATH]:URL: ' \
			'(--path)--path=[what to ask the origin for, in place of its URL'\''s path]:TEXT: ' \
			'(-t --threads)-t+[threads of every part, GOMAXPROCS of cloudflared (default: each by itself)]:N: ' \
			'(-t --threads)--threads=[threads of every part, GOMAXPROCS of cloudflared (default: each by itself)]:N: ' \
			'(--cipher)--cipher=[AEAD that the edge accepts]:NAME:(auto aes128 aes256 chacha20)' \
			'(--key-log)--key-log=[append the TLS secrets (NSS key log) for a decoder]:FILE:_files' \
			'(--start-timeout)--start-timeout=[how long the edge, and then the engine, may take to start]:TIME: ' \
			'(--json)--json=[write the result as JSON; - for standard output, in place of the text]:FILE:_files' \
			'(--no-floor)--no-floor[leave out how many times this host'\''s floor it costs]' \
			'(--host-network)--host-network[stay in this host'\''s network, to capture or watch it there (--origin does so too)]' \
			'(-l --list)-l[list the engines, and whether they can run here]' \
			'(-l --list)--list[list the engines, and whether they can run here]' \
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
	floor)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(--duration)--duration=[time for each measure]:TIME: ' \
			'(--json)--json=[write the result as JSON; - for standard output, in place of the text]:FILE:_files' \
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
	edge)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-l --listen)-l+[UDP address for connectors; port 0 chooses a free one]:HOST\:PORT: ' \
			'(-l --listen)--listen=[UDP address for connectors; port 0 chooses a free one]:HOST\:PORT: ' \
			'(--http)--http=[TCP address for clients (HTTP/1.1, WebSocket, CONNECT)]:HOST\:PORT: ' \
			'(--ca)--ca=[write the CA certificate here (default: a new folder)]:FILE:_files' \
			'(--credentials)--credentials=[write the tunnel'\''s credentials here (default: a new folder)]:FILE:_files' \
			'(--any-credentials)--any-credentials[register connectors whatever secret they have]' \
			'(--refuse)--refuse=[refuse every registration with this reason]:REASON: ' \
			'(--location)--location=[location name that connectors are told]:NAME: ' \
			'(--cipher)--cipher=[AEAD to accept]:NAME:(auto aes128 aes256 chacha20)' \
			'(--key-log)--key-log=[append the TLS secrets (NSS key log) for a decoder]:FILE:_files' \
			'(-t --threads)-t+[worker threads (default: one per core, at most 4)]:N: ' \
			'(-t --threads)--threads=[worker threads (default: one per core, at most 4)]:N: ' \
			'(--no-gso)--no-gso[send without UDP_SEGMENT]' \
			'(--no-gro)--no-gro[receive without UDP_GRO]' \
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
	agent)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-e --edge)-e+[UDP address of the edge]:HOST\:PORT: ' \
			'(-e --edge)--edge=[UDP address of the edge]:HOST\:PORT: ' \
			'(--cacert)--cacert=[CA certificates to trust (default: the system'\''s)]:FILE:_files' \
			'(--credentials)--credentials=[the tunnel'\''s credentials, as the edge wrote them]:FILE:_files' \
			'(-o --origin)-o+[where requests go (http)]:URL: ' \
			'(-o --origin)--origin=[where requests go (http)]:URL: ' \
			'(-c --connections)-c+[connections to the edge]:N: ' \
			'(-c --connections)--connections=[connections to the edge]:N: ' \
			'(-t --threads)-t+[worker threads (default: one per core, at most 4 and one per connection)]:N: ' \
			'(-t --threads)--threads=[worker threads (default: one per core, at most 4 and one per connection)]:N: ' \
			'(--tcp)--tcp[also connect TCP streams, to any address the edge names]' \
			'(--cipher)--cipher=[AEAD to offer]:NAME:(auto aes128 aes256 chacha20)' \
			'(--key-log)--key-log=[append the TLS secrets (NSS key log) for a decoder]:FILE:_files' \
			'(--grace-period)--grace-period=[how long requests may go on after SIGTERM]:TIME: ' \
			'(--no-gso)--no-gso[send without UDP_SEGMENT]' \
			'(--no-gro)--no-gro[receive without UDP_GRO]' \
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
	origin)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-l --listen)-l+[where to listen; port 0 chooses a free one]:HOST\:PORT: ' \
			'(-l --listen)--listen=[where to listen; port 0 chooses a free one]:HOST\:PORT: ' \
			'(-t --threads)-t+[threads that serve (default: one per core, at most 4)]:N: ' \
			'(-t --threads)--threads=[threads that serve (default: one per core, at most 4)]:N: ' \
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
	load)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(--target)--target=[where to connect, in place of a URL]:HOST\:PORT: ' \
			'(--host)--host=[the Host header]:NAME: ' \
			'(-s --streams)-s+[connections, each with one request at a time]:N: ' \
			'(-s --streams)--streams=[connections, each with one request at a time]:N: ' \
			'(-t --threads)-t+[threads that share the streams]:N: ' \
			'(-t --threads)--threads=[threads that share the streams]:N: ' \
			'(--size)--size=[bytes of every body (default 100M)]:SIZE: ' \
			'(--mix)--mix=[sizes in proportions, in place of --size: lines such as "70 1KiB", weight and size]:FILE:_files' \
			'(-d --direction)-d+[where the bodies go; both: every second stream sends up]:WAY:(down up both)' \
			'(-d --direction)--direction=[where the bodies go; both: every second stream sends up]:WAY:(down up both)' \
			'(--path)--path=[ask for this, as it is, of an origin of your own]:PATH:_files' \
			'(-r --rate)-r+[requests per second, due on a schedule whatever became of the ones before; latency counts from when they were due (default: each stream asks as soon as it is answered)]:RATE: ' \
			'(-r --rate)--rate=[requests per second, due on a schedule whatever became of the ones before; latency counts from when they were due (default: each stream asks as soon as it is answered)]:RATE: ' \
			'(--duration)--duration=[how long to measure (default 5s)]:TIME: ' \
			'(-n --requests)-n+[how many requests to measure, in place of --duration]:N: ' \
			'(-n --requests)--requests=[how many requests to measure, in place of --duration]:N: ' \
			'(--warmup)--warmup=[load before measuring]:TIME: ' \
			'(--timeout)--timeout=[fail a request in which no byte moves for this long]:TIME: ' \
			'(--json)--json=[write the result as JSON; - for standard output, in place of the text]:FILE:_files' \
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
			'(-V --version)-V[print the version and end]' \
			'(-V --version)--version[print the version and end]' \
			'(-h --help)-h[print this help and end]' \
			'(-h --help)--help[print this help and end]' \
			'*:file:_files'
		;;
	esac
}

if [[ $funcstack[1] == _ztt_bench ]]; then
	_ztt_bench "$@"
else
	compdef _ztt_bench ztt-bench
fi
