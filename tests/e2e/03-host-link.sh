#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 03-host-link - from the host to a namespace, and no bridge (S3)
#
#   inet --- up0  host  bne-one 192.168.10.1  =====  one 192.168.10.2
#                               fd00:10::1               fd00:10::2
#                       bne-two 192.168.20.1  =====  two 192.168.20.2
#                               fd00:20::1               fd00:20::2
#   published: 8081 -> one:80
#
. "$(dirname "$0")/lib.sh"

families 4 6 dual

# Devices of bpfnet's in the host, and of which kind they are.
devices() {
	host ip -o -d link show | sed -En 's/^[0-9]+: (bn[^:@]+).* (veth|bridge) .*/\1 \2/p'
}

# refused CMD...: at once, and not because nobody answered.
refused() {
	exits 7 "$@" && ! "$@" 2>&1 | grep -i 'timed out'
}

# Only a connected socket is told of errors. ask_connected NAMESPACE HOST PORT
ask_connected() {
	at "$1" python3 -c 'import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[3]))
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b"hello")
print(s.recv(100))' "$2" "$3" "$ANSWER_SECONDS"
}

tx_packets() {
	bn -j stats endpoint | json \
		"[e['tx_packets'] for e in d['endpoints'] if e['name'] == '$1'][0]"
}

# The host holds its end of the first cable for good.
gateways=()
! has_version 4 || gateways+=(gateway 192.168.10.1)
! has_version 6 || gateways+=(gateway fd00:10::1)

world
network first 192.168.10.0/24 fd00:10::/64 type p2p "${gateways[@]}"
network second 192.168.20.0/24 fd00:20::/64 type p2p
container one first 192.168.10.2 fd00:10::2
container two second 192.168.20.2 fd00:20::2
address nobody 192.168.10.77 fd00:10::77
for name in one two; do
	serve "$name" http 80
done
serve one http 8080
serve one udp 53
serve host http 7000
serve inet http 80
must bn -q port publish 8081 one:80

ok "the host has one end of each cable, and no bridge" \
	says '^bne-one veth bne-two veth $' eval 'devices | tr "\n" " "'
while next_version; do
	ok "which has the gateway's address" \
		says "${ip[first]}/" host ip -o address show bne-one
	ok "the host pings one" pings host "${ip[one]}"
	ok "one pings the host" pings one "${ip[first]}"
	ok "one's server answers the host at port 8080" \
		says "^one ${ip[first]} " get host "http://${url[one]}:8080/"
	ok "both listen on port 80: one" \
		says "^one ${ip[first]} " get host "http://${url[one]}/"
	ok "and two" says "^two ${ip[second]} " get host "http://${url[two]}/"
	ok "one reaches the host's server" says "^host ${ip[one]} " \
		get one "http://${url[first]}:7000/"
	ok "one answers the host's datagram" \
		says "one ${ip[first]} " ask_connected host "${ip[one]}" 53
done
ok "none of their ports is open in the host" \
	fails eval 'host ss -Htln | grep -E ":(80|8080|8081) "'

# ------------------------------------------------------ as on a bridge
while next_version; do
	ok "one reaches the internet, as the host" \
		says "^inet $HOST " get one "http://${url[inet]}/"
	ok "by ping as well" pings one "$INET"
	ok "the internet reaches the published port, and one sees who asks" \
		says "^one $INET " get inet "http://${url[host]}:8081/"
	ok "the host does, as localhost" \
		says "^one ${ip[first]} " host_get "http://${url[loopback]}:8081/"
	ok "two does, and is seen as itself" \
		says "^one ${ip[two]} " get two "http://${url[host]}:8081/"
	ok "one reaches itself by it" \
		says "^one ${ip[first]} " get one "http://${url[host]}:8081/"
	must inet ip "-$VERSION" route add "${ip[one]}" via "$HOST"
	ok "one's own address is not published" dropped_as unpublished \
		get inet "http://${url[one]}/"
	ok "a traceroute meets the gateway first" \
		says "${ip[first]} .*[Tt]ime.*exceeded" \
		fails at one ping -n -c 1 -W "$ANSWER_SECONDS" -t 1 "$INET"
