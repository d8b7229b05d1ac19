#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 60-typed-cables - namespaces without a bridge, as they are typed (S1 to S3)
#
#   inet --- up0 host                       production    (lo, and no more)
#
#   frontend 10.0.1.10, fd00:1::10   =====  backend 10.0.1.20, fd00:1::20
#
#   host 192.168.10.1, fd00:10::1    =====  container_net 192.168.10.2
#        192.168.11.1, fd00:11::1    =====  other_net 192.168.11.2
#
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/typed.sh"

families dual

# The devices of a namespace, one after the other. devices NAMESPACE
devices() {
	at "$1" ip -o link show | sed -E 's/^[0-9]+: ([^:@]+).*/\1/' | xargs
}

# ------------------------------------------------- S1, an isolated namespace

isolated_commands() {
	operator <<-'END'
		bpfnet netns add production
	END
}

isolated_file() {
	cat >production.yaml <<-'END'
		version: 1
		netns:
		  production: {}
	END
	operator <<-'END'
		bpfnet apply -f production.yaml
	END
}

isolated_holds() {
	ok "'ip netns list' shows it" says '^production' types 'ip netns list'
	ok "so does 'bpfnet netns list'" says '^production' \
		types 'bpfnet netns list'
	ok "it has nothing but lo" says '^lo$' devices production
	ok "which is up" says '<LOOPBACK,UP' at production ip link show lo
	ok "the host's devices cannot be seen, by /sys neither" says '^lo$' \
		types 'bpfnet exec production -- ls /sys/class/net'
	while next_version; do
		ok "ping ${ip[loopback]} works" pings production "${ip[loopback]}"
		ok "the host cannot be reached" fails pings production "$HOST"
		ok "nor the internet" fails pings production "$INET"
	done
}

# ------------------------------------- S2, a cable between two namespaces

cable_commands() {
	operator <<-'END'
		bpfnet network add pair type p2p subnet 10.0.1.0/24 subnet fd00:1::/64
		bpfnet endpoint attach frontend pair ip 10.0.1.10 ip fd00:1::10
		bpfnet endpoint attach backend pair ip 10.0.1.20 ip fd00:1::20
	END
}

cable_file() {
	cat >pair.yaml <<-'END'
		version: 1
		networks:
		  pair: {type: p2p, subnets: [10.0.1.0/24, "fd00:1::/64"]}
		endpoints:
		  frontend: {network: pair, ip: [10.0.1.10, "fd00:1::10"]}
		  backend: {network: pair, ip: [10.0.1.20, "fd00:1::20"]}
	END
	operator <<-'END'
		bpfnet apply -f pair.yaml
	END
}

cable_holds() {
	address frontend 10.0.1.10 fd00:1::10
	address backend 10.0.1.20 fd00:1::20
	serve frontend http 8080
	serve backend http 8080
	ok "the ends are gone from the host" says '^lo up0$' devices host
	ok "one is in frontend" says '^lo eth0$' devices frontend
	ok "the other in backend" says '^lo eth0$' devices backend
	while next_version; do
		ok "frontend pings backend" pings frontend "${ip[backend]}"
		ok "backend pings frontend" pings backend "${ip[frontend]}"
		ok "frontend speaks HTTP to backend:8080" \
			says "^backend ${ip[frontend]} " \
			get frontend "http://${url[backend]}:8080/"
		ok "and backend to frontend" says "^frontend ${ip[backend]} " \
			get backend "http://${url[frontend]}:8080/"
	done
}

# ------------------------------------------ S3, from the host to a namespace

link_commands() {
	operator <<-'END'
		bpfnet network add link type p2p subnet 192.168.10.0/24 subnet fd00:10::/64
		bpfnet endpoint attach container_net link ip 192.168.10.2 ip fd00:10::2
		bpfnet network add second type p2p subnet 192.168.11.0/24 subnet fd00:11::/64
		bpfnet endpoint attach other_net second ip 192.168.11.2 ip fd00:11::2
	END
}

link_file() {
	cat >links.yaml <<-'END'
		version: 1
		networks:
		  link: {type: p2p, subnets: [192.168.10.0/24, "fd00:10::/64"]}
		  second: {type: p2p, subnets: [192.168.11.0/24, "fd00:11::/64"]}
		endpoints:
		  container_net: {network: link, ip: [192.168.10.2, "fd00:10::2"]}
		  other_net: {network: second, ip: [192.168.11.2, "fd00:11::2"]}
	END
	operator <<-'END'
		bpfnet apply -f links.yaml
	END
}

link_holds() {
	address gateway 192.168.10.1 fd00:10::1
	address second 192.168.11.1 fd00:11::1
	address container_net 192.168.10.2 fd00:10::2
	address other_net 192.168.11.2 fd00:11::2
	serve container_net http 8080
	serve container_net http 80
	serve other_net http 80
	while next_version; do
		ok "the host pings container_net" pings host "${ip[container_net]}"
		ok "container_net pings the host" \
			pings container_net "${ip[gateway]}"
		ok "its server answers the host at port 8080" \
			says "^container_net ${ip[gateway]} " \
			types "curl -sS -m 1 http://${url[container_net]}:8080/"
		ok "both listen on port 80: container_net" \
			says "^container_net ${ip[gateway]} " \
			types "curl -sS -m 1 http://${url[container_net]}/"
		ok "and other_net" says "^other_net ${ip[second]} " \
			types "curl -sS -m 1 http://${url[other_net]}/"
	done
	ok "the host's 'ss -tln' shows neither 8080 nor 80" \
		fails types "ss -tln | grep -E ':(8080|80) '"
	ok "the host has no bridge" fails grep -q . \
		<(host ip -o link show type bridge)
}

typed_world
tell isolated "An isolated namespace"
tell cable "A cable between two namespaces"
tell link "A link from the host to a namespace"

finish
