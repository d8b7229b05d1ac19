#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 61-typed-bridge - three applications on a bridge, as they are typed (S4 to S7)
#
#   inet                   host                    bridge 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2                fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2       app1 172.20.0.11 fd00:20::11
#        203.0.113.9       8080, 8081 -> app1:80   app2 172.20.0.12 fd00:20::12
#        2001:db8:1::9           8082 -> app2:80   app3 172.20.0.13 fd00:20::13
#        (another host)          3000 -> app3:3000
#
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/typed.sh"

families dual

addresses() {
	local n

	address apps 172.20.0.1 fd00:20::1
	for n in 1 2 3; do
		address "app$n" "172.20.0.1$n" "fd00:20::1$n"
	done
}

# -------------------------------------------- S4, a bridge with three of them

bridge_commands() {
	operator <<-'END'
		bpfnet network add apps subnet 172.20.0.0/24 subnet fd00:20::/64
		bpfnet endpoint attach app1 apps ip 172.20.0.11 ip fd00:20::11
		bpfnet endpoint attach app2 apps ip 172.20.0.12 ip fd00:20::12
		bpfnet endpoint attach app3 apps ip 172.20.0.13 ip fd00:20::13
	END
}

bridge_file() {
	cat >apps.yaml <<-'END'
		version: 1
		networks:
		  apps: {subnets: [172.20.0.0/24, "fd00:20::/64"]}
		endpoints:
		  app1: {network: apps, ip: [172.20.0.11, "fd00:20::11"]}
		  app2: {network: apps, ip: [172.20.0.12, "fd00:20::12"]}
		  app3: {network: apps, ip: [172.20.0.13, "fd00:20::13"]}
	END
	operator <<-'END'
		bpfnet apply -f apps.yaml
	END
}

bridge_holds() {
	local from to

	addresses
	for to in app1 app2 app3; do
		serve "$to" http 8000
	done
	ok "the bridge has its address" says 'inet 172.20.0.1/24 .*bn-apps' \
		types 'ip -o address show dev bn-apps'
	ok "and that of IPv6" says 'inet6 fd00:20::1/64 ' \
		types 'ip -o address show dev bn-apps'
	while next_version; do
		for from in app1 app2 app3; do
			for to in app1 app2 app3; do
				[ "$from" != "$to" ] || continue
				ok "$from pings $to" pings "$from" "${ip[$to]}"
				ok "$from speaks HTTP to $to" \
					says "^$to ${ip[$from]} " \
					get "$from" "http://${url[$to]}:8000/"
			done
		done
	done
}

# ----------------------------------------------------------- S5, masquerade

masquerade_commands() {
	operator <<-'END'
		bpfnet netns add app1 dns 203.0.113.1
		bpfnet netns add app2 dns 2001:db8:1::1
		bpfnet network add apps subnet 172.20.0.0/24 subnet fd00:20::/64
		bpfnet endpoint attach app1 apps ip 172.20.0.11 ip fd00:20::11
		bpfnet endpoint attach app2 apps ip 172.20.0.12 ip fd00:20::12
	END
}

masquerade_file() {
	cat >masquerade.yaml <<-'END'
		version: 1
		netns:
		  app1: {dns: 203.0.113.1}
		  app2: {dns: "2001:db8:1::1"}
		networks:
		  apps: {subnets: [172.20.0.0/24, "fd00:20::/64"]}
		endpoints:
		  app1: {network: apps, ip: [172.20.0.11, "fd00:20::11"]}
		  app2: {network: apps, ip: [172.20.0.12, "fd00:20::12"]}
	END
	operator <<-'END'
		bpfnet apply -f masquerade.yaml
	END
}

# Both ask at the same time, from the same port. Outside the ports differ, and
# each one gets its own answer.
answered_at_once() {
	local one two

	get app1 "http://${url[inet]}/" --local-port "4000$VERSION" >"$TMP/one" &
	one=$!
	get app2 "http://${url[inet]}/" --local-port "4000$VERSION" >"$TMP/two" &
	two=$!
	wait "$one" && wait "$two" || return 1
	cat "$TMP/one" "$TMP/two"
	grep -q "^inet $HOST " "$TMP/one" && grep -q "^inet $HOST " "$TMP/two" &&
		! cmp -s "$TMP/one" "$TMP/two"
}

# Who asks over which version: see their name servers.
resolver() {
	case $VERSION in
	4) echo app1 ;;
	6) echo app2 ;;
	esac
}

