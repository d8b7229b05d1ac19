# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# typed.sh - stories with the commands as an operator types them
#
# Sourced after lib.sh, it has the story run in a mount namespace of its own,
# where /etc, /run and /sys/fs/bpf are its own as well. So the names are those
# that one reads in the manual: namespaces are "host", "inet" and "app1", the
# instance is the default one, and the commands need no options. Whatever a
# command leaves behind in a file or a pin is found, as these directories are
# listed as a whole.
#
#   operator <<<'bpfnet network add apps'   a shell of the host reads the lines
#   tell NAME TEXT                          one story, by commands and by file

# TYPED is the name of a mark in each directory that is the story's own. It is
# only set behind the mounts, and without the marks nothing goes on.
is_private() {
	[ -n "${TYPED:-}" ] && [ -f "/etc/$TYPED" ] && [ -f "/run/$TYPED" ] &&
		[ -d "/sys/fs/bpf/$TYPED" ]
}

if [ "$(id -u)" = 0 ] && [ -z "${TYPED:-}" ]; then
	# shellcheck disable=SC2016 # the other shell expands it
	exec unshare --mount --propagation private sh -c '
		mount -t tmpfs tmpfs /run && mkdir /run/etc &&
		cp -a /etc/. /run/etc && rm -rf /run/etc/netns /run/etc/bpfnet &&
		mount -t tmpfs tmpfs /etc &&
		cp -a /run/etc/. /etc && rm -r /run/etc &&
		mount -t bpf bpf /sys/fs/bpf || exit 1
		TYPED=typed-$$
		: >"/etc/$TYPED" && : >"/run/$TYPED" &&
		mkdir "/sys/fs/bpf/$TYPED" && export TYPED && exec "$@"' sh "$0"
fi
[ "$(id -u)" = 0 ] || skip "needs root"
if ! is_private; then
	echo "these directories are not the story's own"
	exit 1
fi

# shellcheck disable=SC2034 # lib.sh uses them
{
	NS=
	INSTANCE=bpfnet
}

# All of it ends with the mount namespace: there is nothing to delete by name.
take_away() {
	:
}

# As lib.sh's, but all files.
list_all() {
	{
		host "$ROOT/tools/listing" namespace
		find /etc /run /sys/fs/bpf -type d -printf '%M %u %g %p\n' | sort
		find /etc /run /sys/fs/bpf ! -type d \
			-printf '%M %u %g %s %i %T@ %p %l\n' | sort -k 7
		"$BPFTOOL" cgroup show "$CG" 2>/dev/null
	} >"$1"
}

# As world of lib.sh. The shells of the operator find bpfnet where it should be.
typed_world() {
	world
	mkdir "$TMP/bin" "$TMP/work"
	ln -s "$BPFNET" "$TMP/bin/bpfnet"
	cd "$TMP/work" || exit 1
	# shellcheck disable=SC2031 # no subshell has changed it
	export PATH=$TMP/bin:$PATH BPFNET_CGROUP=$CG
}

# Each line of the standard input is typed into a shell of the host, and has to
# succeed.
operator() {
	local line

	while read -ru 3 line; do
		ok "# $line" host_app sh -c "$line"
	done 3<&0 </dev/null
}

# What somebody has typed in a shell of the host, as a check. types LINE
types() {
	host_app sh -c "$1"
}

# All that was started since there were so many processes. Those that have ended
# are no jobs any more, and their numbers may be others'. end_started COUNT
end_started() {
	local pid running

	running=$(jobs -pr)
	# shellcheck disable=SC2153 # of lib.sh
	for pid in "${STARTED[@]:$1}"; do
		! grep -qx "$pid" <<<"$running" || kill -9 "$pid"
		wait "$pid" 2>/dev/null
	done
	STARTED=("${STARTED[@]:0:$1}")
}

# tell NAME TEXT: a story, by NAME_commands and by NAME_file. NAME_holds is what
# is true at the end of each, NAME_purged, if there is one, what is after it; and
# both have made the same, of which nothing stays.
tell() {
	local way started=${#STARTED[@]}

	before_first
	for way in commands file; do
		echo "  $2, by $way"
		"$1_$way"
		# Each process has its own number.
		types 'bpfnet export' | sed 's/pid:[0-9]*/pid:N/' >"$TMP/$1.$way"
		"$1_holds"
		list_objects >"$TMP/listing.objects"
		operator <<<'bpfnet purge'
		list_all "$TMP/listing.last"
		ok "the host is as it was before" same "$TMP/listing.first" "$TMP/listing.last"
		ok "also programs, maps and links are gone" \
			await objects_gone "$TMP/listing.objects"
		! declare -F "$1_purged" >/dev/null || "$1_purged"
		end_started "$started"
	done
	ok "commands and file have made the same" \
		same "$TMP/$1.commands" "$TMP/$1.file"
}
