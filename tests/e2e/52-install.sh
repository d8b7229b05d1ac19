#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 52-install - make install puts everything in place, make uninstall takes it away
#
#   inet --- up0 host, where the units' commands run as systemd would have them:
#                     bn-apps 172.20.0.1/24: app1, app2
#
. "$(dirname "$0")/lib.sh"

# A make of its own, not a part of the one that runs the stories.
remake() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$ROOT" "$@"
}

listing() {
	(cd "$1" && find . -mindepth 1 -printf '%M %p %l\n' | sort)
}

installs() {
	local file

	remake install DESTDIR="$TMP/staged" PREFIX=/usr || return
	for file in usr/sbin/bpfnet usr/lib/systemd/system/bpfnet.service \
		usr/lib/systemd/system/bpfnet-agent.service \
		usr/share/man/man8/bpfnet.8.gz \
		usr/share/man/man5/bpfnet.yaml.5.gz \
		usr/share/man/man7/bpfnet-datapath.7.gz \
		usr/share/bash-completion/completions/bpfnet \
		usr/share/doc/bpfnet/examples/three-tier.yaml; do
		[ -s "$TMP/staged/$file" ] && continue
		echo "no $file"
		return 1
	done
	listing "$TMP/staged"
	# Nobody but root may change them.
	! listing "$TMP/staged" | grep -E '^[^l]....w|^[^l].......w'
}

uninstalls() {
	remake uninstall DESTDIR="$TMP/staged" PREFIX=/usr || return
	listing "$TMP/staged"
	[ -z "$(listing "$TMP/staged")" ]
}

# Where there are files of others, and a configuration.
leaves_the_rest() {
	mkdir -p "$1/sbin" "$1/share/man/man8" "$1/share/doc/other" "$1/etc/bpfnet"
	echo other | tee "$1/sbin/other" "$1/share/doc/other/README" \
		"$1/etc/bpfnet/bpfnet.yaml" >/dev/null
	listing "$1" >"$TMP/before"
	remake install PREFIX="$1" SYSCONFDIR="$1/etc" || return
	[ -x "$1/sbin/bpfnet" ] || return
	remake uninstall PREFIX="$1" SYSCONFDIR="$1/etc" || return
	# Directories of a system stay.
	listing "$1" | grep -v '^d' >"$TMP/after"
	grep -v '^d' "$TMP/before" | same - "$TMP/after"
}

# The completion as bash-completion loads it.
completes() {
	bash -c 'complete() { echo "complete $*"; }
		source "$1" && _bpfnet_find "" network && echo "$command"' \
		bash "$TMP/staged/usr/share/bash-completion/completions/bpfnet"
}

page_is_there() {
	man -M "$TMP/staged/usr/share/man" -w "$1" "$2"
}

# unit NAME KEY: what the unit says.
unit() {
	sed -n "s/^$2=//p" "$TMP/prefix/lib/systemd/system/$1"
}

# systemd-analyze finds mistakes and succeeds all the same: it has to be silent.
verified() {
	local out

	out=$(MANPATH=$TMP/prefix/share/man systemd-analyze verify \
		"$TMP/prefix/lib/systemd/system/$1" 2>&1) || return
	echo "$out"
	[ -z "$out" ]
}

# as_unit NAME KEY [VARIABLE=VALUE]...: sets command to the unit's own, with the
# capabilities that it has.
as_unit() {
	local caps words

	caps=$(unit "$1" CapabilityBoundingSet | tr 'A-Z ' 'a-z,' |
		sed 's/cap_/+/g')
	read -r -a words < <(unit "$1" "$2")
	command=(env "BPFNET_INSTANCE=$P" "BPFNET_CGROUP=$CG" "${@:3}" setpriv
		--bounding-set "-all,$caps" --no-new-privs "${words[@]}")
}

heard() {
	grep -qx "$1" "$TMP/heard"
}

world

# Staged, as for a package
ok "everything is installed" installs
ok "the program runs" says '^bpfnet [0-9.]*$' "$TMP/staged/usr/sbin/bpfnet" -V
ok "the completion can be loaded" says '^network$' completes
ok "man finds bpfnet(8)" page_is_there 8 bpfnet
ok "and bpfnet.yaml(5)" page_is_there 5 bpfnet.yaml
ok "and bpfnet-datapath(7)" page_is_there 7 bpfnet-datapath
ok "nothing is left" uninstalls
ok "also the second time" uninstalls
ok "files of others, and the configuration, stay" leaves_the_rest "$TMP/other"

# In place, and used as by systemd
must remake install PREFIX="$TMP/prefix" SYSCONFDIR="$TMP/prefix/etc"
for service in bpfnet.service bpfnet-agent.service; do
	if command -v systemd-analyze >/dev/null; then
		ok "$service is correct" verified "$service"
	else
		skip_check "$service" "no systemd-analyze"
	fi
done
cat >"$TMP/prefix/etc/bpfnet/bpfnet.yaml" <<END
version: 1
networks: {apps: {subnets: [172.20.0.0/24]}}
endpoints:
  app1: {network: apps, netns: $P-app1, ip: 172.20.0.11}
  app2: {network: apps, netns: $P-app2, ip: 172.20.0.12}
publish: ["8080 -> app1:80"]
END
as_unit bpfnet.service ExecStart
before_first
ok "the file is applied at boot" host "${command[@]}"
serve app1 http 80
server=${STARTED[-1]}
ok "and works" says "^app1 $INET " get inet "http://$HOST:8080/"
ok "for processes of the host as well" \
	says "^app1 " host_get http://localhost:8080/
sed -i '/app2/d' "$TMP/prefix/etc/bpfnet/bpfnet.yaml"
as_unit bpfnet.service ExecReload
ok "a reload applies it again" host "${command[@]}"
ok "and removes what it does not name any more" fails bn endpoint show app2

start_to "$TMP/heard" host python3 "$ROOT/tests/e2e/hear.py" "$TMP/notify"
must await test -S "$TMP/notify"
as_unit bpfnet-agent.service ExecStart \
	"NOTIFY_SOCKET=$TMP/notify" WATCHDOG_USEC=30000000
start host "${command[@]}"
agent=${STARTED[-1]}
ok "the agent tells when it is ready" await heard READY=1
ok "and that it is alive" await heard WATCHDOG=1
ok "it runs" bn agent status
must end_process "$server"
must ip netns delete "$P-app1"
ok "it forgets a container that has ended" \
	await fails bn endpoint show app1
must end_process "$agent"
ok "it tells when it ends" await heard STOPPING=1

finish
