#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 28-reject - who is rejected knows it at once
#
#   inet                 host
#   eth0 203.0.113.1 --- up0 203.0.113.2
#                        bn-apps 172.20.0.1/24   app1 172.20.0.11
#                                                app2 172.20.0.12  :80 :53
#                        published: 8080 -> app2:80
#
. "$(dirname "$0")/lib.sh"

world
must bn -q network add apps subnet 172.20.0.0/24
container app1 apps 172.20.0.11
container app2 apps 172.20.0.12
serve app2 http 80
serve app2 udp 53
must bn -q port publish 8080 app2:80

# refused CMD...: curl says that the other side has refused the connection.
refused() {
	exits 7 "$@" && ! "$@" 2>&1 | grep -i 'timed out'
}

# fails_with TEXT CMD...
fails_with() {
	local out

	if out=$("${@:2}" 2>&1); then
		echo "it works"
		return 1
	fi
	echo "$out"
	grep -qe "$1" <<<"$out"
}

# ask_connected NAMESPACE HOST PORT: only a connected socket is told of errors.
ask_connected() {
	at "$1" python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[3]))
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b"hello")
print(s.recv(100))' "$2" "$3" "$ANSWER_SECONDS"
}

ok "without a rule app1 reaches app2" get app1 http://172.20.0.12/
ok "without a rule the internet reaches port 8080" \
	get inet "http://$HOST:8080/"
ok "without a rule app2 answers app1's datagram" \
	ask_connected app1 172.20.0.12 53
ok "without a rule the host reaches app2" host_get http://172.20.0.12/

must bn -q policy add name closed from any to app2 reject

ok "app1's connection is refused" refused get app1 http://172.20.0.12/
ok "the internet's connection is refused" \
	refused get inet "http://$HOST:8080/"
ok "the host's connection is refused" refused host_get http://172.20.0.12/
ok "the host's connection to the published port is refused" \
	refused host_get http://127.0.0.1:8080/
ok "app1's datagram is answered by an ICMP error" \
	fails_with 'No route to host' ask_connected app1 172.20.0.12 53
ok "app1's ping says that it is filtered" \
	fails_with 'filtered' pings app1 172.20.0.12
ok "the packets are counted as policy-reject" \
	eval '[ "$(drops policy-reject)" -ge 5 ]'
ok "the rule counts them" \
	eval 'bn -j policy list | json "d[\"rules\"][0][\"packets\"] >= 5" |
	grep -q True'

must bn -q policy del closed
ok "without the rule app1 reaches app2 again" get app1 http://172.20.0.12/

finish
