#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 42-log - the agent logs what rules with "log" decide
#
#   inet 203.0.113.1 --- up0 203.0.113.2 host --- bn-apps: a 172.20.0.11
#                                                          b 172.20.0.12
#
. "$(dirname "$0")/lib.sh"

agent_start() {
	(exec nsenter --net="/run/netns/$P-host" "$BPFNET" --instance "$P" \
		--cgroup "$CG" agent run) >>"$TMP/log" 2>&1 &
	agent=$!
	STARTED+=("$agent")
	must await bn agent status
}

logged() {
	grep -q "$1" "$TMP/log"
}

world
must bn -q network add apps subnet 172.20.0.0/24
container a apps 172.20.0.11
container b apps 172.20.0.12
serve b http 80
serve b http 81
serve inet http 80
must bn -q policy add name a-b from a to b proto tcp port 81 deny log
must bn -q policy add name quiet from b to a deny
must bn -q policy add name out from a to world allow log
agent_start

ok "a denied connection" dropped_as policy-deny get a http://172.20.0.12:81/
ok "is logged with the rule, both ends and their names" await logged \
	"policy: rule 'a-b' denies tcp 172.20.0.11:[0-9]* (a) > 172.20.0.12:81 (b)"
ok "an allowed one" says "^inet $HOST " get a "http://$INET/"
ok "is logged as well" await logged \
	"rule 'out' allows tcp 172.20.0.11:[0-9]* (a) > $INET:80"
ok "a rule without 'log' denies" dropped_as policy-deny pings b 172.20.0.11
ok "in silence" fails logged quiet

# A command that takes long holds the lock, and nobody can read the names.
must bn -q policy add name pings from a to b proto icmp deny log
start host flock -x --no-fork "/run/$P/lock" tail --pid=$$ -f /dev/null
holder=${STARTED[-1]}
must await fails flock -n -s "/run/$P/lock" true
lines_more_than() {
	[ "$(grep -c "$1" "$TMP/log")" -gt "$2" ]
}
fails at a ping -n -q -c 9 -i 0.2 -W 0.1 172.20.0.12 >"$TMP/ping"
ok "while a command holds the lock, without names, but soon" \
	await lines_more_than "denies icmp 172.20.0.11 > 172.20.0.12" 8
end_process "$holder"

kill "$agent"
wait "$agent" 2>/dev/null
must bn -q purge
must bn -q network add apps subnet 172.20.0.0/24
container a apps 172.20.0.11
agent_start
must bn -q policy add name later from a to world deny log
ok "after a purge and a new start, too" \
	dropped_as policy-deny get a "http://$INET/"
ok "it is logged" await logged "rule 'later' denies tcp 172.20.0.11:"
kill "$agent"

finish
