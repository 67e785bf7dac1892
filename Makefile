# tidepost: one makefile, not recursive.
#
#	make            the programs, in build/
#	make demo       two nodes on loopback, mail both ways
#	make check      every test
#	make help       the other targets

BUILD	?= build
PREFIX	?= /usr/local
DESTDIR	?=
CC	?= cc
SAN	?=
VERSION	:= 0.1.0

WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	   -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
	   -Wformat=2 -Wundef -Wconversion
# gcc reckons that every bounded snprintf is a mistake; here cutting is meant.
WARN	+= $(if $(findstring clang,$(shell $(CC) --version 2>/dev/null)),,\
	   -Wno-format-truncation)
HARDEN	:= $(if $(SAN),,-D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	   -fstack-clash-protection -fPIE)
PKGS	:= libevent libevent_openssl libevent_pthreads sqlite3 openssl \
	   libgsasl libconfig ncursesw zlib libzstd
have_pkgs := $(shell pkg-config --exists $(PKGS) 2>/dev/null && echo yes)
# Delivery by MX; without it the rest works as ever. The headers tell: on Debian
# libunbound.pc asks for a nettle.pc that its package does not bring.
have_mx	:= $(shell printf '\043include <unbound.h>\n\043include <idn2.h>\n' | \
	   $(CC) -E - >/dev/null 2>&1 && echo yes)
PKG_CFLAGS := $(if $(have_mx),-DTIDEPOST_UNBOUND) $(if $(have_pkgs),$(shell pkg-config --cflags $(PKGS)))

override CPPFLAGS += -D_GNU_SOURCE -Isrc -I. -DTIDEPOST_VERSION='"$(VERSION)"'
CFLAGS	?= -O2 -g
ALL_CFLAGS := -std=c17 -pthread $(WARN) $(HARDEN) $(PKG_CFLAGS) $(CFLAGS) $(SAN)
ALL_LDFLAGS := -pthread $(if $(SAN),,-pie -Wl,-z,relro,-z,now) $(LDFLAGS) $(SAN)

# --- rooms: a static library each -----------------------------------------

ROOMS	:= base cert wire smtp mail net link sched outlook control faces handin
room_dir = $(if $(filter spool conf,$1),$1,src/$1)
room_src = $(filter-out %_test.c,$(wildcard $(call room_dir,$1)/*.c \
	   $(call room_dir,$1)/*/*.c))
room_lib = $(BUILD)/lib$1.a
obj	= $(patsubst %.c,$(BUILD)/%.o,$1)
libs	= $(foreach r,$1,$(call room_lib,$r))

# Order matters to the linker: who uses comes before who is used.
DAEMON_ROOMS := cert handin outlook sched link smtp mail net control conf spool wire base
FACE_ROOMS   := cert faces handin outlook sched link mail control conf spool wire base

L_spool	:= -lsqlite3
L_conf	:= -lconfig
L_wire	:= -lgsasl -lcrypto
L_mail	:= -lz -lzstd
L_net	:= -levent_openssl -levent_pthreads -levent_core -lssl -lcrypto \
	   $(if $(have_mx),-lunbound -lidn2)
L_tui	:= -lncursesw -ltinfo
FACE_LIBS   := $(L_mail) $(L_spool) $(L_conf) $(L_wire)
DAEMON_LIBS := $(FACE_LIBS) $(L_net)

