# ztt: make bench builds and measures, make check builds and tests; README.md says more.
# One file, wildcards, no configure. V=1 shows the commands.

PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
CLANG ?= clang
VARIANT ?=
B := build$(if $(VARIANT),-$(VARIANT))
Q := $(if $(V),,@)

PACKAGES_BUILD := gcc make pkg-config libc6-dev libngtcp2-dev libngtcp2-crypto-gnutls-dev libgnutls28-dev libssl-dev libjansson-dev \
  libcurl4-openssl-dev libyaml-dev libzip-dev libmnl-dev \
  libpcap-dev zlib1g-dev libnghttp2-dev libseccomp-dev libcap-ng-dev
PACKAGES_CHECK := libcmocka-dev bats clang python3-jsonschema procps iproute2 curl man-db perl openssl nftables faketime
# Fastest AES-GCM on x86-64, where it is installed (no pkg-config file).
ifneq ($(wildcard /usr/include/intel-ipsec-mb.h),)
IPSEC_MB := -lIPSec_MB
endif
PACKAGES_amd64 := libipsec-mb-dev
PACKAGES_BUILD += $(PACKAGES_$(shell dpkg --print-architecture 2>/dev/null))
LIBS_PKG := libngtcp2 libngtcp2_crypto_gnutls gnutls libcrypto jansson
LIBS_ztt-doctor := libcurl yaml-0.1 libzip libmnl
LIBS_ztt-capture := libpcap zlib libnghttp2 libseccomp libcap-ng
LINK_ztt-doctor := -lresolv

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wmissing-prototypes -Wstrict-prototypes -Wvla -Werror
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
VARIANT_CFLAGS_ := -O2
VARIANT_CFLAGS_asan := -O1 $(SANITIZE)
VARIANT_CFLAGS_fuzz := -O1 $(SANITIZE) -fsanitize=fuzzer-no-link
CFLAGS ?= -g
ALL_CFLAGS = -std=gnu11 $(WARN) $(VARIANT_CFLAGS_$(VARIANT)) $(CFLAGS) -I. -Icommon $(shell pkg-config --cflags $(LIBS_PKG) $(LIBS_ztt-doctor) $(LIBS_ztt-capture) 2>/dev/null)
ALL_LIBS = $(shell pkg-config --libs $(LIBS_PKG) 2>/dev/null) $(IPSEC_MB) -lm -lpthread

NAMES := ztt-bench ztt-doctor ztt-capture
COMMON := $(sort $(wildcard common/*.c))
UNIT := $(sort $(wildcard tests/unit/test_*.c))
FUZZ := $(sort $(wildcard tests/fuzz/fuzz_*.c))
HEADERS := $(sort $(wildcard $(foreach f,common $(NAMES),$(f)/*.h $(f)/*/*.h $(f)/*/*/*.h)))
TOOLS := $(NAMES:%=$(B)/%)
UNIT_BIN := $(UNIT:tests/unit/%.c=$(B)/tests/%)

obj = $(1:%.c=$(B)/obj/%.o)

all: $(TOOLS)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<";)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libztt.a: $(call obj,$(COMMON))
	$(Q)rm -f $@ && ar rcs $@ $^

# A tool: its library, itself, and the unit tests and fuzz harnesses of it, whose names begin with $(2). Of two patterns the one
# with the shorter stem counts.
define TOOL
SOURCES_$(1) := $$(sort $$(wildcard $(1)/*.c $(1)/*/*.c $(1)/*/*/*.c))
ALL_LIBS_$(1) = $$(shell pkg-config --libs $$(LIBS_$(1)) 2>/dev/null) $$(LINK_$(1)) $$(ALL_LIBS)

$$(B)/lib$(1).a: $$(call obj,$$(filter-out $(1)/main.c,$$(SOURCES_$(1))))
	$$(Q)rm -f $$@ && ar rcs $$@ $$^

$$(B)/$(1): $$(call obj,$(1)/main.c) $$(B)/lib$(1).a $$(B)/libztt.a
	$$(if $$(V),,@echo "  LD    $$@";)$$(CC) $$(ALL_CFLAGS) -o $$@ $$^ $$(ALL_LIBS_$(1))

