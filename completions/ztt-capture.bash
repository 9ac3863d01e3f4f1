# bash completion of ztt-capture; generated from its option tables

_ztt_capture()
{
	local cur=${COMP_WORDS[COMP_CWORD]} options=''
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	if [[ $prev == '=' ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	elif [[ $cur == '=' ]]; then
		cur=''
	fi
	if ((COMP_CWORD == 1)) && [[ $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W ' record report read diff qlog decrypt' -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]} in
	record)
		case $prev in
		--interface | -i)
			return
			;;
		--write | -w)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--duration | -d)
			return
			;;
		--count | -c)
			return
			;;
		--file-size)
			return
			;;
		--file-duration)
			return
			;;
		--files)
			return
			;;
		--snap-length | -s)
			return
			;;
		--buffer | -B)
			return
			;;
		esac
		options='--interface --write --duration --count --file-size --file-duration --files --snap-length --buffer --whole --promiscuous --quiet --verbose --no-color --version --help'
		;;
	report)
		case $prev in
		--keys | -k)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--json | -j)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--max-loss)
			return
			;;
		--interface | -i)
			return
			;;
		--duration | -d)
			return
			;;
		--live)
			return
			;;
		--metrics)
			return
			;;
		esac
		options='--keys --json --max-loss --interface --duration --live --metrics --quiet --verbose --no-color --version --help'
		;;
	read)
		case $prev in
		--keys | -k)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--connection | -c)
			return
			;;
		--from)
			mapfile -t COMPREPLY < <(compgen -W 'client server both' -- "$cur")
			return
			;;
		--type | -t)
			return
			;;
		--frame | -f)
			return
			;;
		esac
		options='--keys --tree --connection --from --type --frame --quiet --no-color --help'
		;;
	diff)
		case $prev in
		--json | -j)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--window | -w)
			return
			;;
		--max-loss)
			return
			;;
		esac
		options='--json --same-clock --window --max-loss --quiet --verbose --no-color --version --help'
		;;
	qlog)
		case $prev in
		--keys | -k)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--write | -w)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--qlog-version)
			mapfile -t COMPREPLY < <(compgen -W '0.3 14' -- "$cur")
			return
			;;
		--connection | -c)
			return
			;;
		esac
		options='--keys --write --qlog-version --connection --quiet --verbose --no-color --version --help'
		;;
	decrypt)
		case $prev in
		--keys | -k)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--write | -w)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		esac
		options='--keys --write --quiet --verbose --no-color --version --help'
		;;
	*)
		options='--version --help'
		;;
	esac
	if [[ -z $cur || $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	else
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

complete -F _ztt_capture ztt-capture
