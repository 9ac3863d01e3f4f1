# bash completion of ztt-doctor; generated from its option tables

_ztt_doctor()
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
		mapfile -t COMPREPLY < <(compgen -W ' read' -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]} in
	read)
		case $prev in
		--skip)
			return
			;;
		--format | -f)
			mapfile -t COMPREPLY < <(compgen -W 'text json junit tap prometheus nagios sarif' -- "$cur")
			return
			;;
		--json | -j)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		esac
		options='--strict --skip --format --json --quiet --verbose --no-color --version --help'
		;;
	*)
		case $prev in
		--skip)
			return
			;;
		--format | -f)
			mapfile -t COMPREPLY < <(compgen -W 'text json junit tap prometheus nagios sarif' -- "$cur")
			return
			;;
		--json | -j)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--explain | -e)
			return
			;;
		--root)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--require)
			mapfile -t COMPREPLY < <(compgen -W 'fips' -- "$cur")
			return
			;;
		--target-gbps | -t)
			return
			;;
		--edge)
			return
			;;
		--region)
			mapfile -t COMPREPLY < <(compgen -W 'us fed' -- "$cur")
			return
			;;
		--cacert)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--resolver)
			return
			;;
		--dot)
			return
			;;
		--ntp)
			return
			;;
		--api)
			return
			;;
		--api-token)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--oidc)
			return
			;;
		--engine-path)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--config)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--unit)
			return
			;;
		--metrics)
			return
			;;
		--log)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		--window | -w)
			return
			;;
		--timeout)
			return
			;;
		esac
		options='--offline --strict --skip --format --json --list --explain --fix --dry-run --undo --root --require --target-gbps --measure --edge --region --cacert --resolver --dot --ntp --api --api-token --oidc --engine-path --config --unit --metrics --log --window --timeout --quiet --verbose --no-color --version --help'
		;;
	esac
	if [[ -z $cur || $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	else
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

complete -F _ztt_doctor ztt-doctor
