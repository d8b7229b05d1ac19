#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 14-running-process - a process that already runs gets a network (S10)
#
#   inet                   host                    bn-web 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2             fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2
#                          8080 ->             a server in a namespace without
#                          the server's :80    a name (unshare -n)
#                                              other
#
. "$(dirname "$0")/lib.sh"

families 4 6 dual

# The server is the one process that holds the namespace.
run_server() {
	(exec unshare --net python3 "$SERVE" http 80 web) \
		>>"$TMP/started.log" 2>&1 &
	STARTED+=($!)
	server=$!
	endpoint=pid-$server
	must await served
}

inside() {
	nsenter --net="/proc/$server/ns/net" "$@"
}

served() {
	inside ss -Hln --tcp 'sport = :80' | grep -q .
}

# The address that eth0 has been given in the network: every other one is
# link-local.
address_of_server() {
	local one

	for one in $(inside ip -j address show dev eth0 |
			json "' '.join(a['local'] for a in d[0]['addr_info']
			if a['scope'] == 'global')"); do
		address server "$one"
	done
}

has_address() {
	case $VERSION in
	4) [[ ${ip[server]} == 172.20.0.* ]] ;;
	6) [[ ${ip[server]} == fd00:20::* ]] ;;
	esac
}

inside_get() {
	inside curl "-sS$VERSION" -m "$ANSWER_SECONDS" "$@"
}

uplink_found() {
	bn -j uplink list | json "[u['ifname'] for u in d['uplinks']]" |
		grep -Fx "['up0']"
}

# What there is of the endpoint, as far as one sees without asking bpfnet,
# which would put things in order.
traces() {
	list_host "$TMP/host"
	cat "$TMP/host"
	recorded | grep -F "$endpoint"
	find "/sys/fs/bpf/$P" | sort
}

# That it goes takes the kernel a moment.
as_before() {
	traces >"$TMP/after"
	same "$TMP/before" "$TMP/after"
}

device_gone() {
	! host ip link show "$device"
}

listed() {
	bn -j "$1" list | json "$2" | grep -x True
}

world
serve inet http 80
network web 172.20.0.0/24 fd00:20::/64
container other web
run_server
traces >"$TMP/before"
ok "it is attached by its process id" \
	bn endpoint attach "pid:$server" web
device=bne-$endpoint
address_of_server
ok "the uplink is that of the host's default route" uplink_found
ok "its port is published" bn port publish 8080 "$endpoint:80"
while next_version; do
	ok "it has eth0, with an address" has_address
	ok "and the default route" says "^default via ${ip[web]} dev eth0" \
		inside ip "-$VERSION" route
	ok "it reaches the internet in the host's name" \
		says "^inet $HOST " inside_get "http://${url[inet]}/"
	ok "the internet reaches its port" \
		says "^web $INET " get inet "http://${url[host]}:8080/"
	ok "the host as well" says "^web " host_get http://localhost:8080/
done

end_process "$server"
ok "the process ends, and with it the device" await device_gone
ok "'endpoint list' tells it" says "$endpoint .* gone" bn endpoint list
ok "the next command that changes something removes the rest" \
	says "'$endpoint': its device is gone" bn gc
ok "the endpoint is listed no more" \
	listed endpoint "[e['name'] for e in d['endpoints']] == ['other']"
ok "nor is its port" listed port "d['ports'] == []"
ok "nothing is left of it" as_before
while next_version; do
	ok "the host's port is closed again" \
		exits 7 get inet "http://${url[host]}:8080/"
done

start_to "$TMP/agent.log" host "$BPFNET" --instance "$P" --cgroup "$CG" \
	agent run
must await bn agent status
run_server
traces >"$TMP/before"
must bn -q endpoint attach "pid:$server" web
must bn -q port publish 8080 "$endpoint:80"
while next_version; do
	ok "with the agent, another one is served" \
		says "^web $INET " get inet "http://${url[host]}:8080/"
done
end_process "$server"
ok "it ends, and all goes by itself" await as_before
while next_version; do
	ok "the host's port is closed again" \
		exits 7 get inet "http://${url[host]}:8080/"
done

finish
