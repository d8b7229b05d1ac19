# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# completion.sh - what bash offers for the words of a bpfnet command
#
# `bpfnet completion bash` prints two tables and then this file:
#
#   _bpfnet_table     a line for each object and command:
#                     NAME;OTHER NAMES;ITS OPTIONS;ITS WORDS
#   _bpfnet_options   a line for each option: all|some SHORT LONG VALUE
#
# Words are positions (NETWORK), keywords with and without a value (mtu=N log),
# keywords of which one is taken (allow/deny), with + what may come again, and
# "--" where a command of the user's follows. Capitals say what is meant.

# The names that a list of the program shows; nothing when it fails.
# _bpfnet_ask COLUMNS OBJECT
_bpfnet_ask() {
	"$program" "${instance[@]}" -o "$1" "$2" list 2>/dev/null </dev/null |
		tail -n +2
}

_bpfnet_ports() {
	local ip first last proto

	_bpfnet_ask host_ip,port,port_last,proto port |
		while read -r ip first last proto; do
			case $ip in
			'*') ip='' ;;
			*:*) ip="[$ip]:" ;;
			*) ip="$ip:" ;;
			esac
			[[ $first = "$last" ]] || first="$first-$last"
			echo "$ip$first/$proto"
		done
}

_bpfnet_uplinks() {
	local name automatic

	_bpfnet_ask ifname,automatic uplink |
		while read -r name automatic; do
			# No command takes those away.
			[[ $automatic = yes ]] || echo "$name"
		done
}

_bpfnet_devices() {
	local name rest

	while read -r name rest; do
		[[ $name != *: ]] || echo "${name%:}"
	done </proc/net/dev
}

_bpfnet_netns() {
	local path

	_bpfnet_ask name netns
	# Others can be used, but not deleted.
	[[ $command != *' del' ]] || return
	for path in /run/netns/*; do
		[[ ! -e $path ]] || echo "${path##*/}"
	done
}

# The words that may stand for VALUE, which is "a|b" or one in capitals.
# _bpfnet_value VALUE
_bpfnet_value() {
	local one

	for one in ${1//|/ }; do
		case $one in
		[a-z]*) echo "$one" ;;
		COMMAND) _bpfnet_names "${args[0]} " ;;
		ENDPOINT) _bpfnet_ask name endpoint ;;
		IFNAME) _bpfnet_devices ;;
		NETNS) _bpfnet_netns ;;
		NETWORK) _bpfnet_ask name network ;;
		OBJECT) _bpfnet_names '' ;;
		RULE) _bpfnet_ask name policy ;;
		SEL)
			echo any host world
			_bpfnet_ask name endpoint
			_bpfnet_ask name network | sed 's/^/net:/'
			;;
		SPEC) _bpfnet_ports ;;
		UPLINK) _bpfnet_uplinks ;;
		WHEN) echo auto always never ;;
		esac
	done
}

# Of these words, those that begin as the current one. _bpfnet_offer WORDS
_bpfnet_offer() {
	local word words

	read -r -d '' -a words <<<"$1"
	for word in "${words[@]}"; do
		[[ $word != "$current"* ]] || COMPREPLY+=("$word")
	done
}

# Files and the like, by compgen's name for them. _bpfnet_offer_paths ACTION
_bpfnet_offer_paths() {
	local paths

	paths=$(compgen -A "$1" -- "$current" | sort -u)
	[[ -z $paths ]] || mapfile -t COMPREPLY <<<"$paths"
	# It is no error to be called by hand.
	[[ $1 = command ]] || compopt -o filenames 2>/dev/null
}

