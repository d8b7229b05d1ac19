# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Targets that put bpfnet where it is used: manual pages, files, the package.

MAN := $(patsubst man/%.scd,build/man/%,$(wildcard man/*.scd))

man: $(MAN) ## the manual pages, in build/man

# The date in a page is that of its last change.
build/man/%: man/%.scd
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)stamp=$$(git log -1 --format=%ct -- $< 2>/dev/null); \
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$${stamp:-$$(date +%s)}} \
		scdoc <$< >$@

.PHONY: man
