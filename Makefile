# A thin front over CMake and the scripts in tools/ and spec/.
#
#     make deps      install the Debian packages that are missing
#     make           build the program (build/moongate)
#     make run       the demo: php-fpm and Galera nodes with Moongate before
#                    them, on this machine, until Ctrl-C
#     make test      every spec, plainly and under the sanitizers
#     make lint      compilers, linters, formats and manual pages
#     make install   PREFIX=/usr/local, DESTDIR=
#     make deb       Debian's package, build/deb/moongate_VERSION_ARCH.deb
#     make soak      what takes longer than a test should; each codec is fuzzed
#                    for FUZZ_SECONDS=3600, MySQL's harnesses together
#     make bench     side by side with nginx, HAProxy and the floor, for half
#                    an hour; BENCH="-n ROUNDS -t SECONDS SCENARIO..." for less
#     make scale     how costs grow with sizes; with BENCH="-n ROUNDS TABLE..."
#     make clean     remove what was built

PREFIX ?= /usr/local
DESTDIR ?=
DEPS ?= build demo test
FUZZ_SECONDS ?= 3600
BENCH ?=

# After `sudo make install` whoever the checkout belongs to has to be able to
# build again.
OWNER := $(shell stat -c %u .)
AS_OWNER := $(if $(filter-out 0,$(OWNER)),$(if $(filter 0,$(shell id -u)),\
    setpriv --reuid=$(OWNER) --regid=$(shell stat -c %g .) --clear-groups))

all:
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build --preset release

# Without what only specs load: linking over all files takes its time.
program:
	@$(AS_OWNER) cmake --preset release \
	    -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@$(AS_OWNER) cmake --build --preset release --target moongate

deps:
	@tools/deps $(DEPS)

run:
	@tools/deps build demo
	@$(MAKE) --no-print-directory program
	@tools/demo

test:
	@tools/deps build demo test
	@$(MAKE) --no-print-directory all
	@cmake --preset asan >/dev/null
	@cmake --build --preset asan
	@spec/run --asan

soak:
	@tools/deps build demo test soak
	@$(MAKE) --no-print-directory all
	@spec/run --soak
	@spec/fuzz/run -T $(FUZZ_SECONDS) 'mysql*'
	@spec/fuzz/run -t $(FUZZ_SECONDS) '[!m]*'

lint:
	@tools/deps build test
	@tools/lint

bench:
	@tools/deps build bench
	@$(MAKE) --no-print-directory all
	@cmake --build build --target bench
	@bench/run $(BENCH)

scale:
	@tools/deps build bench
	@$(MAKE) --no-print-directory all
	@cmake --build build --target bench
	@bench/scale $(BENCH)

deb:
	@tools/deps build deb
	@cmake --preset release -B build/deb -DCMAKE_INSTALL_PREFIX=/usr \
	    -DMOONGATE_PACKAGE=ON $(DEB) >/dev/null
	@cmake --build build/deb --target moongate
	@cd build/deb && cpack -G DEB >/dev/null && ls *.deb

install: program
	DESTDIR=$(DESTDIR) cmake --install build
	@rm -f build/install_manifest.txt

clean:
	rm -rf build run

.PHONY: all deb deps program run test soak lint bench scale install clean
