#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 20-bad-input - a clear line, the right exit status, and nothing changed
#
#   inet --- up0 host --- bn-apps 172.20.0.1/24: web 172.20.0.10
#                         8080/tcp -> web:80
#
. "$(dirname "$0")/lib.sh"

# What exists, in bpfnet's eyes and in the kernel's.
state() {
	bn export
	host "$ROOT/tools/listing" namespace
	find "/run/$P" "/sys/fs/bpf/$P" | sort
	ip netns list | grep "^$P-" | sort
}

# refused STATUS PATTERN CMD...: CMD exits with STATUS, says so in one line that
# matches the extended regexp PATTERN, and leaves everything as it was.
refused() {
	local status err=$TMP/refused.err

	state >"$TMP/state.before"
	"${@:3}" >/dev/null 2>"$err"
	status=$?
	cat "$err"
	[ "$status" = "$1" ] || {
		echo "exit status $status instead of $1"
		return 1
	}
	[ "$(grep -c . "$err")" = 1 ] || {
		echo "not one line"
		return 1
	}
	grep -qE "^bpfnet: .*($2)" "$err" || {
		echo "does not say: $2"
		return 1
	}
	state >"$TMP/state.after"
	same "$TMP/state.before" "$TMP/state.after"
}

# The same for the file on standard input; every line names file and place.
file_refused() {
	local status pattern err=$TMP/refused.err

	cat >"$TMP/bad.yaml"
	state >"$TMP/state.before"
	bn apply -f "$TMP/bad.yaml" >/dev/null 2>"$err"
	status=$?
	cat "$err"
	[ "$status" = "$1" ] || {
		echo "exit status $status instead of $1"
		return 1
	}
	for pattern in "${@:2}"; do
		grep -qE "bad.yaml:[0-9]+:[0-9]+: .*($pattern)" "$err" || {
			echo "no place, or does not say: $pattern"
			return 1
		}
	done
	state >"$TMP/state.after"
	same "$TMP/state.before" "$TMP/state.after"
}

as_nobody() {
	host setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$TMP/bpfnet" --instance "$P" --cgroup "$CG" "$@"
}

# A mount namespace of its own, where nothing is mounted at /sys/fs/bpf.
without_bpffs() {
	host unshare --mount sh -c '
		mount -t tmpfs tmpfs /sys/fs/bpf && exec "$@"' sh \
		"$BPFNET" --instance "$P-other" --cgroup "$CG" "$@"
}

without_bpf() {
	host python3 "$ROOT/tests/e2e/without_bpf.py" \
		"$BPFNET" --instance "$P-other" --cgroup "$CG" "$@"
}

json_error() {
	bn -j port publish 8080 web:81 2>&1 >/dev/null | tail -n 1 |
		json "[d['error']['code'], d['error']['kind'],
		bool(d['error']['message'])]"
}

world
must bn -q network add apps subnet 172.20.0.0/24
container web apps 172.20.0.10
must bn -q port publish 8080 web:80

# Commands
ok "an unknown command" refused 2 'frobnicate' bn frobnicate
ok "an unknown keyword" refused 2 'colour' bn network add x colour red
ok "a missing argument" refused 2 '' bn network add
ok "a name with a slash" refused 2 'a/b' bn netns add a/b
ok "an address that is none" \
	refused 2 '172.20.0.999' bn endpoint attach "$P-x" apps ip 172.20.0.999
ok "a device name of which the kernel would make another one" \
	refused 2 "'eth%d'" bn endpoint attach "$P-x" apps ifname eth%d
ok "a subnet with host bits" \
	refused 2 '10.1.2.3/24' bn network add x subnet 10.1.2.3/24
ok "subnets that overlap name the other network" \
	refused 4 'apps' bn network add x subnet 172.20.0.128/25
ok "an address outside its subnet" \
	refused 4 '172.21.0.5' bn endpoint attach "$P-x" apps ip 172.21.0.5
ok "an address that is taken names the owner" \
	refused 4 'web' bn endpoint attach "$P-x" apps ip 172.20.0.10
ok "the gateway's address" \
	refused 4 'gateway' bn endpoint attach "$P-x" apps ip 172.20.0.1
ok "a network that does not exist" \
	refused 3 'nowhere' bn endpoint attach "$P-x" nowhere
ok "an endpoint that does not exist" \
	refused 3 'ghost' bn port publish 9000 ghost:80
ok "detaching what is not there" refused 3 'ghost' bn endpoint detach ghost
ok "a port that is out of range" \
	refused 2 '70000' bn port publish 70000 web:80
ok "a port published twice names the owner" \
	refused 4 'web' bn port publish 8080 web:81
