#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 38-damaged - a damaged record stops commands, and nothing else
#
#   inet --- up0 host --- bn-apps 172.20.0.1/24: web 172.20.0.10
#                         8080 -> web:80
#
. "$(dirname "$0")/lib.sh"

COMMANDS=(
	"netns list" "network list" "network show apps" "endpoint list"
	"endpoint show web" "port list" "policy list" "uplink list" "export"
	"stats" "flow list" "gc" "netns add other" "network add other"
	"network del apps" "endpoint attach $P-other apps" "endpoint detach web"
	"port publish 8081 web" "port unpublish 8080/tcp"
	"policy add from world to web deny" "policy del ssh" "uplink add up0"
)

# What remembers addresses may be lost: it is asked for again.
records() {
	find "/run/$P" -type f ! -name lock ! -name addresses.json | sort
}

# stops PATH: each command, with the status of a failure, and says why.
stops() {
	local command words out

	for command in "${COMMANDS[@]}"; do
		read -ra words <<<"$command"
		out=$(bn "${words[@]}" 2>&1 >"$TMP/stdout")
		[ $? = 1 ] || echo "$command: another exit status"
		[ "$(wc -l <<<"$out")" = 1 ] || echo "$command: $out"
		[[ $out == "bpfnet: "*"$1"*purge* ]] || echo "$command: $out"
	done | grep . && return 1
	return 0
}

# What must not change, but for the record.
look() {
	list_host "$1"
	{
		at web ip -o -4 address
		find "/run/$P" "/sys/fs/bpf/$P" | sort
	} >>"$1"
}

# damage HOW PATH: the record stays so until it is put back.
damage() {
	local size

	cp "$2" "$TMP/record"
	size=$(wc -c <"$TMP/record")
	case $1 in
	half) head -c $((size / 2)) "$TMP/record" >"$2" ;;
	nothing) : >"$2" ;;
	zeros) head -c "$size" /dev/zero >"$2" ;;
	esac
}

world
list_host "$TMP/untouched"
network apps 172.20.0.0/24 fd00:20::/64
container web apps 172.20.0.10
serve web http 80
must bn -q port publish 8080 web:80
must bn -q policy add name ssh from world to web proto tcp port 22 allow
must bn -q netns add "$P-named" dns 192.0.2.53
look "$TMP/before"
bn export >"$TMP/export.before"

for record in $(records); do
	file=${record#/run/"$P"/}
	for way in half nothing zeros; do
		damage "$way" "$record"
		ok "$way of $file: each command stops" stops "$record"
		cp "$TMP/record" "$record"
	done
done
look "$TMP/after"
ok "no command has changed anything" same "$TMP/before" "$TMP/after"
ok "put back, all is as before" same "$TMP/export.before" <(bn export)

for record in $(records); do
	damage zeros "$record"
done
ok "what runs goes on" says "^web" get inet "http://203.0.113.2:8080/"
ok "purge needs none of them" bn -q purge
list_host "$TMP/purged"
ok "and leaves nothing" same "$TMP/untouched" "$TMP/purged"
ok "of the records neither" fails test -e "/run/$P"
# Nothing but the record knew that they are bpfnet's.
for name in web named; do
	ok "but the namespace $name, and what belongs to it" \
		ip netns delete "$P-$name"
done
must rm -r "/etc/netns/$P-named"

finish
