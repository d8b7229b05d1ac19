#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 25-reload - a changed file, or one beside it, loses nothing of what stays
#
#   inet                 host                      bn-apps 172.20.0.1/24
#   eth0 203.0.113.1 --- up0 203.0.113.2 --------- app1 172.20.0.11 (stays)
#                                                  more: comes and goes
#
. "$(dirname "$0")/lib.sh"

small() {
	cat <<END
version: 1
networks:
  apps: {subnets: [172.20.0.0/24]}
endpoints:
  app1: {network: apps, ip: [172.20.0.11], netns: $P-app1}
publish:
  - "8080 -> app1:80"
policy:
  - {name: keep, from: net:apps, to: world, allow: true}
END
}

large() {
	cat <<END
version: 1
networks:
  apps:  {subnets: [172.20.0.0/24]}
  other: {subnets: [172.30.0.0/24], internal: true}
endpoints:
  app1: {network: apps, ip: [172.20.0.11], netns: $P-app1}
  more: {network: apps, ip: [172.20.0.12], netns: $P-more}
  away: {network: other, netns: $P-away}
publish:
  - "8080 -> app1:80"
  - "8081 -> more:80"
policy:
  - {from: net:other, to: net:apps, deny: true}
  - {name: keep, from: net:apps, to: world, allow: true}
END
}

# Switches between the two files for as long as a process lives.
reload_while() {
	local rounds=0

	while kill -0 "$1" 2>/dev/null; do
		bn -q apply --prune -f "$TMP/large.yaml" || return 1
		bn -q apply --prune -f "$TMP/small.yaml" || return 1
		rounds=$((rounds + 1))
	done
	echo "$rounds rounds"
	[ "$rounds" -ge 2 ]
}

no_ping_lost() {
	wait "$pinging"
	cat "$TMP/ping"
	grep -q ' 0% packet loss' "$TMP/ping"
}

whole_download() {
	wait "$loading" || return 1
	[ "$(stat -c %s "$TMP/download")" = 3000000 ]
}

# What the flow of the connection to port 9000 has counted so far.
flow_packets() {
	bn -j flow list | json "[f['packets'] for f in d['flows']
		if f['service'] == '$INET:9000'][0]"
}

rule_packets() {
	bn -j policy list | json "[r['packets'] for r in d['rules']
		if r['name'] == 'keep'][0]"
}

world
small >"$TMP/small.yaml"
large >"$TMP/large.yaml"
must bn -q apply -f "$TMP/small.yaml"
serve app1 http 80
serve inet tcp 9000
beat app1 "$INET" 9000
flow_before=$(flow_packets)
rule_before=$(rule_packets)

start_to "$TMP/ping" app1 ping -n -i 0.01 -c 300 -W 1 "$INET"
pinging=${STARTED[-1]}
start_to "$TMP/curl" inet curl -sS -m 60 -o "$TMP/download" \
	"http://$HOST:8080/bytes/3000000"
loading=${STARTED[-1]}

ok "the file changes, there and back, under traffic" reload_while "$pinging"
ok "100 pings a second lost none" no_ping_lost
ok "a download through the published port is whole" whole_download
ok "the connection from before it all still stands" beats_on
ok "its flow went on counting" test "$(flow_packets)" -gt "$flow_before"
ok "the rule that stays kept its counters" \
	test "$(rule_packets)" -ge "$rule_before"
ok "applying the same file again changes nothing" \
	says unchanged bn apply --prune -f "$TMP/small.yaml"
ok "what the file no longer names is gone" \
	fails ip netns exec "$P-more" true

# As a package does it, or somebody who owns one application only.
mkdir "$TMP/small.d"
cat >"$TMP/small.d/10-more.yaml" <<END
version: 1
endpoints:
  more: {network: apps, ip: [172.20.0.12], netns: $P-more}
publish:
  - "8081 -> more:80"
END
ok "a file beside it adds an endpoint and a port" \
	bn -q apply --prune -f "$TMP/small.yaml"
serve more http 80
ok "which is reached" says '^more ' get inet "http://$HOST:8081/"
ok "'diff' looks at both" bn diff -f "$TMP/small.yaml"
echo "  wrong: 1" >>"$TMP/small.d/10-more.yaml"
ok "an error in it is told with its place" \
	says '/small.d/10-more.yaml:6:' exits 2 bn apply -f "$TMP/small.yaml"
rm "$TMP/small.d/10-more.yaml"
ok "without it they go again" bn -q apply --prune -f "$TMP/small.yaml"
ok "and the connection still stands" beats_on

finish
