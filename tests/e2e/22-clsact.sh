#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 22-clsact - the same on kernels without tcx: clsact filters
#
#   inet                 host                      bn-apps 172.20.0.1/24
#   eth0 203.0.113.1 --- up0 203.0.113.2 --------- app1 172.20.0.11 :80
#                        8080 -> app1:80           app2 172.20.0.12
#
. "$(dirname "$0")/lib.sh"

export BPFNET_ATTACH=clsact

filters() {
	host tc filter show dev "$1" "$2"
}

# What tc shows of ours, and nothing of tcx.
attached_by_clsact() {
	filters up0 ingress | grep -w bn_from_uplink &&
		filters up0 egress | grep -w bn_to_uplink &&
		filters bne-app1 ingress | grep -w bn_from_contain &&
		filters bne-app1 egress | grep -w bn_to_container &&
		! host "$BPFTOOL" net show | grep tcx/
}

world
must bn -q network add apps subnet 172.20.0.0/24
container app1 apps 172.20.0.11
container app2 apps 172.20.0.12
serve app1 http 80
serve inet http 80
serve inet udp 9000
must bn -q port publish 8080 app1:80

ok "the programs are clsact filters" attached_by_clsact
ok "masquerade: TCP" says "^inet $HOST " get app1 "http://$INET/"
ok "masquerade: UDP" says "^inet $HOST " ask app1 udp "$INET" 9000
ok "masquerade: ping" pings app1 "$INET"
ok "a published port from outside" \
	says "^app1 $INET " get inet "http://$HOST:8080/"
ok "from the host itself" says "^app1 " host_get http://localhost:8080/
ok "from another container" \
	says "^app1 172.20.0.12 " get app2 "http://$HOST:8080/"
ok "from the container itself" says "^app1 " get app1 "http://$HOST:8080/"
ok "what is not published is dropped" eval '
	inet ip route add 172.20.0.0/24 via "$HOST" &&
	dropped_as unpublished get inet http://172.20.0.11/'
ok "a policy blocks" eval '
	bn policy add name stop from app2 to app1 deny &&
	dropped_as policy-deny get app2 http://172.20.0.11/'

finish
