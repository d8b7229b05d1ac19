#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 23-agent - the agent follows changes, and traffic does not need it
#
#   inet  203.0.113.1  --- up0 203.0.113.2  \
#   inet2 198.51.100.1 --- up1 198.51.100.2  host --- bn-apps: app1 172.20.0.11
#   both are 192.0.2.80 :80, the default route says which one is used
#
. "$(dirname "$0")/lib.sh"

SERVER=192.0.2.80

agent_start() {
	start host "$BPFNET" --instance "$P" --cgroup "$CG" agent run
	agent=${STARTED[-1]}
}

agent_stop() {
	kill "$1" "$agent"
	wait "$agent" 2>/dev/null
}

world
must ip netns add "$P-inet2"
at inet2 ip link set lo up
cable up1 198.51.100.2/24 inet2 eth0 198.51.100.1/24
inet ip address add "$SERVER/32" dev lo
at inet2 ip address add "$SERVER/32" dev lo
must bn -q uplink add up0
must bn -q uplink add up1
must bn -q network add apps subnet 172.20.0.0/24
container app1 apps 172.20.0.11
serve inet http 80
serve inet2 http 80
serve inet tcp 9000
serve app1 http 80
must bn -q port publish 8080 app1:80

ok "no agent yet: 'agent status' says so" fails bn agent status
ok "traffic flows without it" says "^inet $HOST " get app1 "http://$SERVER/"

agent_start
ok "the agent runs" await bn agent status
second_agent_is_refused() {
	bn agent run
	[ $? = 4 ]
}
ok "a second one is refused" second_agent_is_refused
ok "traffic flows with it" says "^inet $HOST " get app1 "http://$SERVER/"
beat app1 "$INET" 9000

# As a router does that is replaced by another one: it tells its neighbours.
inet sysctl -qw net.ipv4.conf.eth0.arp_notify=1
inet ip link set eth0 address 02:00:5e:00:53:01
ok "the gateway's MAC changes: standing connections follow" beats_on
ok "new ones too" await get app1 "http://$SERVER/"

host ip link set up0 down
host ip link set up0 up
host ip route replace default via "$INET"
ok "the uplink goes down and comes back: connections stand" beats_on
ok "and new ones work" says "^inet $HOST " get app1 "http://$SERVER/"

host ip route replace default via 198.51.100.1
ok "the default route changes: new connections take the other uplink" \
	await says "^inet2 198.51.100.2 " get app1 "http://$SERVER/"
ok "the published port is open on both" eval '
	says "^app1 $INET " get inet "http://$HOST:8080/" &&
	says "^app1 198.51.100.1 " get inet2 http://198.51.100.2:8080/'
host ip route replace default via "$INET"
ok "and back" await says "^inet $HOST " get app1 "http://$SERVER/"

agent_stop -KILL
ok "kill -9 of the agent does not disturb the connection" beats_on
ok "nor new ones" says "^inet $HOST " get app1 "http://$SERVER/"
ok "nor the published port" says "^app1 " get inet "http://$HOST:8080/"
ok "'agent status' tells that it is gone" await fails bn agent status

agent_start
ok "a new agent takes over" await bn agent status
ok "the connection still stands" beats_on
agent_stop -TERM
ok "it ends when told to" fails bn agent status
ok "and traffic goes on" beats_on

finish