DAEMON_SRC := $(filter-out %_test.c,$(wildcard src/daemon/*.c))
CLI_SRC	:= $(filter-out %_test.c,$(wildcard src/cli/*.c))
TUI_SRC	:= $(filter-out %_test.c,$(wildcard tui/*.c))
PROGRAMS := $(if $(DAEMON_SRC),$(BUILD)/tidepostd) \
	   $(if $(CLI_SRC),$(BUILD)/tidepost) \
	   $(if $(TUI_SRC),$(BUILD)/tidepost-console)

.PHONY: all
all: $(PROGRAMS)

$(BUILD)/tidepostd: $(call obj,$(DAEMON_SRC)) $(call libs,$(DAEMON_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS)
$(BUILD)/tidepost: $(call obj,$(CLI_SRC)) $(call libs,$(FACE_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(FACE_LIBS)
$(BUILD)/tidepost-console: $(call obj,$(TUI_SRC)) $(call libs,$(FACE_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(FACE_LIBS) $(L_tui)

define room_rule
$(call room_lib,$1): $(call obj,$(call room_src,$1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS) conf spool,$(eval $(call room_rule,$r)))

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The floor of the clock: when this source was last changed.
$(BUILD)/src/base/clock.o: override CPPFLAGS += \
	-DTIDEPOST_BUILD_S=$(shell git log -1 --format=%ct 2>/dev/null \
	|| echo 1767225600)

# Rebuilds everything when compiler or flags change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)' >$@
.PHONY: FORCE
FORCE:

# SQL becomes a C string; one file stays the truth.
$(BUILD)/spool/sqlite/%.sql.inc: spool/sqlite/%.sql
	@mkdir -p $(@D)
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $< >$@
override CPPFLAGS += -I$(BUILD)/spool/sqlite
SQL_INC	:= $(patsubst %.sql,$(BUILD)/%.sql.inc,$(wildcard spool/sqlite/*.sql))
$(call obj,$(wildcard spool/sqlite/*.c)): | $(SQL_INC)

# --- unit tests: one program per *_test.c, beside the file it tests -------

TEST_SRC := $(wildcard src/*/*_test.c spool/*_test.c spool/*/*_test.c \
	   conf/*_test.c tui/*_test.c tests/contract/*_test.c)
TEST_BIN := $(patsubst %.c,$(BUILD)/%,$(TEST_SRC))
$(BUILD)/%_test: $(BUILD)/%_test.o $(call libs,faces $(DAEMON_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(DAEMON_LIBS)
$(BUILD)/tui/%_test: $(BUILD)/tui/%_test.o $(call libs,$(FACE_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(FACE_LIBS) $(L_tui)
# No room holds the daemon: a test there is for one file that needs no other,
# or few.
$(BUILD)/src/daemon/helper_permit_test: $(BUILD)/src/daemon/hook_env.o
$(BUILD)/src/daemon/%_test: $(BUILD)/src/daemon/%_test.o \
		$(BUILD)/src/daemon/%.o $(call libs,$(DAEMON_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(DAEMON_LIBS)

.PHONY: tests
tests: $(TEST_BIN)

# --- fuzzing ---------------------------------------------------------------
# Each tests/fuzz/fuzz_NAME.c is a libFuzzer target; its corpus is
# tests/fuzz/corpus/NAME and is replayed, without the fuzzer, by make check.

FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
REPLAY_BIN := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/tests/fuzz/replay_%,\
	   $(FUZZ_SRC))
$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o \
		$(BUILD)/tests/fuzz/replay.o $(call libs,faces $(DAEMON_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs,conf wire base) $(DAEMON_LIBS)
# Files of the daemon, which is no library.
$(BUILD)/tests/fuzz/replay_helper $(BUILD)/fuzz_helper: $(addprefix \
	$(BUILD)/src/daemon/,helper_request.o helper_permit.o hook_env.o)

FUZZ_SECONDS ?= 60
FUZZ_SAN := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
.PHONY: fuzz
fuzz:
	$(MAKE) BUILD=build-fuzz CC=clang SAN='$(FUZZ_SAN)' fuzz-run
.PHONY: fuzz-run
fuzz-run: $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(FUZZ_SRC))
	for t in $^; do name=$${t##*/fuzz_}; mkdir -p $(BUILD)/corpus/$$name; \
		dict=tests/fuzz/$$name.dict; \
		$$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
		$$([ -f $$dict ] && echo -dict=$$dict) \
		$(BUILD)/corpus/$$name tests/fuzz/corpus/$$name || exit 1; done
$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o \
		$(call libs,faces $(DAEMON_ROOMS))
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ \
		$(call libs,conf wire base) $(DAEMON_LIBS)

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)

.PHONY: clean
clean:
	rm -rf build build-*

