#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 08-guarded-database - one client, one port, and no way out (S8)
#
#   inet                 host
#   eth0 203.0.113.1 --- up0 203.0.113.2
#                        bn-apps   172.20.0.1/24   app1 172.20.0.11
#                                                  app2 172.20.0.12
#                        bn-secure 10.10.0.1/24    database 10.10.0.2
#                        (internal)                 :3306 :22
#
. "$(dirname "$0")/lib.sh"

world
must bn -q network add apps subnet 172.20.0.0/24
must bn -q network add secure subnet 10.10.0.0/24 internal
container app1 apps 172.20.0.11
container app2 apps 172.20.0.12
container database secure 10.10.0.2
serve database tcp 3306
serve database tcp 22
serve app1 http 80
serve inet http 80
# Someone on the internet who knows the way has to be stopped by us.
inet ip route add 10.10.0.0/24 via "$HOST"

must bn -q policy add name app1-sql from app1 to database proto tcp port 3306 \
	allow
must bn -q policy add name guard from net:apps to database deny

ok "app1 -> database:3306 works, and its replies come back" \
	says "^database 172.20.0.11 " ask app1 tcp 10.10.0.2 3306
ok "app2 -> database:3306 is dropped: policy-deny" \
	dropped_as policy-deny ask app2 tcp 10.10.0.2 3306
ok "app1 -> database:22 is dropped: policy-deny" \
	dropped_as policy-deny ask app1 tcp 10.10.0.2 22
ok "app1 cannot ping the database: policy-deny" \
	dropped_as policy-deny pings app1 10.10.0.2
ok "internet -> database is dropped: unpublished" \
	dropped_as unpublished ask inet tcp 10.10.0.2 3306
ok "database -> internet is dropped: internal-network" \
	dropped_as internal-network get database "http://$INET/"
ok "database -> app1 is dropped: policy-default" \
	dropped_as policy-default get database http://172.20.0.11/
ok "without the guard the default still denies: policy-default" \
	eval 'bn policy del guard &&
	dropped_as policy-default ask app2 tcp 10.10.0.2 3306'
ok "'bpfnet stats drops' names the reasons" says unpublished bn stats drops
ok "app1 still works" \
	says "^database 172.20.0.11 " ask app1 tcp 10.10.0.2 3306

finish
