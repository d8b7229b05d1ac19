#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 15-leak-check - the check that every story ends with finds what it looks for
#
#   inet                   host, a plain router      $P-plain
#   eth0 203.0.113.1   --- up0 203.0.113.2           eth0 172.20.9.2
#        2001:db8:1::1         2001:db8:1::2              fd00:29::2
#                          p0 172.20.9.1, fd00:29::1
#
# bpfnet has no part in this world, so nothing is translated, and nobody guards
# the uplink.
. "$(dirname "$0")/lib.sh"

families dual

# The ping has no chance, because the internet has no way back.
leak() {
	fails pings plain "$INET" >"$TMP/ping"
}

world
must ip netns add "$P-plain"
at plain sysctl -qw net.ipv6.conf.default.accept_dad=0
must host ip link add p0 type veth peer name eth0 netns "$P-plain"
address plain 172.20.9.2 fd00:29::2
address router 172.20.9.1 fd00:29::1
give_addresses host p0 "172.20.9.1/24 fd00:29::1/64"
give_addresses plain eth0 "172.20.9.2/24 fd00:29::2/64"
host ip link set p0 up
at plain ip link set eth0 up
host sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

ok "nothing has left yet" nothing_leaked
while next_version; do
	at plain ip "-$VERSION" route add default via "${ip[router]}"
	must capture up0 inet eth0
	must leak
	ok "a private source address is found" \
		says "${ip[plain]} > $INET" fails nothing_leaked
done

must capture up0 inet eth0
must end_process "${CAPTURES[up0]}"
ok "a capture that died proves nothing" \
	says "did not run to the end" fails nothing_leaked
must capture up0 inet lo
AWAIT_SECONDS=1 ok "nor does one that does not hear the host" \
	says "did not see the last frame" fails nothing_leaked

must capture up0 inet eth0
while next_version; do
	must leak
	may_leave "${ip[plain]}"
done
ok "the capture has seen what may leave" \
	capture_has up0 src host 172.20.9.2 or src host fd00:29::2

finish
