# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Measurements; bench/README.md says what is measured and how to read it.

GEN_OBJ := build/bench/gen.o build/bench/traffic.o build/bench/cost.o

build/bench/gen.bpf.o: bench/gen.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

build/bench/gen.skel.h: build/bench/gen.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name gen_bpf > $@

# The skeleton casts const away, which a system header may; but as one it is not
# in the .d files, hence named here.
build/bench/%.o: bench/%.c build/bench/gen.skel.h
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -isystem build -MMD -MP -c $< -o $@

build/bench/gen: $(GEN_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ -lbpf -lelf -lz -o $@

# As the command has it: loaded, filled and searched by the same library.
build/bench/gc: bench/gc.c $B/libbpfnet.a
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< $B/libbpfnet.a $(LIBS) -o $@

# Nothing of the library but the headers.
build/bench/clock: bench/clock.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< -o $@

bench: build/bench/gen all ## forwarding rates beside iptables (BENCH='--quick')
	bench/forward.sh $(BENCH)

bench-gc: build/bench/gc ## a million idle flows, in the kernel and outside (BENCH=)
	build/bench/gc $(BENCH)

# By a second make, since there may be no compiler before tools/setup has run.
bench-control: ## time and memory of commands, beside CNI plugins (FULL=1 PROFILE=1)
	@tools/setup bench
	@$(MAKE) -s --no-print-directory all build/bench/clock build/bench/gen
	bench/control.sh $(if $(FULL),--full) $(if $(PROFILE),--profile) $(BENCH)

.PHONY: bench bench-gc bench-control
