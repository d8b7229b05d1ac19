#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 62-typed-tiers - who may reach whom, as it is typed (S8, S9, S12)
#
#   inet                   host
#   eth0 203.0.113.1   --- up0 203.0.113.2            80 -> web:80
#        2001:db8:1::1         2001:db8:1::2
#
#   S8   apps 172.20.0.0/24: app1, app2       secure 10.10.0.0/24: database
#   S9   frontend 192.168.10.0/24: web    backend 192.168.20.0/24: api
#        database 192.168.30.0/24: db
#   S12  something of everything
#
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/typed.sh"

families dual

# The internet knows the way to each of them. known_outside NAME...
known_outside() {
	local name

	for name in "$@"; do
		inet ip route replace "${ip[$name]}" via "$HOST"
	done
}

# -------------------------------------- S8, a guarded database network

guarded_commands() {
	operator <<-'END'
		bpfnet network add apps subnet 172.20.0.0/24 subnet fd00:20::/64
		bpfnet network add secure subnet 10.10.0.0/24 subnet fd00:10::/64 internal
		bpfnet endpoint attach app1 apps ip 172.20.0.11 ip fd00:20::11
		bpfnet endpoint attach app2 apps ip 172.20.0.12 ip fd00:20::12
		bpfnet endpoint attach database secure ip 10.10.0.2 ip fd00:10::2
		bpfnet policy add from app1 to database proto tcp port 3306 allow
		bpfnet policy add from any to database deny
	END
}

guarded_file() {
	cat >guarded.yaml <<-'END'
		version: 1
		networks:
		  apps: {subnets: [172.20.0.0/24, "fd00:20::/64"]}
		  secure: {subnets: [10.10.0.0/24, "fd00:10::/64"], internal: true}
		endpoints:
		  app1: {network: apps, ip: [172.20.0.11, "fd00:20::11"]}
		  app2: {network: apps, ip: [172.20.0.12, "fd00:20::12"]}
		  database: {network: secure, ip: [10.10.0.2, "fd00:10::2"]}
		policy:
		  - {from: app1, to: database, proto: tcp, ports: 3306, allow: true}
		  - {from: any, to: database, deny: true}
	END
	operator <<-'END'
		bpfnet apply -f guarded.yaml
	END
}

guarded_holds() {
	address app1 172.20.0.11 fd00:20::11
	address app2 172.20.0.12 fd00:20::12
	address database 10.10.0.2 fd00:10::2
	serve database tcp 3306
	serve database tcp 22
	serve app1 http 80
	ok "the bridge has its address" says 'inet 10.10.0.1/24 .*bn-secure' \
		types 'ip -o address show dev bn-secure'
	while next_version; do
		known_outside database
		ok "app1 -> database:3306 works, and its replies come back" \
			says "^database ${ip[app1]} " \
			ask app1 tcp "${ip[database]}" 3306
		ok "app2 -> database:3306 fails: policy-deny" \
			dropped_as policy-deny ask app2 tcp "${ip[database]}" 3306
		ok "app1 -> database:22 fails: policy-deny" \
			dropped_as policy-deny ask app1 tcp "${ip[database]}" 22
		ok "ping fails: policy-deny" \
			dropped_as policy-deny pings app1 "${ip[database]}"
		ok "internet -> database fails: unpublished" \
			dropped_as unpublished ask inet tcp "${ip[database]}" 3306
		ok "database -> internet fails: internal-network" \
			dropped_as internal-network \
			get database "http://${url[inet]}/"
		ok "its ping as well" \
			dropped_as internal-network pings database "$INET"
		ok "database -> app1 fails: policy-default" \
			dropped_as policy-default get database "http://${url[app1]}/"
	done
}

# ------------------------------------------------------- S9, three tiers

tiers_commands() {
	operator <<-'END'
		bpfnet network add frontend subnet 192.168.10.0/24 subnet fd00:10::/64
		bpfnet network add backend subnet 192.168.20.0/24 subnet fd00:20::/64 masquerade off
		bpfnet network add database subnet 192.168.30.0/24 subnet fd00:30::/64 internal
		bpfnet endpoint attach web frontend ip 192.168.10.10 ip fd00:10::10
		bpfnet endpoint attach api backend ip 192.168.20.10 ip fd00:20::10
		bpfnet endpoint attach db database ip 192.168.30.10 ip fd00:30::10
		bpfnet port publish 80 web:80
		bpfnet policy add from net:frontend to net:backend allow
		bpfnet policy add from net:backend to net:frontend allow
		bpfnet policy add from net:backend to net:database allow
		bpfnet policy add from net:database to net:backend allow
		bpfnet policy add from net:frontend to net:database deny
	END
}

