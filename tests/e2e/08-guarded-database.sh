#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 08-guarded-database - one client, one port, and no way out (S8)
#
#   inet                   host
#   eth0 203.0.113.1   --- up0 203.0.113.2
#        2001:db8:1::1         2001:db8:1::2
#                          bn-apps   172.20.0.1/24   app1 172.20.0.11
#                                    fd00:20::1/64        fd00:20::11
#                                                    app2 172.20.0.12
#                                                         fd00:20::12
#                          bn-secure 10.10.0.1/24    database 10.10.0.2
#                          (internal) fd00:10::1/64           fd00:10::2
#                                                     :3306 :22
#
. "$(dirname "$0")/lib.sh"

families 4 6 dual

# sql NAMESPACE [PORT]
sql() {
	ask "$1" tcp "${ip[database]}" "${2:-3306}"
}

world
network apps 172.20.0.0/24 fd00:20::/64
network secure 10.10.0.0/24 fd00:10::/64 internal
container app1 apps 172.20.0.11 fd00:20::11
container app2 apps 172.20.0.12 fd00:20::12
container database secure 10.10.0.2 fd00:10::2
serve database tcp 3306
serve database tcp 22
serve app1 http 80
serve inet http 80
must bn -q policy add name app1-sql from app1 to database proto tcp port 3306 \
	allow

while next_version; do
	# Someone on the internet who knows the way has to be stopped by us.
	inet ip route add "${ip[database]}" via "$HOST"
	must bn -q policy add name guard from net:apps to database deny

	ok "app1 -> database:3306 works, and its replies come back" \
		says "^database ${ip[app1]} " sql app1
	ok "app2 -> database:3306 is dropped: policy-deny" \
		dropped_as policy-deny sql app2
	ok "app1 -> database:22 is dropped: policy-deny" \
		dropped_as policy-deny sql app1 22
	ok "app1 cannot ping the database: policy-deny" \
		dropped_as policy-deny pings app1 "${ip[database]}"
	ok "internet -> database is dropped: unpublished" \
		dropped_as unpublished sql inet
	ok "database -> internet is dropped: internal-network" \
		dropped_as internal-network get database "http://${url[inet]}/"
	ok "nor can it ping the internet: internal-network" \
		dropped_as internal-network pings database "$INET"
	ok "database -> app1 is dropped: policy-default" \
		dropped_as policy-default get database "http://${url[app1]}/"
	must bn -q policy del guard
	ok "without the guard the default still denies: policy-default" \
		dropped_as policy-default sql app2
	ok "app1 still works" says "^database ${ip[app1]} " sql app1
done
ok "'bpfnet stats drops' names the reasons" says unpublished bn stats drops

finish
