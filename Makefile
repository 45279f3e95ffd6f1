# What this Makefile needs is Debian (or another Linux), Go, a C compiler, make,
# zbar-tools, whose zbarimg reads in the tests what the mocks draw, and Python
# and openssl, with which the example backend is written and makes certificates.

# Inputs for each target, not seconds: up to Go 1.26 a target that ends by the
# clock now and then fails with "context deadline exceeded" (go.dev/issue/75804).
FUZZTIME ?= 50000x
PKG      ?= ./...

# One set of build flags for every command here: with two, SQLite would be
# compiled twice. Neither machine paths nor the state of the checkout go into a
# binary, so that two builds of one commit are the same file.
export GOFLAGS := -trimpath -buildvcs=false $(GOFLAGS)
# SQLite is compiled by a C compiler, also where Go found none when it was installed.
export CGO_ENABLED := 1

.DEFAULT_GOAL := help
.PHONY: help tools build test vet race fuzz bench demo conform power-cut link-storm

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  FUZZTIME=50000x fuzz: how many inputs, per target"
	@echo "  ROUNDS=1000     power-cut: how often; SEED=N repeats an order of things"
	@echo "  ROUNDS=100      link-storm: how often; SEED=N repeats the plans"
	@echo "  FAULTS=all      power-cut: fail each write and sync in every way, not in turns"
	@echo "  ONCE=1          demo: end after the shift; the exit status says whether it came out right"
	@echo "  PKG=./...       test, race, vet: which packages"
	@echo "  TESTFLAGS=      test, race: more flags for go test, such as -v or -run NAME"

build: tools ## build every program into ./bin/
	go build -o bin/ ./cmd/...

test: vet race ## vet, then run all tests with the race detector

vet: tools ## go vet alone
	go vet $(PKG)

race: tools ## the tests alone, with the race detector
	go test -race -count=1 -timeout=25m $(TESTFLAGS) $(PKG)

# A package's targets are asked of the package itself; the search only spares
# building the tests of those that have none.
fuzz: tools ## run every fuzz target with FUZZTIME inputs
	go test -count=1 -run='^TestFuzzSeeds$$' .
	@set -e; \
	folders=$$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); \
	for folder in $$folders; do \
		targets=$$(go test -list='^Fuzz' $$folder | grep '^Fuzz'); \
		for target in $$targets; do \
			echo "fuzz: $$folder $$target with $(FUZZTIME)"; \
			go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) $$folder; \
		done; \
	done

bench: tools ## measure the promised figures beside what they are held against
	go run ./cmd/sekisho-bench

demo: build ## a till with its scanner, customers and backend; plays a shift
	./bin/sekisho-sim demo $(if $(ONCE),--once)

# The example's ports are below those that the kernel gives away by itself.
conform: build ## try the reference backend, the register and the example backend, rule by rule; then have those two sell
	./bin/sekisho-sim conform
	docs/examples/reference.sh bin
	./bin/sekisho-sim conform --register ./bin/sekishod
	python3 -B docs/examples/check.py
	docs/examples/conform.sh bin 18470
	docs/examples/conform.sh --insecure-dev bin 18473 --only hello
	docs/examples/till.py bin 18476

# The control, which must lose something, runs first: without it the rest says
# nothing.
power-cut: ROUNDS ?= 1000
power-cut: tools ## cut the power ROUNDS times, then fail every write and sync
	ROUNDS=$(ROUNDS) SEED=$(SEED) go test -count=1 -timeout=0 -run='^TestPowerCutIsSeen$$' -v ./offline
	ROUNDS=$(ROUNDS) SEED=$(SEED) go test -count=1 -timeout=0 -run='^TestI2PowerCut' -v ./offline
	FAULTS=$(FAULTS) go test -count=1 -timeout=30m -run='FaultAtEveryWriteAndSync$$' -v ./offline ./terminal/register

link-storm: ROUNDS ?= 100
link-storm: tools ## sell ROUNDS times through a bad line, both ends killed on the way
	ROUNDS=$(ROUNDS) SEED=$(SEED) go test -race -count=1 -timeout=0 -run='LinkStorm$$' -v ./firmware-mocks/scenario

# Puts in what is missing where it may (as root, with apt-get), and otherwise
# says what to install.
tools:
	@missing=; \
	command -v go >/dev/null || missing=golang-go; \
	echo '#include <stdlib.h>' | "$${CC:-cc}" -E - >/dev/null 2>&1 || missing="$$missing gcc libc6-dev"; \
	command -v zbarimg >/dev/null || missing="$$missing zbar-tools"; \
	command -v python3 >/dev/null || missing="$$missing python3"; \
	command -v openssl >/dev/null || missing="$$missing openssl"; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing:" $$missing; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	elif [ -n "$$missing" ]; then \
		echo "make: please install these Debian packages first:" $$missing >&2; exit 1; \
	fi
	@go list -m >/dev/null || { echo "make: $$(GOTOOLCHAIN=local go env GOVERSION) cannot build this; please install Go 1.26 or later (go.dev/dl)" >&2; exit 1; }
