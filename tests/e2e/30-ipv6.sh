#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# ipv6 - masquerade, published ports and policy with both IP versions
#
#	internet 203.0.113.1 ------- host 203.0.113.2 --+-- app1 172.20.0.11
#	         2001:db8:1::1            2001:db8:1::2 |        fd00:20::11
#	         2001:db8:99::1 (lo)                    +-- app2 fd00:20::12
#	                                                +-- back fd00:30::11
. "$(dirname "$0")/lib.sh"

# Tells each client by which address it is seen.
serve6() { # NAMESPACE PORT
	start "$1" python3 -c "
import http.server, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(('$1 %s' % self.client_address[0]).encode())
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(('::', $2), Handler).serve_forever()"
	must await listening "$1" "$2"
}


app() { # NAMESPACE URL
	at "$1" curl -sS -m 3 "$2"
}

world
must inet ip addr add 2001:db8:1::1/64 dev eth0 nodad
must inet ip addr add 2001:db8:99::1/128 dev lo
must host ip addr add 2001:db8:1::2/64 dev up0 nodad
must host ip -6 route add default via 2001:db8:1::1
must bn -q network add apps subnet 172.20.0.0/24 subnet fd00:20::/64
must bn -q network add other subnet fd00:30::/64
container app1 apps 172.20.0.11 ip fd00:20::11
container app2 apps fd00:20::12
container back other fd00:30::11
serve6 app1 80
serve6 back 80
serve6 inet 80
must bn -q port publish 8080 app1:80
must bn -q port publish '[::1]:9090' app1:80
must bn -q port publish '[2001:db8:1::2]:7070' app1:80 from 2001:db8:1::/64

ok "app1 pings app2" at app1 ping -6 -c 1 -W 2 fd00:20::12
ok "and its gateway" at app1 ping -6 -c 1 -W 2 fd00:20::1
ok "and the internet" at app1 ping -6 -c 1 -W 2 2001:db8:99::1
ok "which sees the host's address" \
	says "^inet 2001:db8:1::2$" app app1 'http://[2001:db8:99::1]/'
ok "another network is out of reach" \
	dropped_as policy-default at app1 ping -6 -c 1 -W 1 fd00:30::11
must bn -q policy add from net:apps to net:other allow
ok "until a rule allows it" says "^back fd00:20::11$" \
	app app1 'http://[fd00:30::11]/'
ok "not in the other direction" \
	dropped_as policy-default at back ping -6 -c 1 -W 1 fd00:20::11
ok "the internet reaches the published port" says "^app1 2001:db8:1::1$" \
	app inet 'http://[2001:db8:1::2]:8080/'
ok "by IPv4 as well" says "^app1 ::ffff:$INET$" app inet "http://$HOST:8080/"
ok "app2 does, and is seen as itself" says "^app1 fd00:20::12$" \
	app app2 'http://[2001:db8:1::2]:8080/'
ok "app1 reaches itself" says "^app1 fd00:20::1$" \
	app app1 'http://[2001:db8:1::2]:8080/'
ok "the host by [::1]" says "^app1 fd00:20::1$" \
	host_app curl -sS -m 3 'http://[::1]:8080/'
ok "and by its own address" says "^app1 fd00:20::1$" \
	host_app curl -sS -m 3 'http://[2001:db8:1::2]:8080/'
ok "a port on [::1] is for the host" says "^app1" \
	host_app curl -sS -m 3 'http://[::1]:9090/'
ok "and for nobody else" fails app inet 'http://[2001:db8:1::2]:9090/'
ok "'from' admits the internet's network" says "^app1" \
	app inet 'http://[2001:db8:1::2]:7070/'
ok "and nobody else" dropped_as publish-from \
	inet curl -sS -m 1 --interface 2001:db8:99::1 'http://[2001:db8:1::2]:7070/'
must inet ip -6 route add fd00:20::/64 via 2001:db8:1::2
ok "a container's own address is not published" \
	dropped_as unpublished inet curl -sS -m 1 'http://[fd00:20::11]/'
ok "'export' is a file that 'apply' finds unchanged" eval '
	bn export >"$TMP/export" && bn diff -f "$TMP/export"'

finish
