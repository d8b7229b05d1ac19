#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 40-uplinks - two ways out: addresses, rules, answers, changes
#
#   inet 203.0.113.1 ------ up0 203.0.113.2            bn-apps 172.20.0.1/24
#        2001:db8:1::1          2001:db8:1::2   host      app1 172.20.0.11
#                                                         app2 172.20.0.12
#   isp2 198.51.100.1 ----- up1 198.51.100.2           bn-mail 172.21.0.1/24
#        2001:db8:2::1          2001:db8:2::2             mail 172.21.0.11
#
#   Both have a server of their own at 192.0.2.80 and 2001:db8:80::80, and know
#   192.0.2.200 behind the host, which the mail network sends as. Behind isp2 is
#   a client, 192.0.2.7 and 2001:db8:7::7.
#
. "$(dirname "$0")/lib.sh"
families dual

SERVER=192.0.2.80
SERVER6=2001:db8:80::80

# By both IP versions. leaves_by APP SERVER_NAME V4 V6
leaves_by() {
	says "^$2 $3 " get "$1" "http://$SERVER/" &&
		says "^$2 $4 " at "$1" curl -sS6 -m "$ANSWER_SECONDS" \
			"http://[$SERVER6]/"
}

# The client that is behind isp2 asks the port that is published there.
client_is_answered() {
	at isp2 curl -sS4 -m "$ANSWER_SECONDS" --interface 192.0.2.7 \
		"http://198.51.100.2:8080/" &&
		at isp2 curl -sS6 -m "$ANSWER_SECONDS" \
			--interface 2001:db8:7::7 "http://[2001:db8:2::2]:8080/"
}

default_by() { # DEVICE V4 V6
	host ip route replace default via "$2" dev "$1"
	host ip -6 route replace default via "$3" dev "$1"
}

# A rule of each version. rules add|del WORD V4 V6 WORDS...
rules() {
	host ip rule "$1" "$2" "$3" "${@:5}" &&
		host ip -6 rule "$1" "$2" "$4" "${@:5}"
}

world
must ip netns add "$P-isp2"
at isp2 ip link set lo up
cable up1 "198.51.100.2/24 2001:db8:2::2/64" \
	isp2 eth0 "198.51.100.1/24 2001:db8:2::1/64"
for side in inet isp2; do
	at "$side" ip address add "$SERVER/32" dev lo
	at "$side" ip address add "$SERVER6/128" dev lo
	serve "$side" http 80
done
inet ip route add 192.0.2.200/32 via "$HOST"
at isp2 ip route add 192.0.2.200/32 via 198.51.100.2
at isp2 ip address add 192.0.2.7/32 dev lo
at isp2 ip address add 2001:db8:7::7/128 dev lo
host ip route add default via 198.51.100.1 table 99
host ip -6 route add default via 2001:db8:2::1 table 99

must bn -q uplink add up0
must bn -q uplink add up1
must bn -q network add apps subnet 172.20.0.0/24 subnet fd00:20::/64
must bn -q network add mail subnet 172.21.0.0/24 subnet fd00:21::/64 \
	snat to 192.0.2.200
container app1 apps 172.20.0.11 ip fd00:20::11
container app2 apps 172.20.0.12 ip fd00:20::12
container mail mail 172.21.0.11 ip fd00:21::11
serve app1 http 80
serve inet tcp 9000
must bn -q port publish 8080 app1:80

