#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 06-published-ports - the host's ports lead into containers (S6)
#
#   inet                   host                     bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2              fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2        app1 172.20.0.11 :80
#        203.0.113.9           8080, 8081 -> app1:80     fd00:20::11
#        2001:db8:1::9         8082 -> app2:80      app2 ..12 :80
#        (another host)        3000 -> app3:3000    app3 ..13 :3000
#
. "$(dirname "$0")/lib.sh"

families 4 6 dual

hits() {
	bn -j port list | json "[p for p in d['ports']
		if p['port'] == $1][0]['packets'] > 0" | grep -x True
}

world
address elsewhere 198.51.100.0/24 2001:db8:51::/64
network apps 172.20.0.0/24 fd00:20::/64
for n in 1 2 3; do
	container "app$n" apps "172.20.0.1$n" "fd00:20::1$n"
done
serve app1 http 80
serve app2 http 80
serve app3 http 3000
serve app1 udp 5353
serve inet http 8080 other

ok "publish 8080 -> app1:80" bn port publish 8080 app1:80
while next_version; do
	ok "a client outside reaches app1, which sees its true address" \
		says "^app1 $INET " get inet "http://${url[host]}:8080/"
done
ok "publish 8081 -> app1:80 as well" bn port publish 8081 app1:80
ok "publish 8082 -> app2:80" bn port publish 8082 app2:80
ok "publish 3000 -> app3" bn port publish 3000 app3
ok "a UDP port is published" bn port publish 5353/udp app1

while next_version; do
	outside=http://${url[host]}
	inside=http://${url[loopback]}

	ok "8080 still leads to app1" \
		says "^app1 $INET " get inet "$outside:8080/"
	ok "8081 leads to app1" says "^app1 $INET " get inet "$outside:8081/"
	ok "8082 leads to app2" says "^app2 $INET " get inet "$outside:8082/"
	ok "3000 leads to app3" says "^app3 $INET " get inet "$outside:3000/"

	ok "the host reaches it at http://localhost:8080" \
		says "^app1 " host_get http://localhost:8080/
	ok "and 8082 at $inside" says "^app2 " host_get "$inside:8082/"
	ok "and at its own address" says "^app1 " host_get "$outside:8080/"
	ok "no socket of the host listens there" fails listening host 8080

	ok "app2 reaches host:8080 and is seen as itself" \
		says "^app1 ${ip[app2]} " get app2 "$outside:8080/"
	ok "also by the gateway's address" \
		says "^app1 ${ip[app2]} " get app2 "http://${url[apps]}:8080/"
	ok "app1 reaches itself through its published port" \
		says "^app1 " get app1 "$outside:8080/"

	ok "8080 of another host is not hijacked: from a container" \
		says "^other $HOST " get app2 "http://${url[other]}:8080/"
	ok "nor from the host" \
		says "^other $HOST " host_get "http://${url[other]}:8080/"
	ok "a port that nobody published is closed" \
		fails get inet "$outside:8099/"

	ok "UDP answers from the address that was asked" \
		says "^app1 $INET .* from $HOST:5353" ask inet udp "$HOST" 5353
	ok "also to the host's own clients" \
		says "from ${ip[loopback]}:5353" host_app python3 "$SERVE" \
		ask-udp "${ip[loopback]}" 5353

	ok "9090 of the loopback address is published for the host alone" \
		bn port publish "${url[loopback]}:9090" app2:80
	ok "the host reaches it" says "^app2 " host_get "$inside:9090/"
	ok "the internet does not" fails get inet "$outside:9090/"

	ok "8090 is published for ${ip[elsewhere]} alone" \
		bn port publish "${url[host]}:8090" app1:80 \
		from "${ip[elsewhere]}"
	ok "others are dropped, and the reason is counted" \
		dropped_as publish-from get inet "$outside:8090/"
done

ok "'bpfnet port list' counts what came" hits 8080
ok "a port that is taken names its owner" \
	says app1 exits 4 bn port publish 8080 app2:80
ok "unpublish 8080" bn port unpublish 8080
while next_version; do
	ok "it is closed at once" fails get inet "http://${url[host]}:8080/"
	ok "also for the host" \
		fails host_get "http://${url[loopback]}:8080/"
	ok "the others stay open" \
		says "^app1 $INET " get inet "http://${url[host]}:8081/"
done

finish
