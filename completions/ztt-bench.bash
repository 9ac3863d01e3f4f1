# bash completion of ztt-bench; generated from its option tables

_ztt_bench()
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
		mapfile -t COMPREPLY < <(compgen -W ' run floor edge agent origin load' -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]} in
	run)
		case $prev in
		--engine | -e)
			return
			;;
		--engine-path)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--connections | -c)
			return
			;;
		--streams | -s)
			return
			;;
		--size)
			return
			;;
		--mix)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--direction | -d)
			mapfile -t COMPREPLY < <(compgen -W 'down up both' -- "$cur")
			return
			;;
		--duration)
			return
			;;
		--requests | -n)
			return
			;;
		--warmup)
			return
			;;
		--rate | -r)
			return
			;;
		--timeout)
			return
			;;
		--repeat | -R)
			return
			;;
		--origin | -o)
			return
			;;
		--path)
			return
			;;
		--threads | -t)
			return
			;;
		--cipher)
			mapfile -t COMPREPLY < <(compgen -W 'auto aes128 aes256 chacha20' -- "$cur")
			return
			;;
		--key-log)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--start-timeout)
			return
			;;
		--json)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		esac
		options='--engine --engine-path --connections --streams --size --mix --direction --duration --requests --warmup --rate --timeout --repeat --origin --path --threads --cipher --key-log --start-timeout --json --no-floor --host-network --list --quiet --verbose --no-color --version --help'
		;;
	floor)
		case $prev in
		--duration)
			return
			;;
		--json)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		esac
		options='--duration --json --quiet --verbose --no-color --version --help'
		;;
	edge)
		case $prev in
		--listen | -l)
			return
			;;
		--http)
			return
			;;
		--ca)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--credentials)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--refuse)
			return
			;;
		--location)
			return
			;;
		--cipher)
			mapfile -t COMPREPLY < <(compgen -W 'auto aes128 aes256 chacha20' -- "$cur")
			return
			;;
		--key-log)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--threads | -t)
			return
			;;
		esac
		options='--listen --http --ca --credentials --any-credentials --refuse --location --cipher --key-log --threads --no-gso --no-gro --quiet --verbose --no-color --version --help'
		;;
	agent)
		case $prev in
		--edge | -e)
			return
			;;
		--cacert)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--credentials)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--origin | -o)
			return
			;;
		--connections | -c)
			return
			;;
		--threads | -t)
			return
			;;
		--cipher)
			mapfile -t COMPREPLY < <(compgen -W 'auto aes128 aes256 chacha20' -- "$cur")
			return
			;;
		--key-log)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--grace-period)
			return
			;;
		esac
		options='--edge --cacert --credentials --origin --connections --threads --tcp --cipher --key-log --grace-period --no-gso --no-gro --quiet --verbose --no-color --version --help'
		;;
	origin)
		case $prev in
		--listen | -l)
			return
			;;
		--threads | -t)
			return
			;;
		esac
		options='--listen --threads --quiet --verbose --no-color --version --help'
		;;
	load)
		case $prev in
		--target)
			return
			;;
		--host)
			return
			;;
		--streams | -s)
			return
			;;
		--threads | -t)
			return
			;;
		--size)
			return
			;;
		--mix)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--direction | -d)
			mapfile -t COMPREPLY < <(compgen -W 'down up both' -- "$cur")
			return
			;;
		--path)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--rate | -r)
			return
			;;
		--duration)
			return
			;;
		--requests | -n)
			return
			;;
		--warmup)
			return
			;;
		--timeout)
			return
			;;
		--json)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		esac
		options='--target --host --streams --threads --size --mix --direction --path --rate --duration --requests --warmup --timeout --json --quiet --verbose --no-color --version --help'
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

complete -F _ztt_bench ztt-bench
