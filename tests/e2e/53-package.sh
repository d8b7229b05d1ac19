#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 53-package - the Debian package is installed, works, and is removed
#
#   inet --- up0 host, which has the package below a directory of its own
#
. "$(dirname "$0")/lib.sh"

remake() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$ROOT" "$@"
}

builds() {
	deb=$ROOT/$(remake deb | tail -n 1)
	echo "$deb"
	[ -f "$deb" ]
}

field() {
	dpkg-deb --field "$deb" "$1"
}

# The names in Depends, without their versions.
needed() {
	field Depends | tr ',' '\n' | sed 's/ *\([^ ]*\).*/\1/'
}

# Each library that the program is linked with comes with a package of Depends.
needs_its_libraries() {
	local library name

	for library in $(ldd "$BPFNET" | sed -n 's/.*=> \([^ ]*\).*/\1/p'); do
		name=$(dpkg-query -S "*/${library##*/}" | sed 's/[:,].*//;q')
		# libelf and zlib may come with libbpf.
		needed | grep -qx "$name" || echo "$name"
	done >"$TMP/unnamed"
	cat "$TMP/unnamed"
	! grep -vE '^(libelf1|zlib1g|libc6)' "$TMP/unnamed" | grep -q . &&
		needed | grep -qx libbpf1
}

# A system of its own, as far as dpkg is concerned: what is installed in it is
# what the package needs, as it is on this machine.
prepare() {
	local admin=$TMP/root/var/lib/dpkg name

	mkdir -p "$admin/updates" "$admin/info" "$admin/triggers" &&
		: >"$admin/available" || return
	for name in $(needed); do
		dpkg-query -s "$name" && echo || return
	done >"$admin/status"
	for name in $(needed); do
		dpkg-query -W -f '${binary:Package}\n' "$name" |
			while read -r name; do : >"$admin/info/$name.list"; done
	done
}

# The scripts run outside of it, and are told so; it has no shell.
dpkg_in() {
	dpkg --root="$TMP/root" --force-script-chrootless --log=/dev/null "$@"
}

# All but dpkg's own books.
files() {
	(cd "$TMP/root" && find . -path ./var/lib/dpkg -prune -o \
		-mindepth 1 -printf '%M %p\n' | sort)
}

# What is there is what the package says, and what it has to say.
has_all() {
	local file

	files | grep -v ' ./var' | sed 's/^[^ ]* //' >"$TMP/there"
	dpkg-deb -c "$deb" | awk '{ print $6 }' | sed 's|/$||; /^\.$/d' |
		sort >"$TMP/listed"
	sort "$TMP/there" | same - "$TMP/listed" || return
	for file in usr/sbin/bpfnet usr/share/man/man8/bpfnet.8.gz \
		lib/systemd/system/bpfnet.service \
		usr/share/doc/bpfnet/copyright usr/share/doc/bpfnet/changelog.gz; do
		grep -qx "./$file" "$TMP/listed" && continue
		echo "no $file"
		return 1
	done
}

status_of() {
	dpkg_in --status bpfnet | sed -n 's/^Status: //p'
}

nothing_left() {
	files >"$TMP/after"
	same "$TMP/before" "$TMP/after"
}

installed_bn() {
	before_first
	host "$TMP/root/usr/sbin/bpfnet" --instance "$P" --cgroup "$CG" "$@"
}

command -v dpkg-deb >/dev/null || skip "no dpkg-deb"
command -v dpkg-shlibdeps >/dev/null || skip "no dpkg-shlibdeps"
world
machine=$(dpkg-query -W)

deb=
ok "make deb builds it" builds
version=$("$BPFNET" -V)
ok "it has the program's version" [ "bpfnet $(field Version)" = "$version" ]
ok "it needs what the program is linked with" needs_its_libraries
must prepare
files >"$TMP/before"
ok "dpkg installs it" dpkg_in -i "$deb"
ok "and has it installed" says '^install ok installed$' status_of
ok "all files are there" has_all
ok "the program runs" says "^$version$" "$TMP/root/usr/sbin/bpfnet" -V
ok "and makes a network" installed_bn network add apps subnet 172.20.0.0/24
ok "man finds its page" man -M "$TMP/root/usr/share/man" -w 8 bpfnet
ok "the checksums are right" \
	env -C "$TMP/root" md5sum --quiet -c var/lib/dpkg/info/bpfnet.md5sums
ok "it is installed over itself" dpkg_in -i "$deb"
must mkdir -p "$TMP/root/etc/systemd/system/multi-user.target.wants"
must ln -s /lib/systemd/system/bpfnet.service \
	"$TMP/root/etc/systemd/system/multi-user.target.wants"
ok "dpkg removes it" dpkg_in -r bpfnet
ok "the network is still there" bn network show apps
ok "dpkg purges it" dpkg_in -P bpfnet
ok "the unit is not started any more" [ -z "$(find "$TMP/root" -type l)" ]
rmdir -p --ignore-fail-on-non-empty \
	"$TMP/root/etc/systemd/system/multi-user.target.wants"
ok "nothing is left" nothing_left
ok "the machine's own packages are as before" \
	[ "$(dpkg-query -W)" = "$machine" ]

finish
