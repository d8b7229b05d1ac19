# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Targets that test and demonstrate. `make check` is what CI runs.

# On a fresh machine nothing that a rule needs is there before tools/setup has
# run, so check and demo build by a second make, started after it.
T ?=
BUDGET ?=

setup: ## install the packages that the build and the tests need
	@tools/setup

check: ## set-up, lint, build, all tests; the last line is the count
	@tools/setup
	@tools/check lint build unit verifier packet e2e

unit: ## tests of single functions, with ASan and UBSan (T=name: only these)
	@T='$T' tools/check unit

packet: ## whole frames through the real programs; root (T=name)
	@T='$T' tools/check packet

verifier: ## what the verifier processes, beside a budget; root (BUDGET=write)
	@T='$T' BUDGET='$(BUDGET)' tools/check verifier

e2e: installables other-builds ## the stories, with real traffic in namespaces; root (T=name)
	@T='$T' tests/run

lint: export LINT_CFLAGS = $(ALL_CFLAGS)
lint: export LINT_BPF_CFLAGS = $(BPF_CFLAGS)
lint: $(MADE) ## clang-format, clang-tidy, cppcheck, shellcheck, own gates (T=name)
	@T='$T' tools/lint

format: ## clang-format all C files in place
	@clang-format -i $$(git ls-files '*.[ch]')

demo: ## set-up, build, and the three tiers with real traffic; root
	@tools/setup
	@$(MAKE) --no-print-directory all build/bench/gen
	@tools/demo

# What tools/check builds before it runs the programs or the gates.
headers: $(MADE)
unit-programs: $(UNIT_BIN)
packet-programs: $(PACKET_BIN)
verifier-programs: $(MADE) $B/tests/verifier/measure

# Executables that differ from build/bpfnet as other releases would. other: its
# programs are others, its tables the same. layout: the tables are others, too.
OTHER_SKEL := $(SKEL:build/%=build/other/%)
LAYOUT_OBJ := $(patsubst %,build/layout/%.o,objects pin upgrade)

build/other/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -include tests/builds/other.h -MMD -MP \
		-MF $(@:.o=.d) -c $< -o $@

build/other/objects.o: user/datapath/objects.c | $(OTHER_SKEL)
	$(call say,CC,$@)
	$(Q)$(CC) -Ibuild/other $(ALL_CFLAGS) -MMD -MP -c $< -o $@

build/layout/%.o: user/datapath/%.c | $(OTHER_SKEL)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -Ibuild/other $(ALL_CFLAGS) -include tests/builds/layout.h \
		-MMD -MP -c $< -o $@

# The archive's own objects of these names are not asked for.
build/other/bpfnet: build/other/objects.o
build/layout/bpfnet: $(LAYOUT_OBJ)
build/other/bpfnet build/layout/bpfnet: $B/user/main.o $B/libbpfnet.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -o $@

other-builds: build/other/bpfnet build/layout/bpfnet

.PHONY: setup check unit packet verifier e2e lint format demo headers \
	unit-programs packet-programs verifier-programs other-builds