tiers_file() {
	cat >three-tiers.yaml <<-'END'
		version: 1
		networks:
		  frontend: {subnets: [192.168.10.0/24, "fd00:10::/64"]}
		  backend: {subnets: [192.168.20.0/24, "fd00:20::/64"], masquerade: false}
		  database: {subnets: [192.168.30.0/24, "fd00:30::/64"], internal: true}
		endpoints:
		  web: {network: frontend, ip: [192.168.10.10, "fd00:10::10"]}
		  api: {network: backend, ip: [192.168.20.10, "fd00:20::10"]}
		  db: {network: database, ip: [192.168.30.10, "fd00:30::10"]}
		publish:
		  - "80 -> web:80"
		policy:
		  - {from: net:frontend, to: net:backend, allow: true}
		  - {from: net:backend, to: net:frontend, allow: true}
		  - {from: net:backend, to: net:database, allow: true}
		  - {from: net:database, to: net:backend, allow: true}
		  - {from: net:frontend, to: net:database, deny: true}
	END
	operator <<-'END'
		bpfnet apply -f three-tiers.yaml
	END
}

tiers_holds() {
	address web 192.168.10.10 fd00:10::10
	address api 192.168.20.10 fd00:20::10
	address db 192.168.30.10 fd00:30::10
	serve web http 80
	serve api http 8080
	serve db tcp 3306
	while next_version; do
		known_outside web api db
		ok "port 80 of the host leads the internet to web" \
			says "^web $INET " get inet "http://${url[host]}/"
		ok "and the host itself" says "^web " \
			types "curl -sS$VERSION -m 1 http://localhost/"
		ok "web -> api works" says "^api ${ip[web]} " \
			get web "http://${url[api]}:8080/"
		ok "api -> web works" says "^web ${ip[api]} " \
			get api "http://${url[web]}/"
		ok "api -> db works" says "^db ${ip[api]} " \
			ask api tcp "${ip[db]}" 3306
		ok "db -> api works" says "^api ${ip[db]} " \
			get db "http://${url[api]}:8080/"
		ok "web -> db fails: policy-deny" dropped_as policy-deny \
			ask web tcp "${ip[db]}" 3306
		ok "web -> internet works, in the host's name" \
			says "^inet $HOST " get web "http://${url[inet]}/"
		ok "api -> internet fails: untranslated-egress" \
			dropped_as untranslated-egress \
			get api "http://${url[inet]}/"
		ok "db -> internet fails: internal-network" \
			dropped_as internal-network \
			get db "http://${url[inet]}/"
		ok "internet -> api fails: unpublished" \
			dropped_as unpublished get inet "http://${url[api]}:8080/"
		ok "internet -> db fails: unpublished" \
			dropped_as unpublished ask inet tcp "${ip[db]}" 3306
	done
}

# ---------------------------------------------------------- S12, clean up

# Something of all that there is to make. One namespace was there before; and what
# the file has made waits for its confirmation when it is purged.
everything_commands() {
	operator <<-'END'
		bpfnet uplink add up0 snat 203.0.113.2
		bpfnet netns add app1 dns 203.0.113.1 dns 2001:db8:1::1
		bpfnet network add apps subnet 172.20.0.0/24 subnet fd00:20::/64 gateway 172.20.0.254 range 172.20.0.100-172.20.0.199 mtu 1400 icc off no-masq 203.0.113.9
		bpfnet network add guard subnet 10.10.0.0/24 internal
		bpfnet network add known subnet 10.7.0.0/24 mode routed
		bpfnet network add link type p2p subnet 10.0.1.0/24
		bpfnet network add pair type p2p subnet 10.0.2.0/24
		bpfnet network add any
		bpfnet endpoint attach app1 apps mac 02:00:5e:00:53:01
		bpfnet endpoint attach app1 guard name app1.guard ifname back0 default-route off
		bpfnet endpoint attach /run/netns/mine apps name mine
		bpfnet endpoint attach routed known
		bpfnet endpoint attach linked link
		bpfnet endpoint attach left pair ip 10.0.2.8
		bpfnet endpoint attach right pair ip 10.0.2.9
		bpfnet endpoint attach free any
		bpfnet port publish 8080 app1:80
		bpfnet port publish 203.0.113.2:9000-9009/udp app1:7000-7009 from 203.0.113.0/24
		bpfnet port publish [::1]:8081 app1:80
		bpfnet policy add name ping from any to app1 proto icmp allow
		bpfnet policy add name web from world to app1 proto tcp port 80 port 7000-7009 allow log
		bpfnet policy add from 10.7.0.0/24 to host reject
		bpfnet policy default intra deny inter deny
	END
}

