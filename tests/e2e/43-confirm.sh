#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 43-confirm - a change that cuts the operator off is undone by itself
#
#   inet, the operator     host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2         app1 172.20.0.11 :9000
#                          2222 -> app1:9000       app2 172.20.0.12 :9000
#                          2223 -> app2:9000
#
. "$(dirname "$0")/lib.sh"

TERMINAL=$ROOT/tests/e2e/terminal.py

# file [RULE]...: the configuration, with these rules.
file() {
	cat <<-END
		version: 1
		networks:
		  apps: {subnets: [172.20.0.0/24]}
		endpoints:
		  app1: {network: apps, ip: [172.20.0.11], netns: $P-app1}
		  app2: {network: apps, ip: [172.20.0.12], netns: $P-app2}
		publish:
		  - "2222 -> app1:9000"
		  - "2223 -> app2:9000"
	END
	[ $# = 0 ] || printf 'policy:\n'
	[ $# = 0 ] || printf '  - %s\n' "$@"
}

reach() {
	ask inet tcp "$HOST" "${1:-2222}"
}

# The processes that wait for a confirmation of this instance.
waiters() {
	local pid

	for pid in $(pgrep -x bpfnet-confirm); do
		tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- "--instance $P " &&
			echo "$pid"
	done
}

nobody_waits() {
	! waiters | grep .
}

kill_waiter() {
	waiters | grep . | xargs kill -9 && await nobody_waits
}

# What waits for its confirmation, as diff tells it. left SECONDS
left() {
	bn diff -f "$TMP/good.yaml" 2>&1 | grep " $1 s left"
}

apply() {
	bn apply -f "$@"
}

cut_off() {
	apply "$TMP/bad.yaml" --confirm "${1-2s}" "${@:2}"
}

rolled_back() {
	bn export >"$TMP/export.now" && same "$TMP/export.good" "$TMP/export.now"
}

refused() {
	exits 4 bn -j "$@" 2>&1 | tee "$TMP/refused"
	grep -q '"kind":"confirm-pending"' "$TMP/refused"
}

world
file >"$TMP/good.yaml"
file "{from: world, to: app1, deny: true}" >"$TMP/bad.yaml"
file "{from: app1, to: app2, deny: true}" >"$TMP/other.yaml"
must bn -q apply -f "$TMP/good.yaml"
bn export >"$TMP/export.good"
serve app1 tcp 9000
serve app2 tcp 9000
list_host "$TMP/host.good"

beat inet "$HOST" 2223
mv "$TMP/beat" "$TMP/beat.other"	# it makes the file anew
must await test -s "$TMP/beat"
other=$BEATER
BEATER=
start inet python3 "$SERVE" hold "$HOST" 2222 "$TMP/held"
must await test -e "$TMP/held"
goes_on() {
	rm -f "$TMP/held"
	await test -e "$TMP/held"
}

ok "apply says how long it waits" \
	says "^undone in 2 s unless 'bpfnet confirm' comes" cut_off
ok "the change is in force: the operator is cut off" \
	dropped_as policy-deny reach
ok "nobody confirms it: the operator can connect again" await reach
ok "and the connection from before goes on" goes_on
ok "all is as it was" rolled_back
list_host "$TMP/host.now"
ok "in the host as well" same "$TMP/host.good" "$TMP/host.now"
ok "nobody waits any more" await nobody_waits
ok "confirming now is too late: 'not found'" exits 3 bn confirm
ok "there is nothing left to go back to" exits 3 bn rollback
ok "the connection that the change was not about did not notice" \
	kill -0 "$other"

ok "confirmed in time, it stays" \
	eval 'apply "$TMP/other.yaml" --confirm 60s && bn confirm'
ok "nobody waits any more" await nobody_waits
ok "the rule is there" eval 'bn -j policy list |
	json "len(d[\"rules\"])" | grep -x 1'
ok "-n rollback tells what it would do" \
	says '^~ policy 0 rules' bn -n rollback
ok "and does not do it" fails rolled_back
ok "rollback goes back, without a time" bn rollback
ok "all is as it was" rolled_back

must apply "$TMP/other.yaml" --confirm 60s -q
ok "while one waits, other changes are refused with 4: apply" \
	refused apply -f "$TMP/good.yaml"
ok "port publish" refused port publish 2224 app2:9000
ok "endpoint attach" refused endpoint attach "$P-new" apps
ok "netns add" refused netns add "$P-new"
ok "what only looks is not: diff, which tells of it" \
	eval 'left "[0-9]*" && exits 5 bn diff -f "$TMP/bad.yaml"'
ok "nor the plan of an apply" says 'policy 1 rule' \
	bn -n apply -f "$TMP/bad.yaml"
ok "nor lists and flows" eval 'bn flow list && bn port list && bn gc'
ok "apply --confirm begins the time anew" \
	says "^undone in 900 s" apply "$TMP/bad.yaml" --confirm 15m
ok "one process waits, no matter how often" \
	eval 'await eval "[ \$(waiters | wc -l) = 1 ]"'
ok "rollback goes back before the first of them" bn rollback
ok "all is as it was" rolled_back
ok "nobody waits any more" await nobody_waits
ok "the operator can connect" reach

ok "a file with an error starts nothing" eval '
	echo "version: 2" >"$TMP/wrong.yaml"
	exits 2 apply "$TMP/wrong.yaml" --confirm 60s; nobody_waits'
ok "nor does one that changes nothing" eval '
	says unchanged apply "$TMP/good.yaml" --confirm 60s
	await nobody_waits && exits 3 bn confirm'
for wrong in 0 1w '' 2d -5; do
	ok "'$wrong' is no time" exits 2 cut_off "$wrong"
done

# The session ends with the command, its terminal with it.
session() {
	host python3 "$TERMINAL" 'see:undone in' -- "$BPFNET" --instance "$P" \
		--cgroup "$CG" apply -f "$TMP/bad.yaml" --confirm 2s
}
ok "applied in a session that ends at once" session
ok "it is undone all the same" await rolled_back
ok "and the operator can connect" reach

must cut_off 1s -q
ok "kill -9 of the process that waits" kill_waiter
ok "its time is over, and nobody does it" await left 0
ok "the operator is still cut off" dropped_as policy-deny reach
ok "the next command that changes something does it first" \
	says 'not confirmed in time, rolling it back' \
	bn port publish 2224 app2:9000
ok "and then does its own" reach 2224
must bn -q port unpublish 2224
ok "all is as it was" rolled_back

must cut_off 1s -q
must kill_waiter
must await left 0
ok "confirm comes too late: it fails" exits 1 bn confirm
ok "and all is as it was" rolled_back

start host "$BPFNET" --instance "$P" --cgroup "$CG" agent run
agent=${STARTED[-1]}
must await bn agent status
must cut_off 1s -q
ok "with an agent, kill -9 of the process that waits" kill_waiter
ok "the agent undoes it" await rolled_back
ok "and the operator can connect" await reach
end_process "$agent"

must cut_off 60s -q
ok "purge ends it all" bn purge
ok "also the waiting" await nobody_waits

finish