$$(B)/tests/test_$(2)%: $$(B)/obj/tests/unit/test_$(2)%.o $$(B)/lib$(1).a $$(B)/libztt.a
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  LD    $$@";)$$(CC) $$(ALL_CFLAGS) -o $$@ $$^ $$(ALL_LIBS_$(1)) -lcmocka

$$(B)/fuzz/fuzz_$(2)%: $$(B)/obj/tests/fuzz/fuzz_$(2)%.o $$(B)/lib$(1).a $$(B)/libztt.a
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  LD    $$@";)$$(CC) $$(ALL_CFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(ALL_LIBS_$(1))
endef

$(eval $(call TOOL,ztt-bench,))
$(eval $(call TOOL,ztt-doctor,doctor_))
$(eval $(call TOOL,ztt-capture,capture_))

# What is missing is installed where apt-get is; elsewhere one line says what to install.
deps:
	@tests/deps $(PACKAGES_BUILD)

deps-check: deps
	@tests/deps $(PACKAGES_CHECK)
	@tests/deps libclang-rt-$$($(CLANG) -dumpversion | cut -d. -f1)-dev

bench: deps
	@$(MAKE) -s --no-print-directory -j$$(nproc) all
	@$(B)/ztt-bench run $(BENCHFLAGS)

check: deps-check
	@$(MAKE) -s --no-print-directory -j$$(nproc) all unit-bins headers
	@$(MAKE) -s --no-print-directory -j$$(nproc) CC=$(CLANG) VARIANT=clang all
	@$(MAKE) -s --no-print-directory -j$$(nproc) VARIANT=asan all unit-bins
	@$(MAKE) -s --no-print-directory -j$$(nproc) CC=$(CLANG) VARIANT=fuzz fuzz-bins
	@tests/run

unit-bins: $(UNIT_BIN)

asan:
	@$(MAKE) -s --no-print-directory VARIANT=asan all unit-bins

fuzz-bins: $(FUZZ:tests/fuzz/%.c=$(B)/fuzz/%)

# FUZZ_S seconds each: a minute by hand, a moment within check.
FUZZ_S ?= 60
fuzz:
	@$(MAKE) -s --no-print-directory -j$$(nproc) CC=$(CLANG) VARIANT=fuzz fuzz-bins
	@tests/fuzz/run $(FUZZ_S)

perf: deps
	@$(MAKE) -s --no-print-directory -j$$(nproc) all
	@tests/perf $(PERFFLAGS)
	@tests/perf-doctor
	@tests/perf-capture

# Every header compiles alone.
headers: $(HEADERS:%=$(B)/headers/%.ok)

$(B)/headers/%.ok: %
	@mkdir -p $(@D)
	$(Q)printf '#include "%s"\ntypedef int not_empty;\n' $< | $(CC) $(ALL_CFLAGS) -fsyntax-only -x c - && touch $@

format:
	$(Q)clang-format -i $(COMMON) $(foreach t,$(NAMES),$(SOURCES_$(t))) $(HEADERS) $(UNIT) $(FUZZ)

completions: all
	$(Q)for t in $(NAMES); do for s in bash zsh fish; do $(B)/$$t --completion $$s > completions/$$t.$$s || exit 1; done; done

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/ztt/schema \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 755 $(TOOLS) $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(NAMES:%=man/%.1) $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 common/schema/*.json $(DESTDIR)$(PREFIX)/share/ztt/schema/
	for t in $(NAMES); do \
	  install -m 644 completions/$$t.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$t && \
	  install -m 644 completions/$$t.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$$t && \
	  install -m 644 completions/$$t.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$t.fish || exit 1; \
	done

uninstall:
	for t in $(NAMES); do \
	  rm -f $(DESTDIR)$(PREFIX)/bin/$$t $(DESTDIR)$(PREFIX)/share/man/man1/$$t.1 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$t \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$$t \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$t.fish; \
	done
	rm -rf $(DESTDIR)$(PREFIX)/share/ztt

clean:
	rm -rf build build-clang build-asan build-fuzz

-include $(wildcard $(B)/obj/*/*.d $(B)/obj/*/*/*.d $(B)/obj/*/*/*/*.d)

.PHONY: all deps deps-check bench check unit-bins asan fuzz fuzz-bins perf headers format completions install uninstall clean
.PRECIOUS: $(B)/obj/%.o