ok "a range that meets a published port" \
	refused 4 'web' bn port publish 8000-8100 web:8000
ok "an uplink that does not exist" refused 3 'eth77' bn uplink add eth77
ok "a namespace that does not exist" \
	refused 3 'nonesuch' bn exec "$P-nonesuch" -- true
ok "a path that is no namespace" \
	refused 2 '/etc/passwd' bn endpoint attach /etc/passwd apps name x
ok "a process that does not exist" \
	refused 3 '999999999' bn endpoint attach pid:999999999 apps name x
ok "a network in use is not deleted" \
	refused 4 'web' bn network del apps
ok "errors are JSON with -j" says "\[4, 'port-in-use', True\]" json_error

# Files
ok "a file that does not exist" \
	refused 3 'absent.yaml' bn apply -f "$TMP/absent.yaml"
ok "an unknown key, with a suggestion" \
	file_refused 2 "networks" <<'END'
version: 1
netwroks: {apps: {subnets: [172.20.0.0/24]}}
END
ok "a wrong type" file_refused 2 'endpoints|list|map' <<'END'
version: 1
endpoints: 17
END
ok "all errors are reported, not just the first" \
	file_refused 2 'subnets|10.0.0.0/99' 'color' <<'END'
version: 1
networks:
  one: {subnets: [10.0.0.0/99]}
  two: {subnets: [10.1.0.0/24], color: red}
END
ok "overlapping subnets" file_refused 4 'overlap' <<'END'
version: 1
networks:
  one: {subnets: [10.0.0.0/16]}
  two: {subnets: [10.0.5.0/24]}
END
ok "an address outside its subnet" file_refused 4 '10.9.9.9' <<'END'
version: 1
networks: {one: {subnets: [10.0.0.0/24]}}
endpoints: {a: {network: one, ip: [10.9.9.9]}}
END
ok "a port published twice names the owner" file_refused 4 'first' <<'END'
version: 1
networks: {one: {subnets: [10.0.0.0/24]}}
endpoints:
  first: {network: one}
  second: {network: one}
publish:
  - "80 -> first:80"
  - "80 -> second:80"
END
ok "a truncated file" file_refused 2 '' <<'END'
version: 1
networks: {one: {subnets: [10.0.0
END
# What only the host can tell
ok "an uplink that is not there" file_refused 3 "'up9' does not exist" <<'END'
version: 1
defaults: {uplink: [up0, up9]}
END
ok "a subnet of the host's" file_refused 4 'overlaps 203.0.113.2/24' <<'END'
version: 1
networks:
  one: {subnets: [10.0.0.0/24]}
  two: {subnets: [203.0.113.0/25]}
END
ok "a port that a command has published" \
	file_refused 4 "8080/tcp is already published to 'web'" <<END
version: 1
networks: {one: {subnets: [10.0.0.0/24]}}
endpoints: {a: {network: one}}
publish:
  - "8080 -> a:80"
END
ok "flows.max while the datapath is loaded" \
	file_refused 4 'flows.max cannot change' <<'END'
version: 1
flows: {max: 9000}
END
ok "a namespace that is not there" \
	file_refused 3 "'/nonexistent' does not exist" <<'END'
version: 1
networks: {one: {subnets: [10.0.0.0/24]}}
endpoints: {a: {network: one, netns: /nonexistent}}
END
ok "a second default route of a namespace" \
	file_refused 4 "has its default route by network 'apps' already" <<END
version: 1
networks: {one: {subnets: [10.0.0.0/24]}}
endpoints: {a: {network: one, netns: $P-web}}
END
ok "... which the plan tells, too" \
	says "'default-route off'" exits 4 bn -n apply -f "$TMP/bad.yaml"
ok "each at its own place" eval '
	printf "version: 1\nflows:\n  udp: 20s\n  max: 9000\n" >"$TMP/place.yaml"
	says "apply: $TMP/place.yaml:4:8: " exits 4 bn apply -f "$TMP/place.yaml"'
ok "JSON that is cut off" file_refused 2 '' <<'END'
{"version": 1, "networks": {"one":
END
ok "a version of the future" file_refused 2 'version' <<'END'
version: 99
END

# The machine
cp "$BPFNET" "$TMP/bpfnet"
chmod 755 "$TMP" "$TMP/bpfnet"
ok "no root" refused 7 'root' as_nobody network add x
ok "no bpffs: the message tells the mount command" \
	refused 8 'mount -t bpf' without_bpffs network add x
ok "a kernel without bpf()" refused 8 '' without_bpf network add x
ok "neither left anything" \
	fails ls "/run/$P-other" "/sys/fs/bpf/$P-other"

finish
