#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 02-cable - two namespaces on one cable, and no bridge (S2)
#
#   frontend 10.0.1.10    ============    backend 10.0.1.20
#            fd00:1::10                           fd00:1::20
#
#   The host has no part in it. Before the second end comes, and after it has
#   gone, the cable leads from frontend to the host.
#
. "$(dirname "$0")/lib.sh"

families 4 6 dual

# Devices of bpfnet's in the host, without those of the world.
devices() {
	host ip -o link show | sed -E 's/^[0-9]+: ([^:@]+).*/\1/' |
		grep -vx 'lo\|up0'
}

# Programs of ours at any device of a namespace but the host's uplink.
programs() {
	at "$1" "$BPFTOOL" net show | grep -w 'bn_[a-z_]*' | grep -v '^up0'
}

# routes NAMESPACE: its default routes.
routes() {
	at "$1" ip route show default
	at "$1" ip -6 route show default
}

# Networks, devices and addresses of a namespace, without what differs by itself.
inside() {
	at "$1" ip -o -4 address show dev eth0
	at "$1" ip -o -6 address show dev eth0 scope global
}

# A column of bpfnet's lists. column OBJECT NAME KEY
column() {
	bn -j "$1" show "$2" | json "d['$1s'][0]['$3']"
}

counted() {
	bn -j stats endpoint |
		json "[e['rx_packets'] for e in d['endpoints'] if e['name'] == '$1'][0] > 0"
}

world
list_host "$TMP/host.before"
network pair 10.0.1.0/24 fd00:1::/64 type p2p
container frontend pair 10.0.1.10 fd00:1::10
serve frontend http 8080

# ------------------------------------------------- one end: the host link
ok "with one endpoint the host has the other end" says '^bne-frontend$' devices
while next_version; do
	ok "which is frontend's gateway" says "via ${ip[pair]} " routes frontend
	ok "frontend pings it" pings frontend "${ip[pair]}"
	ok "frontend reaches the internet" pings frontend "$INET"
done

# ------------------------------------------------- two ends: the cable
ok "the plan says what the second endpoint does" \
	says '^~ network pair gateway none' \
	bn -n endpoint attach "$P-backend" pair name backend
ok "and has done nothing" says '^bne-frontend$' devices
container backend pair 10.0.1.20 fd00:1::20
serve backend http 8080
ok "with two, both ends are gone from the host" says '^$' eval 'devices || true'
ok "no program of ours is on the way: in the host" fails programs host
ok "in frontend" fails programs frontend
ok "in backend" fails programs backend
ok "nobody has a default route" says '^$' eval 'routes frontend; routes backend'
while next_version; do
	ok "frontend pings backend" pings frontend "${ip[backend]}"
	ok "frontend speaks HTTP to backend:8080, which sees who asks" \
		says "^backend ${ip[frontend]} " \
		get frontend "http://${url[backend]}:8080/"
	ok "and backend to frontend" says "^frontend ${ip[backend]} " \
		get backend "http://${url[frontend]}:8080/"
	ok "the host does not reach them" fails pings host "${ip[backend]}"
	ok "frontend has no way to the internet" \
		says 'Network is unreachable' fails pings frontend "$INET"
	ok "nor is anybody where its gateway was" \
		fails pings frontend "${ip[pair]}"
done

# ------------------------------------------------- what bpfnet shows of it
ok "the network's list says p2p" says '^p2p$' column network pair type
ok "it has no bridge" says '^$' column network pair bridge
ok "it has no gateway" says '^\[\]$' column network pair gateways
ok "its MTU is the uplink's" says '^1500$' column network pair mtu
ok "an endpoint has no end in the host" says '^$' \
	column endpoint frontend host_ifname
ok "it is up" says '^up$' column endpoint frontend state
ok "its device counts what passes" says True counted backend
ok "'export' is a file that 'apply' finds unchanged" eval '
	bn export >"$TMP/export" && bn diff -f "$TMP/export"'

# ------------------------------------------------- what it refuses
ok "a third endpoint is refused, naming the two" \
	says "'backend' and 'frontend'" exits 4 bn endpoint attach "$P-third" pair name third
ok "a port of backend is refused" says 'cable between two endpoints' \
	exits 4 bn port publish 80 backend:8080
ok "a rule about backend is refused" says 'no rule holds there' \
	exits 4 bn policy add from any to backend deny
ok "a rule about the network is refused" says 'no rule holds there' \
	exits 4 bn policy add from net:pair to world deny
ok "nothing of that was done" same "$TMP/export" <(bn export)

# ------------------------------------------------- what goes, and comes back
must at backend ip link delete eth0
ok "a device that somebody deleted is made again by the next command" \
	bn -q gc
while next_version; do
	ok "with its other end" pings frontend "${ip[backend]}"
done
must bn -q network set pair mtu 1400
ok "a changed MTU holds at both ends" eval '
	at frontend ip link show eth0 | grep "mtu 1400" &&
	at backend ip link show eth0 | grep "mtu 1400"'
inside frontend >"$TMP/inside.before"
ok "backend goes" says 'backend detached' bn endpoint detach backend
ok "the cable leads to the host again" says '^bne-frontend$' devices
while next_version; do
	ok "which reaches frontend" says "^frontend ${ip[pair]} " \
		get host "http://${url[frontend]}:8080/"
	ok "frontend reaches the internet" pings frontend "$INET"
done
inside frontend >"$TMP/inside.after"
ok "and has kept its addresses" same <(sed 's/^[0-9]*//' "$TMP/inside.before") \
	<(sed 's/^[0-9]*//' "$TMP/inside.after")
must bn -q port publish 80 frontend:8080
ok "while a port leads to it, no second endpoint comes" \
	says 'port 80/tcp' exits 4 bn endpoint attach "$P-backend" pair name backend

ok "purge" bn purge
list_host "$TMP/host.after"
ok "the host is as it was before the first command" \
	same "$TMP/host.before" "$TMP/host.after"

# ------------------------------------------------- both at once, from a file
sed -E '/^publish:/,$d' "$TMP/export" >"$TMP/pair.yaml"
ok "a file makes the cable in one step" bn -q apply -f "$TMP/pair.yaml"
ok "the host shows nothing of it" same <(sed '/^tc \|^bn_\|^up0/d' "$TMP/host.before") \
	<(list_host /dev/stdout | sed '/^tc \|^bn_\|^up0/d')
while next_version; do
	ok "frontend pings backend" pings frontend "${ip[backend]}"
done
ok "purge, while the cable is there" bn purge
ok "its namespaces are gone" \
	fails eval 'ip netns list | grep "^$P-\(front\|back\)end"'
list_host "$TMP/host.after"
ok "and the host is as it was" same "$TMP/host.before" "$TMP/host.after"

# ------------------------------------------------- when an end dies
must bn -q apply -f "$TMP/pair.yaml"
must ip netns delete "$P-backend"
ok "a namespace that is gone leaves the other end to the host" \
	says 'leads to the host' bn gc
while next_version; do
	ok "which frontend now reaches" pings frontend "$INET"
done
finish