everything_file() {
	cat >everything.yaml <<-'END'
		version: 1
		defaults: {uplink: auto, policy: {intra: deny, inter: deny}}
		uplinks:
		  up0: {snat: 203.0.113.2}
		netns:
		  app1: {dns: [203.0.113.1, "2001:db8:1::1"]}
		networks:
		  apps:
		    subnets: [172.20.0.0/24, "fd00:20::/64"]
		    gateway: 172.20.0.254
		    range: 172.20.0.100-172.20.0.199
		    mtu: 1400
		    icc: false
		    no_masq: 203.0.113.9/32
		  guard: {subnets: 10.10.0.0/24, internal: true}
		  known: {subnets: 10.7.0.0/24, mode: routed}
		  link: {type: p2p, subnets: 10.0.1.0/24}
		  pair: {type: p2p, subnets: 10.0.2.0/24}
		  any: {}
		endpoints:
		  app1: {network: apps, mac: "02:00:5e:00:53:01"}
		  app1.guard: {network: guard, netns: app1, ifname: back0, default_route: false}
		  mine: {network: apps, netns: /run/netns/mine}
		  routed: {network: known}
		  linked: {network: link}
		  left: {network: pair, ip: 10.0.2.8}
		  right: {network: pair, ip: 10.0.2.9}
		  free: {network: any}
		publish:
		  - "8080 -> app1:80"
		  - {listen: "203.0.113.2:9000-9009/udp", to: "app1:7000-7009", from: 203.0.113.0/24}
		  - "[::1]:8081 -> app1:80"
		policy:
		  - {name: ping, from: any, to: app1, proto: icmp, allow: true}
		  - {name: web, from: world, to: app1, proto: tcp, ports: [80, 7000-7009], allow: true, log: true}
		  - {from: 10.7.0.0/24, to: host, action: reject}
	END
	operator <<-'END'
		bpfnet apply -f everything.yaml --confirm 15m
	END
	ok "a process waits for the confirmation" somebody_waits
}

somebody_waits() {
	pgrep -f '^bpfnet apply -f everything.yaml --confirm 15m$'
}

list_mine() {
	at mine "$ROOT/tools/listing" namespace
}

everything_holds() {
	list_all "$TMP/during"
	ok "the listing shows devices" grep -q '^bn-apps: ' "$TMP/during"
	ok "sysctls" grep -q 'conf/bn-apps/forwarding:1' "$TMP/during"
	ok "namespaces" grep -q ' /run/netns/linked ' "$TMP/during"
	ok "files" grep -q ' /etc/netns/app1/resolv.conf ' "$TMP/during"
	ok "records" grep -q ' /run/bpfnet/journal ' "$TMP/during"
	ok "pins" grep -q ' /sys/fs/bpf/bpfnet/maps/bn_flows ' "$TMP/during"
	ok "socket hooks" grep -q 'bn_connect4' "$TMP/during"
	ok "the namespace that was there has a device more" \
		fails same "$TMP/mine.before" <(list_mine)
}

everything_purged() {
	ok "the namespace that was there before is as it was" \
		same "$TMP/mine.before" <(list_mine)
	ok "nobody waits for a confirmation" await fails somebody_waits
}

typed_world
ip netns add mine
at mine ip link set lo up
list_mine >"$TMP/mine.before"
serve inet http 80
tell guarded "A guarded database network"
tell tiers "Three tiers"
tell everything "Clean up"

finish