# --- what people call --------------------------------------------------------

.PHONY: help
help:
	@echo 'make             the programs, in $(BUILD)/'
	@echo 'make deps        install what building and testing need'
	@echo 'make demo        two nodes on loopback (DEMO_KEEP=1: leave them running)'
	@echo 'make check       every test; last line: N passed, N failed'
	@echo 'make check-asan  the same under ASan and UBSan'
	@echo 'make interop     beside other mail programs (make deps-interop installs them)'
	@echo 'make bench       figures beside Postfix'
	@echo 'make fuzz        FUZZ_SECONDS=60 a target'
	@echo 'make lint        both compilers, formatting, manual pages'
	@echo 'make format      clang-format over the tree'
	@echo 'make manual      keys of the configuration into their manual page'
	@echo 'make deb         Debian packages'
	@echo 'make install     DESTDIR and PREFIX are honoured'
	@echo 'make install-sendmail  the names sendmail, mailq, rmail, rsmtp'
	@echo 'make uninstall   takes away what install and install-sendmail put there'

.PHONY: deps
deps:
	@sh tests/deps

.PHONY: demo
demo:
	@sh tests/deps build demo
	@echo 'building ...'
	@$(MAKE) --no-print-directory -s -j2 all
	@PYTHONDONTWRITEBYTECODE=1 python3 tests/demo/demo.py $(BUILD)

# The tests' build: steps at which a test may kill the daemon are labelled.
.PHONY: check
check: deps
	@$(MAKE) --no-print-directory -s -j2 BUILD=build-check \
		CPPFLAGS=-DTIDEPOST_CRASH_POINTS check-build
	@python3 tests/run build-check

ASAN := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
.PHONY: check-asan
check-asan: deps
	@$(MAKE) --no-print-directory -s -j2 BUILD=build-asan SAN='$(ASAN)' \
		CPPFLAGS=-DTIDEPOST_CRASH_POINTS check-build
	@python3 tests/run build-asan