# _bpfnet_offer_value VALUE
_bpfnet_offer_value() {
	case $1 in
	FILE*) _bpfnet_offer_paths file ;;
	DIR) _bpfnet_offer_paths directory ;;
	NETNS)
		if [[ $current == /* ]]; then
			_bpfnet_offer_paths file
		else
			_bpfnet_offer "$(_bpfnet_value NETNS | sort -u)"
		fi
		;;
	*) _bpfnet_offer "$(_bpfnet_value "$1")" ;;
	esac
}

# What the table has one word behind PREFIX. _bpfnet_names PREFIX
_bpfnet_names() {
	local name rest

	while IFS=';' read -r name rest; do
		[[ $name != "$1"* || ${name#"$1"} == *' '* ]] ||
			echo "${name#"$1"}"
	done <<<"$_bpfnet_table"
}

# Sets command, options and words to what PREFIX and a WORD mean, which may be
# another name or a beginning. _bpfnet_find PREFIX WORD
_bpfnet_find() {
	local name others its_options its_words exact count=0

	while IFS=';' read -r name others its_options its_words; do
		[[ $name == "$1"* && ${name#"$1"} != *' '* ]] || continue
		exact=
		[[ $name != "$1$2" && " $others " != *" $2 "* ]] || exact=1
		[[ -n $exact || $name == "$1$2"* ]] || continue
		command=$name options=$its_options words=$its_words
		[[ -z $exact ]] || return 0
		((++count))
	done <<<"$_bpfnet_table"
	((count == 1))
}

# The value that an option takes, or nothing. _bpfnet_option WORD
_bpfnet_option() {
	local scope short long value

	while read -r scope short long value; do
		# Of letters in one word, the last one may take a value.
		[[ $1 == "$long" || ($1 == -[!-]* && $short == "-${1: -1}") ]] ||
			continue
		echo "$value"
		return
	done <<<"$_bpfnet_options"
}

# Bash cuts words at ':' and '=', which ours have: here they are whole again, up
# to the current one.
_bpfnet_join() {
	local i piece rest=$COMP_LINE

	for ((i = 0; i <= COMP_CWORD; i++)); do
		piece=${COMP_WORDS[i]}
		if [[ $i == 0 || -z $rest || $rest == [[:space:]]* ]]; then
			typed+=("$piece")
		else
			typed[-1]+=$piece
		fi
		rest=${rest#"${rest%%[![:space:]]*}"}
		rest=${rest#"$piece"}
	done
}

# Sorts what is typed before the current word.
_bpfnet_read() {
	local word option=

	for word in "${typed[@]:1:${#typed[@]}-2}"; do
		if [[ -n $dashes ]]; then
			((++dashes))
		elif [[ -n $wanted ]]; then
			[[ $option != --instance ]] || instance=(--instance "$word")
			wanted=
		elif [[ $word == -- ]]; then
			dashes=1
		elif [[ $word == --*=* ]]; then
			[[ $word != --instance=* ]] || instance=("$word")
		elif [[ $word == -?* ]]; then
			option=$word
			wanted=$(_bpfnet_option "$word")
		else
			args+=("$word")
		fi
	done
}

# Finds the command and leaves its own words in args. When there is only an
# object, commands are what it has.
_bpfnet_command() {
	[[ ${#args[@]} -gt 0 ]] || return 0
	_bpfnet_find '' "${args[0]}" || return
	args=("${args[@]:1}")
	commands=$(_bpfnet_names "$command ")
	if [[ -n $commands && ${#args[@]} -gt 0 ]]; then
		_bpfnet_find "$command " "${args[0]}" || return
		args=("${args[@]:1}")
		commands=
	fi
}

# Takes a word of the command's as one of keywords, and sets the value that has
# to follow. _bpfnet_take WORD
_bpfnet_take() {
	local i one

	for i in "${!keywords[@]}"; do
		for one in ${keywords[i]//[\/+]/ }; do
			[[ ${one%%=*} = "$1" ]] || continue
			[[ $one != *=* ]] || value=${one#*=}
			[[ ${keywords[i]} == *+ ]] || unset "keywords[$i]"
			return
		done
	done
}

# Offers what the command takes behind the words that it has.
_bpfnet_offer_words() {
	local word positions=() keywords=() value='' left='' names=

	for word in $words; do
		case $word in
		--) names=-- ;;
		[A-Z]*) positions+=("$word") ;;
		*) keywords+=("$word") ;;
		esac
	done
	if [[ ${#args[@]} -lt ${#positions[@]} ]]; then
		_bpfnet_offer_value "${positions[${#args[@]}]}"
		return
	fi

	for word in "${args[@]:${#positions[@]}}"; do
		# "snat to IP" has a word for the reader, on|off may be left out.
		if [[ -z $value || ($value = 'on|off' && $word != o[nf]*) ]]; then
			value=
			_bpfnet_take "$word"
		elif [[ $word != to ]]; then
			value=
		fi
	done
	if [[ -n $value ]]; then
		_bpfnet_offer_value "$value"
		return
	fi
	left=${keywords[*]}
	for word in ${left//[\/+]/ }; do
		names+=" ${word%%=*}"
	done
	_bpfnet_offer "$names"
}

# A long option may have its value in the same word: --color=auto
_bpfnet_offer_options() {
	local scope short long value i whole=$current all=$options

	if [[ $current == --*=* ]]; then
		current=${current#*=}
		_bpfnet_offer_value "$(_bpfnet_option "${whole%%=*}")"
		COMPREPLY=("${COMPREPLY[@]/#/${whole%%=*}=}")
		return
	fi
	while read -r scope short long value; do
		# The others come with the command.
		[[ $scope != all ]] || all+=" $long"
	done <<<"$_bpfnet_options"
	_bpfnet_offer "$all"
}

_bpfnet_offer_next() {
	if [[ -n $wanted ]]; then
		_bpfnet_offer_value "$wanted"
	elif [[ -n $dashes ]]; then
		[[ " $words " == *' -- '* ]] || return
		if ((dashes == 1)); then
			_bpfnet_offer_paths command
		else
			_bpfnet_offer_paths file
		fi
	elif [[ $current == -* ]]; then
		_bpfnet_offer_options
	elif [[ -z $command ]]; then
		_bpfnet_offer "$(_bpfnet_names '')"
	elif [[ -n $commands ]]; then
		_bpfnet_offer "$commands help"
	else
		_bpfnet_offer_words
	fi
}

_bpfnet() {
	local IFS=$' \t\n' typed=() args=() instance=() program current cut
	local command='' options='' words='' commands='' wanted='' dashes=''

	COMPREPLY=()
	_bpfnet_join
	program=${typed[0]/#\~/$HOME}
	current=${typed[-1]}
	cut=$current
	_bpfnet_read
	_bpfnet_command || return 0
	_bpfnet_offer_next

	# Where bash has cut the word, it replaces only the last piece.
	if [[ $cut != "${COMP_WORDS[COMP_CWORD]}" ]]; then
		cut=${cut%"${cut##*[:=]}"}
		COMPREPLY=("${COMPREPLY[@]#"$cut"}")
	fi
	return 0
}

complete -F _bpfnet bpfnet
