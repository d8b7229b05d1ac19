#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 49-parallel - fifty commands at once, and some of them killed
#
#   inet --- up0 host --- bn-apps 172.20.0.1/24: first 172.20.0.5, and others
#                                 that come and go
#                         bn-more 172.21.0.1/24: what files bring
#                         the agent runs
#
. "$(dirname "$0")/lib.sh"

SEED=${SEED:-49}	# of the moments at which commands are killed
TEN="1 2 3 4 5 6 7 8 9 10"
declare -A PID		# command -> process

file() {
	cat <<END
version: 1
networks:
  more: {subnets: [172.21.0.0/24]}
endpoints:
  filed$1: {network: more, ip: [172.21.0.$((100 + $1))], netns: $P-filed$1}
END
}

# run NAME CMD...: the process itself in the background.
run() {
	(exec nsenter --net="/run/netns/$P-host" "$BPFNET" -q --instance "$P" \
		--cgroup "$CG" "${@:2}" >"$TMP/$1.out" 2>&1) &
	PID[$1]=$!
}

# fifty GO COME FROM: endpoints GO1.. leave, COME1.. arrive. The numbers of all
# that is made begin behind FROM.
fifty() {
	local i n

	PID=()
	for i in $TEN; do
		n=$(($3 + i))
		file "$n" >"$TMP/$n.yaml"
		run "detach $1$i" endpoint detach "$1$i"
		run "attach $2$i" endpoint attach "$P-$2$i" apps name "$2$i" \
			ip "172.20.0.$((100 + n))"
		run "publish $n" port publish "$((8000 + n))" first:80
		run "policy $n" policy add name "rule$n" from world to first proto tcp \
			port "$((9000 + n))" allow
		run "apply $n" apply -f "$TMP/$n.yaml"
	done
}

# What becomes of each goes to $TMP/statuses.
all_end() {
	local name

	for name in "${!PID[@]}"; do
		wait "${PID[$name]}"
		echo "$? $name"
	done >"$TMP/unsorted"
	sort -V "$TMP/unsorted" >"$TMP/statuses"
}

# Each one that was not killed.
all_succeeded() {
	grep -v '^137 ' "$TMP/statuses" | grep -v '^0 ' | while read -r _ name; do
		echo "$name: $(cat "$TMP/$name.out")"
	done | grep . && return 1
	return 0
}

# What a command has made, in the words of `there`. detach: what is not there.
effect() {
	local n=${2##*[a-z]}

	case $1 in
	attach) echo "endpoint $2" ;;
	publish) echo "port $((8000 + n))" ;;
	policy) echo "rule rule$n" ;;
	apply) echo "endpoint filed$n" ;;
	detach) echo "endpoint $2" ;;
	esac
}

there() {
	bn -j endpoint list | json "'\n'.join('endpoint ' + e['name']
		for e in d['endpoints'])"
	bn -j port list | json "'\n'.join('port %d' % p['port']
		for p in d['ports'])"
	bn -j policy list | json "'\n'.join('rule ' + r['name']
		for r in d['rules'])"
}

# Of the commands with that status.
as_they_said() {
	local word name

	there >"$TMP/there"
	grep '^0 ' "$TMP/statuses" | while read -r _ word name; do
		if grep -qx "$(effect "$word" "$name")" "$TMP/there"; then
			[ "$word" != detach ] || echo "$name is still there"
		elif [ "$word" != detach ]; then
			echo "$word $name: nothing of it is there"
		fi
	done | grep . && return 1
	return 0
}

# Nothing is there that the fifty, or the start, have not asked for.
nothing_more() {
	{
		echo "endpoint first"
		grep -v ' detach' "$TMP/statuses" |
			while read -r _ word name; do effect "$word" "$name"; done
		[ "${1:-}" = "" ] || cat "$1"
	} | sort >"$TMP/asked"
	sort "$TMP/there" | comm -23 - "$TMP/asked" | grep . && return 1
	return 0
}

# Every endpoint that is listed has its two ends, its namespace and an answer,
# and there is no device beside them.
no_halves() {
	local name netns state

	bn -j endpoint list | json "'\n'.join(' '.join([e['name'], e['netns'],
		e['state']]) for e in d['endpoints'])" >"$TMP/endpoints"
	while read -r name netns state; do
		[ "$state" = up ] || echo "$name is $state"
		ip -n "$netns" link show eth0 | grep -q UP || echo "$name: eth0"
		nsenter --net="/run/netns/$netns" ping -c1 -W1 172.20.0.1 \
			>/dev/null || echo "$name does not reach the gateway"
	done <"$TMP/endpoints" | grep . && return 1
	diff <(awk '{ print "bne-" $1 }' "$TMP/endpoints" | sort) \
		<(host ip -o link show type veth |
			sed -n 's/^[0-9]*: \(bne-[^@:]*\).*/\1/p' | sort) &&
		bn export >"$TMP/export" && bn diff -f "$TMP/export"
}

# About half of them, at moments that SEED gives.
kill_some() {
	local name names

	RANDOM=$SEED
	mapfile -t names < <(printf '%s\n' "${!PID[@]}" | sort -V)
	for name in "${names[@]}"; do
		[ $((RANDOM % 2)) = 1 ] || continue
		sleep "0.$(printf %03d $((RANDOM % 40)))"
		kill -9 "${PID[$name]}"
	done
}

some_were_killed() {
	grep -c '^137 ' "$TMP/statuses"
	[ "$(grep -c '^137 ' "$TMP/statuses")" -ge 5 ]
}

world
network apps 172.20.0.0/24 fd00:20::/64
container first apps 172.20.0.5
for i in $TEN; do
	container "a$i" apps "172.20.0.$((50 + i))"
done
start host "$BPFNET" --instance "$P" --cgroup "$CG" agent run
ok "the agent runs" await bn agent status

fifty a b 0
all_end
ok "fifty commands at once succeed, all of them" all_succeeded
ok "each of them has done what it was asked for" as_they_said
ok "and nothing else is there" nothing_more
ok "no object is half there" no_halves

cp "$TMP/there" "$TMP/first-fifty"
fifty b c 20
# The shell tells of each one that was killed.
kill_some 2>>"$TMP/started.log"
all_end 2>>"$TMP/started.log"
ok "of another fifty, some are killed" some_were_killed
ok "the others succeed" all_succeeded
ok "the next command works" bn gc
ok "what has succeeded is there" as_they_said
ok "and nothing else but what the killed ones did" nothing_more \
	"$TMP/first-fifty"
ok "no object is half there after that" no_halves
ok "nobody waits for what the killed ones began" \
	fails test -e "/run/$P/unfinished"

end_process "${STARTED[-1]}"

finish
