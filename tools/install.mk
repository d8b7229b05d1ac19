# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Targets that put bpfnet where it is used: manual pages, files, the package.

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
DESTDIR    ?=
SBINDIR    := $(PREFIX)/sbin
MANDIR     := $(PREFIX)/share/man
DOCDIR     := $(PREFIX)/share/doc/bpfnet
BASHDIR    := $(PREFIX)/share/bash-completion/completions

MAN   := $(patsubst man/%.scd,build/man/%,$(wildcard man/*.scd))
UNITS := $(patsubst tools/systemd/%.in,%,$(wildcard tools/systemd/*.in))
EXAMPLES := $(wildcard examples/*.yaml)

# SECTION of a page: bpfnet.yaml.5 is in section 5.
section = $(patsubst .%,%,$(suffix $1))
installed_man = $(foreach page,$(MAN),\
	$(MANDIR)/man$(call section,$(page))/$(notdir $(page)).gz)

# All that is installed, and the directories that are nobody else's.
INSTALLED = $(SBINDIR)/bpfnet $(installed_man) $(BASHDIR)/bpfnet \
	$(addprefix $(UNITDIR)/,$(UNITS)) \
	$(addprefix $(DOCDIR)/,$(EXAMPLES))
OWN_DIRS  = $(DOCDIR)/examples $(DOCDIR) $(SYSCONFDIR)/bpfnet
INSTALLED_DIRS = $(sort $(patsubst %/,%,$(dir $(INSTALLED))) $(OWN_DIRS))

man: $(MAN) ## the manual pages, in build/man

# The date in a page is that of its last change.
build/man/%: man/%.scd
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)stamp=$$(git log -1 --format=%ct -- $< 2>/dev/null); \
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$${stamp:-$$(date +%s)}} \
		scdoc <$< >$@

build/completion.bash: build/bpfnet
	$(call say,TEXT,$@)
	$(Q)build/bpfnet completion bash >$@

installables: all man build/completion.bash

install: installables ## into DESTDIR, PREFIX, SYSCONFDIR
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)install -D -m 755 build/bpfnet $(DESTDIR)$(SBINDIR)/bpfnet
	$(Q)install -D -m 644 build/completion.bash $(DESTDIR)$(BASHDIR)/bpfnet
	$(Q)install -d $(addprefix $(DESTDIR),$(INSTALLED_DIRS))
	$(Q)install -m 644 $(EXAMPLES) $(DESTDIR)$(DOCDIR)/examples
	$(Q)for page in $(installed_man); do \
		gzip -9 -n -c build/man/$$(basename $$page .gz) \
			>$(DESTDIR)$$page && \
		chmod 644 $(DESTDIR)$$page || exit; \
	done
	$(Q)for unit in $(UNITS); do \
		sed 's|@SBINDIR@|$(SBINDIR)|; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' \
			tools/systemd/$$unit.in >$(DESTDIR)$(UNITDIR)/$$unit && \
		chmod 644 $(DESTDIR)$(UNITDIR)/$$unit || exit; \
	done

# Directories that are not empty stay. A DESTDIR is there for us alone, so in it
# those that a system has go as well.
uninstall: ## remove what install put there
	$(call say,REMOVE,$(DESTDIR)$(PREFIX))
	$(Q)rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	$(Q)cd $(or $(DESTDIR),/) && \
	for dir in $(patsubst /%,%,$(if $(DESTDIR),$(INSTALLED_DIRS),$(OWN_DIRS))); \
	do \
		[ ! -d $$dir ] || rmdir $(if $(DESTDIR),-p) \
			--ignore-fail-on-non-empty $$dir || exit; \
	done

# Debian's own directories, whatever the variables say.
deb: installables ## a Debian package, in build
	$(call say,DEB,build/bpfnet_$(VERSION)_*.deb)
	$(Q)rm -rf build/deb
	$(Q)$(MAKE) --no-print-directory install DESTDIR=$(CURDIR)/build/deb/root \
		PREFIX=/usr SYSCONFDIR=/etc UNITDIR=/lib/systemd/system >/dev/null
	$(Q)tools/package $(VERSION)

.PHONY: man installables install uninstall deb