ways_out() {
	ok "$1: app1 leaves by the default route, as that uplink" \
		leaves_by app1 inet "$HOST" 2001:db8:1::2
	ok "mail as its network says, where that says something" \
		leaves_by mail inet 192.0.2.200 2001:db8:1::2
	rules add from 172.20.0.12 fd00:20::12 table 99
	ok "a rule about app2 sends it by the other uplink" \
		await leaves_by app2 isp2 198.51.100.2 2001:db8:2::2
	ok "and app1 stays where it was" \
		leaves_by app1 inet "$HOST" 2001:db8:1::2
	rules del from 172.20.0.12 fd00:20::12 table 99
	ok "without the rule app2 is back" \
		await leaves_by app2 inet "$HOST" 2001:db8:1::2
	rules add from 172.20.0.12 fd00:20::12 prohibit
	ok "a rule that prohibits is told at once" \
		dropped_as no-route get app2 "http://$SERVER/"
	rules del from 172.20.0.12 fd00:20::12 prohibit
	ok "gone, the way is open again" get app2 "http://$SERVER/"

	# As hosts with two providers are set up.
	rules add from 198.51.100.2 2001:db8:2::2 table 99
	ok "a client of the second uplink is answered there, by a rule" \
		await client_is_answered
	rules del from 198.51.100.2 2001:db8:2::2 table 99
}

ways_out "without an agent"
start host "$BPFNET" --instance "$P" --cgroup "$CG" agent run
agent=${STARTED[-1]}
must await bn agent status
ways_out "with one"

# Or as a lease on each device makes them.
host ip route add default via 198.51.100.1 metric 500
host ip -6 route add default via 2001:db8:2::1 metric 5000
ok "also by the uplink's own default route, whatever its metric" \
	await client_is_answered
host ip route del default via 198.51.100.1 metric 500
host ip -6 route del default via 2001:db8:2::1 metric 5000

beat app1 "$INET" 9000
default_by up1 198.51.100.1 2001:db8:2::1
ok "the default route moves: new connections take the other uplink" \
	await leaves_by app1 isp2 198.51.100.2 2001:db8:2::2
ok "one whose own route stands goes on" beats_on
ok "a network's own address goes along" \
	says "^isp2 192.0.2.200 " get mail "http://$SERVER/"
default_by up0 "$INET" 2001:db8:1::1
ok "and back" await leaves_by app1 inet "$HOST" 2001:db8:1::2

# How many connections stand that are seen as this address.
flows_as() {
	bn -j flow list | json "sum(f['nat'].startswith('$1:') and
		f['state'] == 'established' for f in d['flows'])"
}
host ip address add 203.0.113.20/24 dev up0
host sysctl -qw net.ipv4.conf.up0.promote_secondaries=1
ok "a connection stands" [ "$(flows_as "$HOST")" = 1 ]
host ip address del "$HOST/24" dev up0
host ip route replace default via "$INET" dev up0
ok "the uplink's address changes: new connections have the new one" \
	await leaves_by app1 inet 203.0.113.20 2001:db8:1::2
no_flow_as() {
	[ "$(flows_as "$1")" = 0 ]
}
ok "and the connection from the old one dies" await no_flow_as "$HOST"

host ip link set up0 down
host ip link set up0 up
host ip address replace 2001:db8:1::2/64 dev up0
default_by up0 "$INET" 2001:db8:1::1
ok "the link goes down and comes back, and all is well" \
	await leaves_by app1 inet 203.0.113.20 2001:db8:1::2
inet sysctl -qw net.ipv4.conf.eth0.arp_notify=1
inet sysctl -qw net.ipv6.conf.eth0.ndisc_notify=1
inet ip link set eth0 address 02:00:5e:00:53:01
ok "the gateway gets another MAC, and says so: traffic follows" \
	await leaves_by app1 inet 203.0.113.20 2001:db8:1::2

must host ip link add off0 type veth peer name off1
host ip address add 192.0.2.129/25 dev off0
host ip link set off0 up
host ip link set off1 up
ok "a device that is no uplink leads nowhere" \
	dropped_as no-uplink get app1 http://192.0.2.130/
kill "$agent"

# As it was found.
host ip link del off0
host ip address del 203.0.113.20/24 dev up0
host ip address add "$HOST/24" dev up0
host sysctl -qw net.ipv4.conf.up0.promote_secondaries=0
default_by up0 "$INET" 2001:db8:1::1

finish
