#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 47-upgrade - another bpfnet takes over under traffic, and loses no packet
#
#   inet                 host                      bn-apps 172.20.0.1/24
#   eth0 203.0.113.1 --- up0 203.0.113.2 --------- app1 172.20.0.11 :80
#   :80                  8080 -> app1:80
#
# Three executables: ours, the next release (the same tables), and one with
# other tables. Their programs are all different.
#
. "$(dirname "$0")/lib.sh"

OURS=$BPFNET
NEXT=$ROOT/build/other/bpfnet
STRANGE=$ROOT/build/layout/bpfnet
EXCHANGES=20
EXCHANGES_CLSACT=6
# So long that only what was really lost is sent again: neither the machine's
# other work nor a probe may count as a loss.
RTO_MIN=5s

[ -x "$STRANGE" ] || skip "'make other-builds' first"

# by EXECUTABLE COMMAND...: as bn.
by() {
	BPFNET=$1 bn "${@:2}"
}

agent_start() {
	start_to "$TMP/agent.log" host "$1" --instance "$P" --cgroup "$CG" \
		agent run
	agent=${STARTED[-1]}
	must await agent_is_followed "$1"
}

# Its programs are in force, and it watches.
agent_is_followed() {
	by "$1" agent status && is_in_force "$1"
}

# How often the agent has followed a change of the host.
follows() {
	grep -c 'addresses changed' "$TMP/agent.log"
}

follows_more_than() {
	[ "$(follows)" -gt "$1" ]
}

# A second look by the same executable finds nothing to do.
is_in_force() {
	says '^$' by "$1" -n upgrade
}

# What the kernel runs, whoever says it.
tag_in_force() {
	"$BPFTOOL" -j prog show pinned "/sys/fs/bpf/$P/progs/bn_from_uplink" |
		json "d['tag']"
}

# ----------------------------------------------------------------- traffic

# Numbers that come until the file is gone. pull NAME NAMESPACE URL
pull() {
	start_to "$TMP/curl-$1" "$2" curl -sS -o "$TMP/pull-$1" \
		"$3/count$TMP/traffic"
	pulls[$1]=${STARTED[-1]}
	must await test -s "$TMP/pull-$1"
}

# To the end, and not a number is missing.
pulled() {
	wait "${pulls[$1]}" || return 1
	awk 'ended || ($0 != NR - 1 && $0 != "end") { exit bad = 1 }
		{ ended = $0 == "end" }
		END { print NR " lines"; exit bad || !ended }' "$TMP/pull-$1"
}

goes_on() {
	local before

	before=$(stat -c %s "$TMP/pull-$1")
	await eval "[ \$(stat -c %s $TMP/pull-$1) -gt $before ]"
}

ping_start() {
	rm -f "$TMP/ping"
	start_to "$TMP/ping" app1 ping -n -i 0.05 -W 1 "$INET"
	pinging=${STARTED[-1]}
	must await grep -q 'bytes from' "$TMP/ping"
}

no_ping_lost() {
	kill -INT "$pinging"
	wait "$pinging"
	cat "$TMP/ping"
	grep -q ' 0% packet loss' "$TMP/ping"
}

# How many segments a namespace has sent again.
sent_again() {
	at "$1" awk '/^Tcp:/ { if (!n++) split($0, name)
		else for (i in name) if (name[i] == "RetransSegs") print $i }' \
		/proc/net/snmp
}

none_sent_again() {
	local again failed=0 name

	for name in app1 inet host; do
		again=$(sent_again "$name")
		echo "$name: $again sent again, ${again_before[$name]} before"
		[ "$again" = "${again_before[$name]}" ] || failed=1
	done
	return "$failed"
}

slow_to_send_again() {
	at app1 sysctl -qw net.ipv4.tcp_early_retrans=0
	inet sysctl -qw net.ipv4.tcp_early_retrans=0
	at app1 ip route change default via 172.20.0.1 dev eth0 \
		rto_min "$RTO_MIN"
	inet ip route change 203.0.113.0/24 dev eth0 proto kernel scope link \
		src 203.0.113.1 rto_min "$RTO_MIN"
}

# ---------------------------------------------------------------- counters

# One line each, "NAME NUMBER", of what must never go back.
counters() {
	by "$1" -j stats | json "'\n'.join(
		['%s.%s %d' % (e['name'], k, e[k]) for e in d['endpoints']
			for k in ('rx_packets', 'rx_bytes', 'tx_packets', 'tx_bytes')]
		+ ['drops.%s %d' % i for i in d['drops'].items()]
		+ ['flows.%s %d' % (k, d['flows'][k])
			for k in ('created', 'expired', 'full')]
		+ ['snat.allocated %d' % d['snat']['allocated']])"
	by "$1" -j port list | json "'\n'.join('port.%s %d' % (k, p[k])
		for p in d['ports'] for k in ('packets', 'bytes', 'flows'))"
	by "$1" -j policy list | json "'\n'.join('rule.%s %d' % (k, r[k])
		for r in d['rules'] for k in ('packets', 'bytes'))"
}

# none_went_back BEFORE AFTER: files.
none_went_back() {
	awk 'NR == FNR { before[$1] = $2; next }
		$2 < before[$1] { print $1, before[$1], "->", $2; bad = 1 }
		{ delete before[$1]; if ($2 > 0) counted = 1 }
		END { for (name in before) { print name, "is missing"; bad = 1 }
			exit bad || !counted }' "$1" "$2"
}

