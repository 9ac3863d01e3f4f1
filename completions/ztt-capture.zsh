#compdef ztt-capture
# zsh completion of ztt-capture; generated from its option tables

_ztt_capture()
{
	local -a commands=(
		'record:record tunnel traffic'
		'report:what was sent, lost and delayed, for each connection'
		'read:one line, or a tree, for each packet'
		'diff:two captures of the same traffic: exact loss, without keys'
		'qlog:the events as qlog, for qvis'
		'decrypt:put the keys into the capture, for Wireshark'
	)

	if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
		_describe command commands
		return
	fi
	case $words[2] in
	record)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-i --interface)-i+[the interface, or any]:NAME: ' \
			'(-i --interface)--interface=[the interface, or any]:NAME: ' \
			'(-w --write)-w+[the pcapng file ("-": standard output; default: tunnel-TIME.pcapng)]:FILE:_files' \
			'(-w --write)--write=[the pcapng file ("-": standard output; default: tunnel-TIME.pcapng)]:FILE:_files' \
			'(-d --duration)-d+[stop after so long (default: when it is interrupted)]:TIME: ' \
			'(-d --duration)--duration=[stop after so long (default: when it is interrupted)]:TIME: ' \
			'(-c --count)-c+[stop after so many frames]:N: ' \
			'(-c --count)--count=[stop after so many frames]:N: ' \
			'(--file-size)--file-size=[a new file past this size]:SIZE: ' \
			'(--file-duration)--file-duration=[a new file after so long]:TIME: ' \
			'(--files)--files=[keep the newest N files]:N: ' \
			'(-s --snap-length)-s+[bytes of each packet to keep (default: all)]:SIZE: ' \
			'(-s --snap-length)--snap-length=[bytes of each packet to keep (default: all)]:SIZE: ' \
			'(-B --buffer)-B+[the kernel'\''s buffer]:SIZE: ' \
			'(-B --buffer)--buffer=[the kernel'\''s buffer]:SIZE: ' \
			'(--whole)--whole[do not split super-datagrams (GSO, GRO)]' \
			'(-p --promiscuous)-p[also what is for other hosts]' \
			'(-p --promiscuous)--promiscuous[also what is for other hosts]' \
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
	report)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-k --keys)-k+[NSS key log (SSLKEYLOGFILE) to decrypt with]:FILE:_files' \
			'(-k --keys)--keys=[NSS key log (SSLKEYLOGFILE) to decrypt with]:FILE:_files' \
			'(-j --json)-j+[write the result as JSON too ("-": in place of the text)]:FILE:_files' \
			'(-j --json)--json=[write the result as JSON too ("-": in place of the text)]:FILE:_files' \
			'(--max-loss)--max-loss=[exit with status 1 when a direction lost more]:PERCENT: ' \
			'(-i --interface)-i+[listen to this interface, or any, in place of files]:NAME: ' \
			'(-i --interface)--interface=[listen to this interface, or any, in place of files]:NAME: ' \
			'(-d --duration)-d+[listen for so long (default: until it is interrupted)]:TIME: ' \
			'(-d --duration)--duration=[listen for so long (default: until it is interrupted)]:TIME: ' \
			'(--live)--live=[say where packets of this process were lost]:PID: ' \
			'(--metrics)--metrics=[join with what cloudflared counts: http://127.0.0.1:20241/metrics]:URL: ' \
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
	read)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-k --keys)-k+[NSS key log (SSLKEYLOGFILE) to decrypt with]:FILE:_files' \
			'(-k --keys)--keys=[NSS key log (SSLKEYLOGFILE) to decrypt with]:FILE:_files' \
			'(-V --tree)-V[every field of every packet]' \
			'(-V --tree)--tree[every field of every packet]' \
			'(-c --connection)-c+[only these connections: 1,3-5]:N: ' \
			'(-c --connection)--connection=[only these connections: 1,3-5]:N: ' \
			'(--from)--from=[only what this side sent]:SIDE:(client server both)' \
			'(-t --type)-t+[only these: initial,handshake,1rtt,retry,wg-data,tcp,...]:TYPES: ' \
			'(-t --type)--type=[only these: initial,handshake,1rtt,retry,wg-data,tcp,...]:TYPES: ' \
			'(-f --frame)-f+[only packets with such a frame: STREAM,ACK,...]:FRAMES: ' \
			'(-f --frame)--frame=[only packets with such a frame: STREAM,ACK,...]:FRAMES: ' \
			'(-q --quiet)-q[print nothing but the packets]' \
			'(-q --quiet)--quiet[print nothing but the packets]' \
			'(--no-color)--no-color[print without colours]' \
			'(-h --help)-h[print this help and end]' \
			'(-h --help)--help[print this help and end]' \
			'*:file:_files'
		;;
	diff)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-j --json)-j+[write the result as JSON too ("-": in place of the text)]:FILE:_files' \
			'(-j --json)--json=[write the result as JSON too ("-": in place of the text)]:FILE:_files' \
			'(--same-clock)--same-clock[both were captured on one host: the clocks do not differ]' \
			'(-w --window)-w+[how long a packet is waited for]:TIME: ' \
			'(-w --window)--window=[how long a packet is waited for]:TIME: ' \
			'(--max-loss)--max-loss=[exit with status 1 when a direction lost more]:PERCENT: ' \
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
	qlog)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-k --keys)-k+[NSS key log (SSLKEYLOGFILE) to decrypt with]:FILE:_files' \
			'(-k --keys)--keys=[NSS key log (SSLKEYLOGFILE) to decrypt with]:FILE:_files' \
			'(-w --write)-w+[the file to make ("-": standard output)]:FILE:_files' \
			'(-w --write)--write=[the file to make ("-": standard output)]:FILE:_files' \
			'(--qlog-version)--qlog-version=[0.3, which qvis opens, or draft 14 as JSON-SEQ]:VERSION:(0.3 14)' \
			'(-c --connection)-c+[only these connections: 1,3-5]:N: ' \
			'(-c --connection)--connection=[only these connections: 1,3-5]:N: ' \
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
	decrypt)
		shift words
		((CURRENT--))
		_arguments -s -S \
			'(-k --keys)-k+[NSS key log (SSLKEYLOGFILE) to put in]:FILE:_files' \
			'(-k --keys)--keys=[NSS key log (SSLKEYLOGFILE) to put in]:FILE:_files' \
			'(-w --write)-w+[the pcapng file to make ("-": standard output)]:FILE:_files' \
			'(-w --write)--write=[the pcapng file to make ("-": standard output)]:FILE:_files' \
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

if [[ $funcstack[1] == _ztt_capture ]]; then
	_ztt_capture "$@"
else
	compdef _ztt_capture ztt-capture
fi
