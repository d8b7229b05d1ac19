#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 13-exec - a command inside, with its own names, files and terminal (S11)
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2             fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2    app1 172.20.0.11 fd00:20::11
#   :53 dnsmasq, :80 http                            dns: inet
#
. "$(dirname "$0")/lib.sh"

families dual

NAME=www.example.test		# only inet's dnsmasq knows it
NAME2=other.example.test	# only the second one's
TERMINAL=$ROOT/tests/e2e/terminal.py

run() {
	bn exec "$P-app1" "$@"
}

# In a root that has nothing but busybox.
run_root() {
	run --root "$TMP/root" -- /bin/busybox "$@"
}

# On a terminal: STEP... -- CMD...
on_terminal() {
	host python3 "$TERMINAL" "$@"
}

bpfnet_exec=("$BPFNET" --instance "$P" exec "$P-app1" --)

# start_dnsmasq NAME NAMESPACE ADDRESS...: a server on the addresses, which are
# also what the name stands for.
start_dnsmasq() {
	local known=$1 where=$2 args=() one
	shift 2

	for one in "$@"; do
		args+=("--listen-address=$one" "--address=/$known/$one")
	done
	start "$where" dnsmasq --keep-in-foreground --conf-file=/dev/null \
		--no-resolv --no-hosts --bind-interfaces --user=root \
		--pid-file="$TMP/dnsmasq-$known.pid" --log-facility=- "${args[@]}"
	must await listening "$where" 53 --udp
}

make_root() {
	mkdir -p "$TMP/root"/{bin,etc,proc,sys,tmp}
	cp "$(command -v busybox)" "$TMP/root/bin/busybox"
	echo inside >"$TMP/root/only-here"
}

devices_are() {
	[ "$("${@:2}" | sort | xargs)" = "$1" ]
}

of_proc() {
	"$@" cat /proc/net/dev | sed -n 's/^ *\([^ :]*\):.*/\1/p'
}

# Mounts of the machine that the story may have left. The world's own are not
# meant.
mounts() {
	grep -v " /run/netns" /proc/self/mounts
}

# What a process in the root can reach, for somebody who comes in from outside.
root_of_mounts() {
	(cd / && nsenter --target "$1" --mount /bin/busybox ls /)
}

# A command that tells what happens to it, when it can be typed at.
make_script() {
	cat >"$TMP/script" <<-'END'
		trap 'echo continued' CONT
		trap 'echo interrupted; exit 7' INT
		trap 'stty size; exit 8' WINCH
		echo ready
		while :; do
			read -rt 0.1 line && echo "got $line"
		done
	END
}

# The operator's own shell is the one that does the job control.
stopped_and_continued() {
	on_terminal 'see:$ ' "type:${bpfnet_exec[*]} bash $TMP/script\n" \
		see:ready 'type:\x1a' see:Stopped 'type:fg\n' see:continued \
		'type:a line\n' 'see:got a line' \
		'type:\x03' see:interrupted 'see:$ ' \
		'type:echo status $?\n' 'see:status 7' 'type:exit 3\n' \
		-- env PS1='$ ' bash --norc --noprofile -i
}

world
must ip netns add "$P-dns2"
cable up1 "198.51.100.2/24 2001:db8:2::2/64" \
	dns2 eth0 "198.51.100.1/24 2001:db8:2::1/64"
network apps 172.20.0.0/24 fd00:20::/64
must bn -q netns add "$P-app1" dns "$INET"
container app1 apps 172.20.0.11 fd00:20::11
start_dnsmasq "$NAME" inet "${ADDRESS[inet 4]}" "${ADDRESS[inet 6]}"
serve inet http 80
make_root
mounts >"$TMP/mounts.before"
cat /etc/resolv.conf >"$TMP/resolv.before"

for status in 0 1 42 255; do
	ok "exit status $status is handed on" \
		exits "$status" run -- sh -c "exit $status"
done
ok "of SIGTERM as well, as 128 + 15" exits 143 run -- sh -c 'kill -TERM $$'
ok "and of SIGKILL" exits 137 run -- sh -c 'kill -KILL $$'
ok "standard input and output are the command's" \
	eval 'echo through | run -- cat | grep -x through'
ok "options of the command are its own" \
	says '^-n,-h,$' run -- printf '%s,' -n -h
ok "a command that is not there is 'not found'" \
	exits 3 run -- /no/such/command
ok "so is a namespace" exits 3 bn exec "$P-nobody" -- true
ok "and a root" exits 3 run --root /no/such/root -- true
ok "no command is a usage error" exits 2 run --

ok "/proc shows the namespace's devices" \
	devices_are "eth0 lo" of_proc run --
