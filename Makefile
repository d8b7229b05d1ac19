# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bpfnet - `make help` lists the targets

.DELETE_ON_ERROR:
# Objects on the way to a skeleton stay, or every make would compile them again.
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
SAN     ?=
B       := build$(if $(SAN),/san)

VERSION := 0.1.0
WARN := -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wcast-qual -Wwrite-strings -Wpointer-arith
CFLAGS  ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARN) -Iinclude -Iuser -Ibuild \
	-DBPFNET_VERSION='"$(VERSION)"' $(CFLAGS) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
LIBS := -lbpf -lelf -lz -lmnl -ljansson -lyaml -lsmartcols
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Iinclude \
	-I/usr/include/$(shell uname -m)-linux-gnu

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2);)

BPF_SRC  := $(wildcard bpf/*.bpf.c)
SKEL     := $(BPF_SRC:bpf/%.bpf.c=build/%.skel.h)
# Headers that are made before anything is compiled.
MADE     := $(SKEL) build/completion.h
LIB_SRC  := $(filter-out user/main.c,$(wildcard user/*.c user/*/*.c))
LIB_OBJ  := $(LIB_SRC:user/%.c=$B/user/%.o)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
PACKET_SRC := $(wildcard tests/packet/test_*.c)
UNIT_BIN := $(UNIT_SRC:tests/%.c=$B/tests/%)
PACKET_BIN := $(PACKET_SRC:tests/%.c=$B/tests/%)

all: build/bpfnet ## the executable build/bpfnet (default)

include tools/tests.mk
include tools/install.mk
-include bench/bench.mk

# ------------------------------------------------------------------- build
build/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

# By which a build knows its own programs among those in the kernel.
digest = sha256sum $< | \
	sed 's/\(.\{12\}\).*/\#define $(*F)_bpf_DIGEST "\1"/'

build/%.skel.h: build/%.bpf.o
	$(call say,SKEL,$@)
	$(Q){ $(BPFTOOL) gen skeleton $< name $(*F)_bpf && $(digest); } > $@

build/completion.h: user/cli/completion.sh
	$(call say,TEXT,$@)
	@mkdir -p $(@D)
	$(Q)(echo 'static const char completion_script[] ='; \
		sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $<; echo ';') > $@

$B/user/%.o: user/%.c | $(MADE)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$B/libbpfnet.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$B/bpfnet: $B/user/main.o $B/libbpfnet.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(LIBS) -o $@

# What the packet tests share.
PACKET_HELPERS := $(patsubst tests/%.c,$B/tests/%.o,\
	$(filter-out $(PACKET_SRC),$(wildcard tests/packet/*.c)))

$B/tests/%.o: tests/%.c | $(MADE)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -MMD -MP -c $< -o $@

$(PACKET_BIN): $(PACKET_HELPERS)

$B/tests/%: tests/%.c $B/libbpfnet.a
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -MMD -MP $(filter %.c %.o,$^) $(filter %.a,$^) \
		-lcmocka $(LIBS) -o $@

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9_-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

.PHONY: all clean help
-include $(wildcard build/*.d build/*/*.d build/*/*/*.d build/*/*/*/*.d)