# Fills a spool for the console's tests.
$(BUILD)/tests/tui/fill: $(BUILD)/tests/tui/fill.o $(call libs,$(FACE_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(FACE_LIBS)

.PHONY: check-build
check-build: $(PROGRAMS) $(TEST_BIN) $(REPLAY_BIN) $(BUILD)/tests/tui/fill

# Real mail programs on loopback; those that are not there are skipped.
.PHONY: interop
interop:
	@$(MAKE) --no-print-directory all
	@python3 tests/interop/run.py $(BUILD)

.PHONY: deps-interop
deps-interop:
	@sh tests/deps interop

.PHONY: bench
bench:
	@sh tests/deps bench
	@$(MAKE) --no-print-directory all $(BUILD)/tests/bench/customers \
		$(BUILD)/tests/tui/fill
	@python3 tests/bench/bench.py $(BUILD)
$(BUILD)/tests/bench/customers: $(BUILD)/tests/bench/customers.o \
		$(call libs,$(DAEMON_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

ALL_C	:= $(wildcard src/*/*.c spool/*.c spool/*/*.c conf/*.c tui/*.c \
	   tests/*/*.c)
ALL_H	:= $(wildcard src/*/*.h spool/*.h spool/*/*.h conf/*.h tui/*.h \
	   tests/*/*.h)
.PHONY: format
format:
	clang-format -i $(ALL_C) $(ALL_H)

# What each key takes stands in tidepost.conf(5) as the program prints it, and
# keys that are new with what they mean; the rest of the page is written by hand.
MANUAL	:= docs/man/tidepost.conf.5
.PHONY: manual
manual: $(BUILD)/tidepost
	$(BUILD)/tidepost help --keys >$(BUILD)/keys
	awk 'NR == FNR { if (/^\.It Ic /) { key = $$3; getline facts[key]; \
			order[++n] = key } else text[key] = text[key] "\n" $$0; \
			next } \
		{ print } \
		/^\.It Ic / && $$3 in facts { key = $$3; print facts[key]; \
			getline; for (i = 1; order[i] != key; i++); \
			seen[i] = 1 } \
		END { for (i = 1; i <= n; i++) if (!seen[i]) { bad = 1; \
			print "put into $(MANUAL) behind " order[i - 1] ":" \
			"\n.It Ic " order[i] "\n" facts[order[i]] \
			text[order[i]] >"/dev/stderr" } exit bad }' \
		$(BUILD)/keys $(MANUAL) >$(BUILD)/manual
	cmp -s $(BUILD)/manual $(MANUAL) || cp $(BUILD)/manual $(MANUAL)

# What others run; OpenRC and procd read variables that nobody here uses.
SCRIPTS	:= $(wildcard conf/hooks/*/* conf/dist/openrc/* conf/dist/openwrt/* \
	   conf/dist/debian/tidepost.p*)
.PHONY: lint
lint:
	clang-format --dry-run -Werror $(ALL_C) $(ALL_H)
	! mandoc -T lint docs/man/*.[1-8] 2>&1 | \
		grep -v 'referenced manual not found\|outdated mandoc.db'
	for f in $(SCRIPTS); do sh -n $$f || exit 1; done
	if command -v shellcheck >/dev/null; then \
		shellcheck -s sh -S warning -e SC2034 $(SCRIPTS); fi
	$(MAKE) -s -j2 BUILD=build-lint CC=clang \
		CPPFLAGS=-DTIDEPOST_CRASH_POINTS check-build

BINDIR	:= $(PREFIX)/bin
SBINDIR	:= $(PREFIX)/sbin
MANDIR	:= $(PREFIX)/share/man
LIBDIR	:= $(PREFIX)/lib
UNITDIR	?= $(LIBDIR)/systemd/system
DOCDIR	:= $(PREFIX)/share/doc/tidepost
BASHDIR	:= $(PREFIX)/share/bash-completion/completions
ZSHDIR	:= $(PREFIX)/share/zsh/site-functions
.PHONY: install
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(DOCDIR)
	install -m 755 $(BUILD)/tidepostd $(DESTDIR)$(SBINDIR)/tidepostd
	install -m 755 $(BUILD)/tidepost $(DESTDIR)$(BINDIR)/tidepost
	install -m 755 $(BUILD)/tidepost-console \
		$(DESTDIR)$(BINDIR)/tidepost-console
	for f in docs/man/*.[1-8]; do s=$${f##*.}; \
		install -d $(DESTDIR)$(MANDIR)/man$$s; \
		install -m 644 $$f $(DESTDIR)$(MANDIR)/man$$s/; done
	install -m 644 conf/site.conf conf/provider.conf \
		conf/tidepost.conf.example docs/json.schema.json docs/shore.md \
		$(DESTDIR)$(DOCDIR)/
	install -d $(DESTDIR)$(DOCDIR)/postfix/rspamd
	install -m 644 conf/postfix/*.c* $(DESTDIR)$(DOCDIR)/postfix/
	install -m 644 conf/postfix/rspamd/*.conf \
		$(DESTDIR)$(DOCDIR)/postfix/rspamd/
	install -d $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR)
	$(BUILD)/tidepost help --completion bash >$(DESTDIR)$(BASHDIR)/tidepost
	$(BUILD)/tidepost help --completion zsh >$(DESTDIR)$(ZSHDIR)/_tidepost
	chmod 644 $(DESTDIR)$(BASHDIR)/tidepost $(DESTDIR)$(ZSHDIR)/_tidepost
	for f in conf/hooks/*/*; do \
		install -D -m 755 $$f $(DESTDIR)$(DOCDIR)/$${f#conf/}; done
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(LIBDIR)/sysusers.d \
		$(DESTDIR)$(LIBDIR)/tmpfiles.d $(DESTDIR)$(DOCDIR)/dist
	for f in conf/dist/systemd/tidepost*; do \
		sed -e 's,@BINDIR@,$(BINDIR),' -e 's,@SBINDIR@,$(SBINDIR),' \
			$$f >$(DESTDIR)$(UNITDIR)/$${f##*/}; \
		chmod 644 $(DESTDIR)$(UNITDIR)/$${f##*/}; done
	install -m 644 conf/dist/sysusers/tidepost.conf \
		$(DESTDIR)$(LIBDIR)/sysusers.d/tidepost.conf
	install -m 644 conf/dist/tmpfiles/tidepost.conf \
		$(DESTDIR)$(LIBDIR)/tmpfiles.d/tidepost.conf
	install -m 644 conf/dist/systemd/dial.conf \
		conf/dist/systemd/other-users.conf $(DESTDIR)$(DOCDIR)/dist/
	for s in openrc openwrt; do \
		sed -e 's,@BINDIR@,$(BINDIR),' -e 's,@SBINDIR@,$(SBINDIR),' \
			conf/dist/$$s/tidepost \
			>$(DESTDIR)$(DOCDIR)/dist/tidepost.$$s; \
		chmod 755 $(DESTDIR)$(DOCDIR)/dist/tidepost.$$s; done

# The names other programs call, in place of another mail server's; only on
# request. LIBDIR/sendmail is where some look for it.
.PHONY: install-sendmail
install-sendmail:
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBDIR)
	ln -sf $(BINDIR)/tidepost $(DESTDIR)$(SBINDIR)/sendmail
	ln -sf $(SBINDIR)/sendmail $(DESTDIR)$(LIBDIR)/sendmail
	for n in mailq rmail rsmtp; do \
		ln -sf tidepost $(DESTDIR)$(BINDIR)/$$n; done
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man8
	for n in mailq rmail rsmtp; do \
		echo .so man1/tidepost-sendmail.1 \
			>$(DESTDIR)$(MANDIR)/man1/$$n.1; done
	echo .so man1/tidepost-sendmail.1 >$(DESTDIR)$(MANDIR)/man8/sendmail.8

.PHONY: uninstall
uninstall:
	for f in $(SBINDIR)/sendmail $(LIBDIR)/sendmail $(BINDIR)/mailq \
		$(BINDIR)/rmail $(BINDIR)/rsmtp; do \
		case $$(readlink $(DESTDIR)$$f) in \
		tidepost | $(BINDIR)/tidepost | $(SBINDIR)/sendmail) \
			rm -f $(DESTDIR)$$f ;; esac; done
	for f in man1/mailq.1 man1/rmail.1 man1/rsmtp.1 man8/sendmail.8; do \
		grep -qs tidepost-sendmail $(DESTDIR)$(MANDIR)/$$f && \
			rm -f $(DESTDIR)$(MANDIR)/$$f || :; done
	rm -f $(DESTDIR)$(SBINDIR)/tidepostd $(DESTDIR)$(BINDIR)/tidepost \
		$(DESTDIR)$(BINDIR)/tidepost-console
	for f in docs/man/*.[1-8]; do \
		rm -f $(DESTDIR)$(MANDIR)/man$${f##*.}/$${f##*/}; done
	rm -f $(DESTDIR)$(BASHDIR)/tidepost $(DESTDIR)$(ZSHDIR)/_tidepost
	rm -f $(DESTDIR)$(UNITDIR)/tidepost.service \
		$(DESTDIR)$(UNITDIR)/tidepost-*.socket \
		$(DESTDIR)$(LIBDIR)/sysusers.d/tidepost.conf \
		$(DESTDIR)$(LIBDIR)/tmpfiles.d/tidepost.conf
	rm -rf $(DESTDIR)$(DOCDIR)

# Debian packages, in build-deb. The top level of this tree stays as it is.
DEB_TREE := build-deb/tidepost-$(VERSION)
.PHONY: deb
deb:
	@sh tests/deps build deb
	rm -rf build-deb
	mkdir -p $(DEB_TREE)
	cp -R Makefile src tui spool conf tests docs INSTALL README.md LICENSE \
		$(DEB_TREE)
	cp -R conf/dist/debian $(DEB_TREE)/debian
	cd $(DEB_TREE) && dpkg-buildpackage -us -uc -b
	if command -v lintian >/dev/null; then \
		lintian --fail-on error build-deb/*.changes; fi
	@ls build-deb/*.deb