ok "so does /sys" devices_are "eth0 lo" run -- ls /sys/class/net
ok "its resolv.conf is its own" \
	says "^nameserver $INET$" run -- cat /etc/resolv.conf
while next_version; do
	ok "names resolve through it" says "^$INET " \
		run -- getent "ahostsv$VERSION" "$NAME"
	ok "for a real client" says "^inet $HOST " \
		run -- curl "-sS$VERSION" -m 5 "http://$NAME/"
done
ok "the host does not know the name" \
	fails host getent ahosts "$NAME"

must bn -q uplink add up0
must bn -q uplink add up1
start_dnsmasq "$NAME2" dns2 198.51.100.1
ok "--dns: another server" says "^198.51.100.1 " \
	run --dns 198.51.100.1 -- getent ahostsv4 "$NAME2"
ok "it stays the namespace's" \
	says '^nameserver 198.51.100.1$' run -- cat /etc/resolv.conf
ok "and the first one is asked no more" fails run -- getent ahosts "$NAME"
must bn -q exec "$P-app1" --dns "$INET" -- true
ok "a namespace that is not bpfnet's keeps its files" \
	exits 3 bn exec "$P-inet" --dns "$INET" -- true

ok "--root: the shell sees nothing but the root's files" \
	devices_are "bin etc only-here proc sys tmp" run_root ls /
ok "not the host's directories" exits 1 run_root test -e "$TMP"
ok "nor those of the command line" says '^/$' run_root pwd
ok "and the network of the namespace, by /proc" \
	devices_are "eth0 lo" of_proc run_root
ok "by /sys" devices_are "eth0 lo" run_root ls /sys/class/net
ok "and by what it asks the kernel for" \
	eval 'run_root ip -o link | grep -c . | grep -x 2'
ok "names resolve there, too" eval '
	run_root nslookup "$NAME" | grep "^Address: *$INET$"'
ok "and its programs reach servers" \
	says "^inet $HOST " run_root wget -q -O - "http://$INET/"
ok "the root's own files stay as they are" \
	eval '[ -f "$TMP/root/etc/resolv.conf" ] &&
	[ ! -s "$TMP/root/etc/resolv.conf" ]'
mkfifo "$TMP/root/tmp/wait"
start host "$BPFNET" --instance "$P" exec "$P-app1" --root "$TMP/root" -- \
	/bin/busybox cat /tmp/wait
inside=${STARTED[-1]}
in_root() {
	[ -e "/proc/$inside/root/only-here" ]
}
must await in_root
ok "no way leads out of the root: its mounts begin there" \
	devices_are "bin etc only-here proc sys tmp" root_of_mounts "$inside"
ok "the command is the process that was started, and no child" \
	eval 'tr "\0" " " <"/proc/$inside/cmdline" | grep "^/bin/busybox cat"'
must end_process "$inside"

make_script
ok "on a terminal: Ctrl-C reaches the command" exits 7 on_terminal \
	see:ready 'type:\x03' see:interrupted \
	-- "${bpfnet_exec[@]}" bash "$TMP/script"
ok "one that does not care is ended by it" exits 130 on_terminal \
	see:ready 'type:\x03' -- "${bpfnet_exec[@]}" sh -c '
		echo ready; exec cat'
ok "Ctrl-\\ as well" exits 131 on_terminal \
	see:ready 'type:\x1c' -- "${bpfnet_exec[@]}" sh -c '
		ulimit -c 0; echo ready; exec cat'
ok "it is told of another window size" exits 8 on_terminal \
	see:ready size:33:77 'see:33 77' \
	-- "${bpfnet_exec[@]}" bash "$TMP/script"
ok "it is a terminal to it" exits 0 on_terminal \
	-- "${bpfnet_exec[@]}" sh -c 'test -t 0 && test -t 1 && test -t 2'
ok "an operator's shell stops it and lets it go on" \
	exits 3 stopped_and_continued
ok "a shell inside has job control" exits 5 on_terminal \
	'see:$ ' "type:bash $TMP/script\n" see:ready 'type:\x1a' see:Stopped \
	'type:fg\n' see:continued 'type:\x03' see:interrupted 'see:$ ' \
	'type:exit 5\n' \
	-- "${bpfnet_exec[@]}" env PS1='$ ' bash --norc --noprofile -i

mounts >"$TMP/mounts.after"
ok "nothing stays mounted" same "$TMP/mounts.before" "$TMP/mounts.after"
ok "the host's resolv.conf is as before" \
	same "$TMP/resolv.before" /etc/resolv.conf
ok "the namespace's goes with it" eval '
	bn purge && [ ! -e "/etc/netns/$P-app1" ]'

finish
