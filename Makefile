# Varve: `make run` starts it, `make test` proves it, `make help` lists the rest.
#
# Needed: Go (the version in go.mod). Everything else is installed from Debian's
# packages where it is missing, as root or through sudo; without either, the
# target says what to install.

.DEFAULT_GOAL := help
.PHONY: help run build test lint go-test race python-test e2e bench fuzz docs clean

DATA   ?= ./varve-data
LISTEN ?= 127.0.0.1:8484
ARGS   ?=

# Git refuses to speak of a clone that another user owns, and the go command then
# refuses to build it, unless told not to ask.
ifneq ($(shell git status >/dev/null 2>&1 && echo ok),ok)
export GOFLAGS := $(GOFLAGS) -buildvcs=false
endif

help: ## list the targets
	@echo "Varve, the data layer for AI applications."
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  DATA=$(DATA) LISTEN=$(LISTEN) ARGS='' change what \`make run\` serves."
	@echo "  FUZZTIME=10s bounds each target of \`make fuzz\`; ONLY=go,race chooses steps of \`make test\`."

run: build ## build Varve and serve the embedded default (Ctrl-C stops it)
	./bin/varve serve --data $(DATA) --listen $(LISTEN) $(ARGS)

build: ## build bin/varve; DuckDB is linked where there is a C compiler
	@scripts/need-go
	@scripts/need --if-possible cc
	scripts/cgo go build -o bin/ ./cmd/varve

test: ## install what the tests need, then run every one of them
	@scripts/test

lint: ## gofmt, go vet, staticcheck
	@scripts/need-go
	scripts/lint

go-test: ## the Go tests alone, at full size
	@ONLY=go scripts/test

race: ## the Go tests under the race detector, at reduced size
	@ONLY=race scripts/test

python-test: ## the Python packages' tests against the real server
	@ONLY=python scripts/test

e2e: ## a real Chainlit app, driven as people do
	@ONLY=e2e scripts/test

bench: ## the benchmarks, with peers and floors in the same run
	scripts/bench

fuzz: ## each fuzz target for FUZZTIME (10s)
	@scripts/need-go
	scripts/fuzz $(FUZZTIME)

docs: ## write the documentation that is made from the code
	@scripts/need-go
	@scripts/need postgresql mariadb && scripts/need-dynamodb
	go test ./internal/reference -count=1 -args -update

clean: ## remove what was built; data and caches of others stay
	rm -rf bin
