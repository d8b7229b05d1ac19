#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 50-completion - Tab in a bash offers what a command takes, and what exists
#
#   inet --- up0 host --- bn-front 172.20.0.1/24: web 172.20.0.10
#                    `--- bn-back  172.20.1.1/24: db  172.20.1.10
#
. "$(dirname "$0")/lib.sh"

# The program as the completion runs it.
export BPFNET_INSTANCE=$P

# offers LIST WORD...: in place of the last word, behind the others, exactly the
# words of LIST are offered, in any order, and nothing is printed. WORDs are as
# bash hands them to a completion.
offers() {
	offers_of "$BPFNET" "$@"
}

# offers_of PROGRAM LIST WORD...: where that one is typed and asked for names.
offers_of() {
	local want got

	want=$(tr ' ' '\n' <<<"$2" | sed '/^$/d' | sort)
	got=$(host bash -c '
		source <("$0" completion bash)
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=
		_bpfnet
		printf "%s\n" "${COMPREPLY[@]}"' "$BPFNET" "$1" "${@:3}" 2>&1 |
		sed '/^$/d' | sort)
	echo "offered: ${got//$'\n'/ }"
	[ "$got" = "$want" ]
}

# becomes LINE TYPED: a line that is typed into a bash, after Tab.
becomes() {
	local line

	line=$(host python3 "$ROOT/tests/e2e/tab.py" "$BPFNET" "$2" 2>&1)
	echo "$line"
	[ "${line%%$'\n'*}" = "$1" ]
}

# What `bpfnet help` lists.
all_objects() {
	bn help | sed -n '/^objects:/,/^$/s/^  \([a-z]*\) .*/\1/p' | tr '\n' ' '
}

world
must bn -q network add front subnet 172.20.0.0/24
must bn -q network add back subnet 172.20.1.0/24
container web front 172.20.0.10
container db back 172.20.1.10
must bn -q port publish 8080 web:80
must bn -q port publish 203.0.113.2:9000-9009/udp web:9000
must bn -q port publish '[2001:db8:1::2]:53/udp' web:53
must bn -q policy add name web-db from web to net:back allow
must bn -q policy add name last from any to any deny

# What the table says
ok "all objects" offers "$(all_objects)" ''
ok "those that begin so" offers "netns network" ne
ok "an object's commands" offers "publish unpublish list help" port ''
ok "also when it is abbreviated" offers "attach" ep a
ok "or called by its other name" offers "add" net a
ok "nothing for an object that is none" offers "" monitor ''
ok "nor for one that could be two" offers "" ne ''
ok "nor for a command that is none" offers "" policy test ''
ok "objects and commands behind help" offers "run status" help agent ''
ok "keywords" offers "name ifname ip mac default-route" \
	endpoint attach web front ''
ok "one that was used is gone, one that may come again is not" \
	offers "name ip mac default-route" \
	endpoint attach web front ip 10.0.0.1 ifname eth0 ''
ok "the values of a keyword" offers "bridge p2p" network add x type ''
ok "on and off" offers "on off" network set front icc ''
ok "which may be left out" offers "mtu masquerade mode" \
	network set front icc internal off m
ok "a rule has one action" offers "" policy add from any to any deny al
ok "and one place" offers "" policy add before last from any to any af
ok "the states of connections" offers "syn-sent syn-recv" \
	flow list proto tcp state syn

# Options
ok "options of a command, with those of all" offers "--pretty --prune" apply --p
ok "the time of one is for the user to say" offers "" apply --confirm ''
ok "one that only one command has" offers "--fix" check --fi
ok "but not those of others" offers "--pretty" export --p
ok "options in front of the object" offers "netns network" -j --dry-run ne
ok "the value of an option" offers "auto always never" --color ''
ok "of a letter, with other letters before" \
	offers "$ROOT/Makefile" apply -nf "$ROOT/Makef"
ok "a value is no object" offers "run status help" --instance netns agent ''
ok "directories" offers "$ROOT/tests" exec web --root "$ROOT/te"
ok "behind two dashes, commands" offers "nsenter" exec web -- nsente
ok "and their files" offers "$ROOT/Makefile" exec web -- ls "$ROOT/Makef"

# What exists
ok "networks" offers "front back" network del ''
ok "networks to attach to" offers "front" endpoint attach web f
ok "endpoints" offers "web db" endpoint show ''
ok "endpoints that may publish" offers "web" port publish 80 w
ok "namespaces" offers "$P-web $P-db" netns del ''
ok "others as well, where that makes sense" \
	offers "$P-host" endpoint attach "$P-h"
ok "published ports" \
	offers "8080/tcp 203.0.113.2:9000-9009/udp [2001:db8:1::2]:53/udp" \
	port unpublish ''
ok "rules" offers "web-db last" policy del ''
ok "selectors" offers "any host world web db net:front net:back" \
	policy add from web to ''
ok "networks as selectors" offers "net:back" policy add from net:b
ok "devices" offers "up0" uplink add u
ok "no uplink that would come back by itself" offers "" uplink del ''
must bn -q uplink add up0
ok "but one that was added" offers "up0" uplink del ''
ok "those of the instance that is named" offers "" \
	--instance "$P-other" network del ''
ok "and by an option in one word" offers "" "--instance=$P-other" network del ''

# When the program cannot tell
cp "$BPFNET" "$TMP/bpfnet"
printf '#!/bin/sh\nexec setpriv --reuid=65534 --clear-groups %s "$@"\n' \
	"$TMP/bpfnet" >"$TMP/as-nobody"
chmod 755 "$TMP" "$TMP/bpfnet" "$TMP/as-nobody"
mkdir "$TMP/closed"
ok "a program that is gone" offers_of "$TMP/gone" "" network del ''
ok "what need not be asked is offered all the same" \
	offers_of "$TMP/gone" "any host world" policy add from ''
ok "one that must not be run" offers_of "$TMP/closed" "" endpoint show ''
ok "somebody who may not read them" must fails "$TMP/as-nobody" network list
ok "gets no names, and no words about that" \
	offers_of "$TMP/as-nobody" "" network del ''

# In a bash on a terminal
ok "a word is completed" becomes "bpfnet network " "bpfnet netw"
ok "a name is" becomes "bpfnet network show front " "bpfnet network show fr"
ok "a selector with its colon is" becomes \
	"bpfnet policy add from net:front to " \
	"bpfnet policy add from net:front t"
ok "and behind the colon" becomes "bpfnet policy add from net:front " \
	"bpfnet policy add from net:f"
ok "and right behind it" becomes "bpfnet policy add from web to net:" \
	"bpfnet policy add from web to net:"
ok "an address with colons" becomes \
	"bpfnet port unpublish [2001:db8:1::2]:53/udp " \
	"bpfnet port unpublish [2001:d"
ok "an option's value behind the sign" becomes "bpfnet --color=never " \
	"bpfnet --color=ne"
ok "what several words share" becomes "bpfnet policy add from web to net:" \
	"bpfnet policy add from web to ne"

finish
