#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 63-typed-processes - what runs inside, as it is typed (S10, S11)
#
#   inet                   host                    bridge 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2                fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2       a server in a namespace
#        203.0.113.9       8080 -> the server's    without a name, or lab
#        2001:db8:1::9             :80
#   two dnsmasq, each with a name that the other one does not know
#
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/typed.sh"

families dual

# -------------------------------------- S10, a process that already runs

# The server is the one process that holds the namespace.
start_server() {
	(exec unshare --net python3 "$SERVE" http 80 agent7) \
		>>"$TMP/started.log" 2>&1 &
	STARTED+=($!)
	server=$!
	must await served
}

inside() {
	nsenter --net="/proc/$server/ns/net" "$@"
}

served() {
	inside ss -Hln --tcp 'sport = :80' | grep -q .
}

process_commands() {
	start_server
	operator <<-END
		bpfnet network add web subnet 172.20.0.0/24 subnet fd00:20::/64
		bpfnet endpoint attach pid:$server web name agent7
		bpfnet port publish 8080 agent7:80
	END
}

process_file() {
	start_server
	cat >process.yaml <<-END
		version: 1
		networks:
		  web: {subnets: [172.20.0.0/24, "fd00:20::/64"]}
		endpoints:
		  agent7: {network: web, netns: "pid:$server"}
		publish:
		  - "8080 -> agent7:80"
	END
	operator <<-'END'
		bpfnet apply -f process.yaml
	END
}

traces_of_it() {
	list_all "$TMP/now"
	grep agent7 "$TMP/now"
	recorded | grep agent7
}

process_holds() {
	address web 172.20.0.1 fd00:20::1
	address agent7 172.20.0.2 fd00:20::2
	ok "the uplink is that of the default route" says '^up0 ' \
		types 'bpfnet uplink list'
	while next_version; do
		ok "it has eth0, with an address" says " ${ip[agent7]}/" \
			inside ip -o address show dev eth0
		ok "and the default route" says "^default via ${ip[web]} dev eth0" \
			inside ip "-$VERSION" route
		ok "it reaches the internet in the host's name" \
			says "^inet $HOST " inside curl -sS -m 1 "http://${url[inet]}/"
		ok "the internet reaches its port" says "^agent7 $INET " \
			get inet "http://${url[host]}:8080/"
		ok "and the host" says "^agent7 " \
			types "curl -sS$VERSION -m 1 http://localhost:8080/"
	done
	ok "one sees what there is of it" traces_of_it
	end_process "$server"
	ok "the process ends, and its device" await fails \
		host ip link show bne-agent7
	operator <<<'bpfnet gc'
	ok "nothing is left of it" fails traces_of_it
	ok "its port is listed no more" fails says 8080 types 'bpfnet port list'
	while next_version; do
		ok "and closed" exits 7 get inet "http://${url[host]}:8080/"
	done
}

# --------------------------------------------- S11, run something inside

# start_dnsmasq NAME ADDRESS...: knows the name, as that of its addresses.
start_dnsmasq() {
	local one args=()

	for one in "${@:2}"; do
		args+=("--listen-address=$one" "--address=/$1/$one")
	done
	start inet dnsmasq --keep-in-foreground --conf-file=/dev/null \
		--no-resolv --no-hosts --bind-interfaces --user=root \
		--pid-file="$TMP/dnsmasq-$1.pid" --log-facility=- "${args[@]}"
	must await answers "$2"
}

answers() {
	inet ss -Hlun "src = $1" | grep -q ':53 '
}

lab_commands() {
	operator <<-'END'
		bpfnet netns add lab dns 203.0.113.1
		bpfnet network add apps subnet 172.20.0.0/24 subnet fd00:20::/64
		bpfnet endpoint attach lab apps
	END
}

lab_file() {
	cat >lab.yaml <<-'END'
		version: 1
		netns:
		  lab: {dns: 203.0.113.1}
		networks:
		  apps: {subnets: [172.20.0.0/24, "fd00:20::/64"]}
		endpoints:
		  lab: {network: apps}
	END
	operator <<-'END'
		bpfnet apply -f lab.yaml
	END
}

make_root() {
	mkdir -p root/{bin,etc,proc,sys,tmp}
	cp "$(command -v busybox)" root/bin/busybox
}

# The words that a line prints are these, in any order. prints WORDS LINE
prints() {
	local out

	out=$(types "$2") || return 1
	echo "$out"
	[ "$(xargs -n1 <<<"$out" | sort | xargs)" = "$1" ]
}

lab_holds() {
	ok "it sees no device of the host's" prints "eth0 lo" \
		'bpfnet exec lab -- ls /sys/class/net'
	ok "by 'ip link' neither" fails types 'bpfnet exec lab -- ip link show up0'
	ok "its resolv.conf is its own" prints "203.0.113.1 nameserver" \
		'bpfnet exec lab -- cat /etc/resolv.conf'
	ok "the exit status is the command's" exits 42 \
		types "bpfnet exec lab -- sh -c 'exit 42'"
	while next_version; do
		ok "names resolve through its server" says "^$INET " types \
			"bpfnet exec lab -- getent ahostsv$VERSION www.example.test"
		ok "for curl, too" says "^inet $HOST " types \
			"bpfnet exec lab -- curl -sS$VERSION -m 2 http://www.example.test/"
		ok "but not names that this one does not know" fails types \
			"bpfnet exec lab -- getent ahostsv$VERSION www.other.test"
	done

	make_root
	ok "--root: it sees none of the host's files" \
		prints "bin etc proc sys tmp" \
		"bpfnet exec lab --root $PWD/root -- /bin/busybox ls /"
	ok "nor its devices" prints "eth0 lo" \
		"bpfnet exec lab --root $PWD/root -- /bin/busybox ls /sys/class/net"
	ok "names resolve there" says "^Address: *203.0.113.1\$" types \
		"bpfnet exec lab --root $PWD/root -- /bin/busybox nslookup www.example.test"
	ok "and servers are reached" says "^inet 203.0.113.2 " types \
		"bpfnet exec lab --root $PWD/root -- /bin/busybox wget -qO- http://203.0.113.1/"

	ok "--dns: names resolve through another server" says "^203.0.113.9 " types \
		'bpfnet exec lab --dns 203.0.113.9 -- getent ahostsv4 www.other.test'
	ok "and only through that" fails types \
		'bpfnet exec lab -- getent ahostsv4 www.example.test'
	ok "with a root as well" says "^Address: *203.0.113.9\$" types \
		"bpfnet exec lab --root $PWD/root --dns 203.0.113.9 -- /bin/busybox nslookup www.other.test"
}

typed_world
serve inet http 80
start_dnsmasq www.example.test 203.0.113.1 2001:db8:1::1
start_dnsmasq www.other.test 203.0.113.9 2001:db8:1::9
tell process "A process that already runs"
tell lab "Run something inside"

finish