all_have_counted() {
	local name

	for name in app1.rx_packets app1.tx_bytes port.packets port.bytes \
		rule.packets snat.allocated; do
		awk -v name="$name" 'NR == FNR { before[$1] = $2; next }
			$1 == name { exit !($2 > before[name]) }' \
			"$TMP/first" "$TMP/last" && continue
		echo "$name has not moved"
		return 1
	done
}

# Whether by 'upgrade' or by a command that has something else to do.
exchange() {
	case $(($2 % 4)) in
	0) by "$1" -q port unpublish 8081 ;;
	2) by "$1" -q port publish 8081 app1:81 ;;
	*) says 'flows kept' by "$1" upgrade ;;
	esac
}

new_connections() {
	says '^app1 ' host_get http://localhost:8080/ &&
		says "^app1 $INET " get inet "http://$HOST:8080/" &&
		says "^inet $HOST " get app1 "http://$INET/"
}

# exchange_often TIMES: an even number, so that ours are in force in the end.
exchange_often() {
	local round to tag last

	tag=$(tag_in_force)
	for ((round = 1; round <= $1; round++)); do
		to=$NEXT
		((round % 2)) || to=$OURS
		exchange "$to" "$round" || return 1
		last=$tag
		tag=$(tag_in_force)
		[ "$tag" != "$last" ] || return 1
		counters "$to" >"$TMP/now" || return 1
		none_went_back "$TMP/last" "$TMP/now" || return 1
		mv "$TMP/now" "$TMP/last"
		new_connections || return 1
	done
}

# -------------------------------------------------------------- the story

# transfers_survive EXCHANGES, with the hooks that BPFNET_ATTACH asks for.
transfers_survive() {
	local name

	must bn -q network add apps subnet 172.20.0.0/24
	container app1 apps 172.20.0.11
	must bn -q port publish 8080 app1:80
	must bn -q policy add name out from app1 to world allow
	listening app1 80 || serve app1 http 80
	slow_to_send_again
	for name in app1 inet host; do
		again_before[$name]=$(sent_again "$name")
	done
	touch "$TMP/traffic"
	pull in inet "http://$HOST:8080"
	pull out app1 "http://$INET"
	ping_start
	counters "$OURS" >"$TMP/first"
	cp "$TMP/first" "$TMP/last"
	tag=$(tag_in_force)
	ok "who only looks replaces nothing" eval '
		by "$NEXT" network list && by "$NEXT" stats && by "$NEXT" flow list &&
		by "$NEXT" -n port publish 81 app1 && [ "$(tag_in_force)" = "$tag" ]'
	ok "a dry run tells what would be done" \
		says '^~ programs, flows are kept$' by "$NEXT" -n upgrade
	ok "$1 exchanges, there and back, and no counter goes back" \
		exchange_often "$1"
	ok "the transfers still go on" eval 'goes_on in && goes_on out'
	rm "$TMP/traffic"
	ok "what came in by a published port is complete" pulled in
	ok "what came by masquerade, too" pulled out
	ok "20 pings a second lost none" no_ping_lost
	ok "not one segment was sent again" none_sent_again
	counters "$OURS" >"$TMP/last"
	ok "and all counters went on counting" all_have_counted
}

# As on kernels without tcx.
is_clsact() {
	host tc filter show dev up0 ingress | grep -w bn_from_uplink
}

world
serve inet http 80
declare -A pulls again_before

export BPFNET_ATTACH=clsact
transfers_survive "$EXCHANGES_CLSACT"
ok "these hooks are clsact filters" is_clsact
must bn -q purge
unset BPFNET_ATTACH
transfers_survive "$EXCHANGES"
ok "and these are not" fails is_clsact
ok "the same executable again finds nothing to do" \
	says unchanged bn upgrade

agent_start "$OURS"
must by "$NEXT" -q upgrade
tag=$(tag_in_force)
ok "an agent that still runs says so" \
	await grep -q 'of another build' "$TMP/agent.log"
followed=$(follows)
must host ip link add bump0 type bridge
ok "it goes on following the host" \
	await follows_more_than "$followed"
ok "and leaves the newer programs alone" test "$(tag_in_force)" = "$tag"
host ip link del bump0
end_process "$agent"
agent_start "$OURS"
ok "an agent that starts brings its own" test "$(tag_in_force)" != "$tag"
end_process "$agent"

tag=$(tag_in_force)
refuses() {
	exits 4 by "$@" 2>&1 | tee "$TMP/refusal"
	grep -q 'layout version.*upgrade --drop-flows' "$TMP/refusal"
}
ok "other tables: every command refuses" eval '
	refuses "$STRANGE" upgrade && refuses "$STRANGE" network list &&
	refuses "$STRANGE" port publish 81 app1 &&
	refuses "$STRANGE" -n upgrade'
ok "nothing has changed" eval '
	[ "$(tag_in_force)" = "$tag" ] && says "^app1 " get inet "http://$HOST:8080/"'
ok "a dry run tells what would be lost" \
	says '^~ programs and tables, all flows are forgotten$' \
	by "$STRANGE" -n upgrade --drop-flows
ok "told to, it takes over" \
	says 'flows dropped' by "$STRANGE" upgrade --drop-flows
ok "and this one is refused" refuses "$OURS" upgrade
ok "new connections of all kinds work" new_connections
ok "the policy is the same" \
	says '"name":"out"' by "$STRANGE" -j policy list
ok "and back" says 'flows dropped' bn upgrade --drop-flows
ok "where flows can be kept, they are" eval '
	by "$NEXT" -q upgrade && says "flows kept" bn upgrade --drop-flows'
ok "all works" new_connections

ok "another version's instance can be purged" eval '
	by "$STRANGE" -q upgrade --drop-flows && bn purge'

finish