done
ok "the packets are counted" eval '[ "$(tx_packets one)" -gt 10 ]'

# --------------------------------------------------------------- policy
while next_version; do
	ok "between two networks the default is deny" dropped_as \
		policy-default get two "http://${url[one]}/"
done
must bn -q policy add name open from net:second to one proto tcp port 80 allow
while next_version; do
	ok "a rule opens port 80, and one sees who asks" \
		says "^one ${ip[two]} " get two "http://${url[one]}/"
	ok "and nothing else" dropped_as policy-default \
		get two "http://${url[one]}:8080/"
done

must bn -q policy add name shut before open from host to one deny
while next_version; do
	ok "a rule keeps the host out" dropped_as policy-deny \
		get host "http://${url[one]}:8080/"
	ok "and its pings" dropped_as policy-deny pings host "${ip[one]}"
	ok "but not one from the host" says "^host ${ip[one]} " \
		get one "http://${url[first]}:7000/"
done
must bn -q policy del shut

# The second one would stop what one itself sends to the host.
must bn -q policy add name tell before open from host to one reject
must bn -q policy add name mute before open from one to host deny
drops icmp-unrelated >"$TMP/unrelated"
while next_version; do
	ok "a rule that rejects tells the host: its connection" \
		refused get host "http://${url[one]}:8080/"
	ok "its datagram" says 'PermissionError\|No route to host' \
		fails ask_connected host "${ip[one]}" 53
	ok "its ping" says 'filtered\|prohibited' fails pings host "${ip[one]}"
	ok "while one does not reach the host" dropped_as policy-deny \
		get one "http://${url[first]}:7000/"
done
ok "no answer was dropped on its way up" \
	same "$TMP/unrelated" <(drops icmp-unrelated)
must bn -q policy del tell
must bn -q policy del mute

must bn -q policy add name tell before open from one to any reject
while next_version; do
	ok "one is told as well: about the host" \
		refused get one "http://${url[first]}:7000/"
	ok "about the internet" refused get one "http://${url[inet]}/"
done
must bn -q policy del tell

# -------------------------------------------------------------- attacks
at one sysctl -qw net.ipv6.conf.eth0.accept_dad=0
while next_version; do
	must at one ip address add "${ip[nobody]}" dev eth0
	ok "one cannot send as somebody else" dropped_as spoofed-source \
		at one ping -n -c 1 -W 1 -I "${ip[nobody]}" "${ip[first]}"
done
must bn -q network set second internal on
while next_version; do
	ok "an internal network has no way out" dropped_as internal-network \
		pings two "$INET"
	ok "but the host has one in" says "^two " get host "http://${url[two]}/"
done

# -------------------------------------------------- what stays as it is
ok "where the gateway is named, no second endpoint comes" \
	says "from 'one' to the host" \
	exits 4 bn endpoint attach "$P-three" first name three
ok "'export' is a file that 'apply' finds unchanged" eval '
	bn export >"$TMP/export" && bn diff -f "$TMP/export"'
must host ip link delete bne-one
ok "a host end that somebody deleted is made again by the next command" \
	bn -q gc
while next_version; do
	ok "with all that it had" says "^one $INET " \
		get inet "http://${url[host]}:8081/"
done

must inet ip link set eth0 mtu 1400
must host ip link set up0 mtu 1400
while next_version; do
	ok "what is too long for the uplink is told by the gateway" \
		says "${ip[first]} .*mtu *= *1400" fails at one ping -n -c 1 \
		-W "$ANSWER_SECONDS" -M "do" -s 1440 "$INET"
done
ok "the first network's MTU is still that of its cable" says '^1500$' \
	eval 'bn -j network show first | json "d[\"networks\"][0][\"mtu\"]"'
must host ip link set up0 mtu 1500

finish
