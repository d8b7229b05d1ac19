#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 37-flow-limits - a full table and an endpoint's quota stop new flows only
#
#   inet 203.0.113.1 --- 203.0.113.2 host --+-- app1 172.20.0.11
#   tcp :9000                               +-- app2 172.20.0.12
#   at most 40 flows, and 25 of one endpoint
#
. "$(dirname "$0")/lib.sh"

# hold NAMESPACE COUNT: as many connections to the internet, until the story
# ends. A line is sent and echoed on each, so the flow table has it.
hold() {
	local file=$TMP/hold-$1-$SECONDS-$RANDOM

	start_to "$file" "$1" python3 -c "
import socket, time
held = []
for _ in range($2):
    held.append(socket.create_connection(('$INET', 9000), 5))
    held[-1].sendall(b'x\n')
    assert held[-1].recv(9)
print('held', flush=True)
time.sleep(600)"
	must await grep -q held "$file"
}

connects() {
	at "$1" python3 -c "
import socket
socket.create_connection(('$INET', 9000), $ANSWER_SECONDS)"
}

has_flows() {
	[ "$(bn -j stats flows | json "d['flows']['established']")" = "$1" ]
}

world
cat >"$TMP/limits.yaml" <<-END
	version: 1
	flows: {max: 40, per_endpoint: 25}
	networks:
	  apps: {subnets: [172.20.0.0/24]}
	endpoints:
	  app1: {network: apps, netns: $P-app1, ip: [172.20.0.11]}
	  app2: {network: apps, netns: $P-app2, ip: [172.20.0.12]}
END
must bn -q apply -f "$TMP/limits.yaml"
serve inet tcp 9000
start_to "$TMP/agent.log" host "$BPFNET" --instance "$P" --cgroup "$CG" agent run
must await bn agent status

hold app1 25
ok "app1 has as many flows as it may" has_flows 25
ok "one more is refused, by name" dropped_as flows-quota connects app1
ok "app2 is not concerned" hold app2 1

hold app2 10
ok "the agent warns before the table is full" \
	await grep -q 'of 40 flows are in use' "$TMP/agent.log"
beat app2 "$INET" 9000
hold app2 3
ok "the table is full: a new flow is refused, by name" \
	dropped_as flows-full connects app2
ok "the standing ones go on" beats_on
ok "'stats' counts the refusals" \
	eval '[ "$(bn -j stats flows | json "d[\"flows\"][\"full\"]")" -gt 0 ]'

finish