masquerade_holds() {
	addresses
	while next_version; do
		ok "app1's default route is the bridge" \
			says "^default via ${ip[apps]} dev eth0" \
			at app1 ip "-$VERSION" route
		ok "TCP: the server sees the host's address" \
			says "^inet $HOST " get app1 "http://${url[inet]}/"
		ok "UDP as well, and answers from its own" \
			says "^inet $HOST .* from $INET:9000" \
			ask app1 udp "$INET" 9000
		ok "ping gets its replies" pings app1 "$INET"
		ok "DNS over UDP" says "^$INET " types \
			"bpfnet exec $(resolver) -- getent ahostsv$VERSION www.example.test"
		ok "a server is reached by its name" says "^inet $HOST " types \
			"bpfnet exec $(resolver) -- curl -sS$VERSION -m 2 http://www.example.test/"
		ok "two ask from the same port, and each gets its own answer" \
			answered_at_once
	done
}

# ------------------------------------------------------ S6, published ports

ports_commands() {
	bridge_commands
	operator <<-'END'
		bpfnet port publish 8080 app1:80
		bpfnet port publish 8081 app1:80
		bpfnet port publish 8082 app2:80
		bpfnet port publish 3000 app3:3000
	END
}

ports_file() {
	cat >ports.yaml <<-'END'
		version: 1
		networks:
		  apps: {subnets: [172.20.0.0/24, "fd00:20::/64"]}
		endpoints:
		  app1: {network: apps, ip: [172.20.0.11, "fd00:20::11"]}
		  app2: {network: apps, ip: [172.20.0.12, "fd00:20::12"]}
		  app3: {network: apps, ip: [172.20.0.13, "fd00:20::13"]}
		publish:
		  - "8080 -> app1:80"
		  - "8081 -> app1:80"
		  - "8082 -> app2:80"
		  - "3000 -> app3:3000"
	END
	operator <<-'END'
		bpfnet apply -f ports.yaml
	END
}

ports_holds() {
	local port to

	addresses
	serve app1 http 80
	serve app2 http 80
	serve app3 http 3000
	while next_version; do
		for port in 8080:app1 8081:app1 8082:app2 3000:app3; do
			to=${port#*:} port=${port%:*}
			ok "$port leads a client outside to $to, which sees it" \
				says "^$to $INET " get inet "http://${url[host]}:$port/"
			ok "and the host at http://localhost:$port" says "^$to " \
				types "curl -sS$VERSION -m 1 http://localhost:$port/"
		done
		ok "the host reaches it at its own address" says "^app1 " \
			types "curl -sS -m 1 http://${url[host]}:8080/"
		ok "app2 reaches host:8080" says "^app1 ${ip[app2]} " \
			get app2 "http://${url[host]}:8080/"
		ok "app1 reaches its own published port" says "^app1 " \
			get app1 "http://${url[host]}:8080/"
		ok "8080 of another host is that one's, for app2" \
			says "^other $HOST " get app2 "http://${url[other]}:8080/"
		ok "and for the host" says "^other $HOST " \
			types "curl -sS -m 1 http://${url[other]}:8080/"
	done
}

# -------------------------------------------- S7, two that may not talk

pair_commands() {
	bridge_commands
	operator <<-'END'
		bpfnet policy add from app1 to app2 deny
		bpfnet policy add from app2 to app1 deny
	END
}

pair_file() {
	cat >pair.yaml <<-'END'
		version: 1
		networks:
		  apps: {subnets: [172.20.0.0/24, "fd00:20::/64"]}
		endpoints:
		  app1: {network: apps, ip: [172.20.0.11, "fd00:20::11"]}
		  app2: {network: apps, ip: [172.20.0.12, "fd00:20::12"]}
		  app3: {network: apps, ip: [172.20.0.13, "fd00:20::13"]}
		policy:
		  - {from: app1, to: app2, deny: true}
		  - {from: app2, to: app1, deny: true}
	END
	operator <<-'END'
		bpfnet apply -f pair.yaml
	END
}

# The module may be there for others: with nothing to ask, it decides nothing.
no_netfilter() {
	! { host nft list ruleset; host iptables-legacy-save; } | grep .
}

pair_holds() {
	local to

	addresses
	for to in app1 app2 app3; do
		serve "$to" http 8000
	done
	while next_version; do
		ok "app1 -> app2 fails" dropped_as policy-deny \
			get app1 "http://${url[app2]}:8000/"
		ok "app2 -> app1 fails" dropped_as policy-deny \
			get app2 "http://${url[app1]}:8000/"
		ok "ping as well" dropped_as policy-deny \
			pings app1 "${ip[app2]}"
		ok "app1 -> app3 works" says "^app3 ${ip[app1]} " \
			get app1 "http://${url[app3]}:8000/"
		ok "app3 -> app2 works" says "^app2 ${ip[app3]} " \
			get app3 "http://${url[app2]}:8000/"
	done
	ok "no br_netfilter has a rule that it could ask" no_netfilter
}

typed_world
serve inet http 80
serve inet udp 9000
serve inet dns 53 203.0.113.1 2001:db8:1::1
serve inet http 8080 other
tell bridge "A bridge with three applications"
tell masquerade "Masquerade"
tell ports "Published ports"
tell pair "Two that may not talk"

finish
