# The menu. `make` prints it; CI calls it and nothing else.
# `make run` and `make test` need Go and git only. The other targets build their pinned tools (local/tools) into bin/ the first time.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
ARGS ?=
FUZZTIME ?= 10s
BENCH ?= .
BENCHTIME ?= 1s

.PHONY: help
help: ## print this menu
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## start the emulator and every service on this machine (flags: ARGS="-data '' -grpc :0")
	go run ./local/run $(ARGS)

.PHONY: test
test: ## run every test (LONG=1: the long sizes too)
	go test ./...

.PHONY: race
race: ## run every test under the race detector (needs a C compiler)
	go test -race ./...

.PHONY: lint
lint: bin/buf bin/golangci-lint ## lint the Go code and the protos
	cd proto && ../bin/buf lint && ../bin/buf format --diff --exit-code
	bin/golangci-lint run ./...

.PHONY: generate
generate: bin/buf bin/protoc-gen-go bin/protoc-gen-go-grpc ## write proto/gen anew from the protos
	cd proto && PATH="$(CURDIR)/bin:$$PATH" ../bin/buf generate --clean

.PHONY: check
check: check-generate lint check-vet ## what must hold before a change lands, besides the tests

.PHONY: check-generate
check-generate: bin/buf bin/protoc-gen-go bin/protoc-gen-go-grpc ## fail when proto/gen is not what the protos generate
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	(cd proto && PATH="$(CURDIR)/bin:$$PATH" ../bin/buf generate --output "$$scratch"); \
	diff -r "$$scratch/gen" proto/gen || { echo "proto/gen is not what the protos generate: run make generate and commit"; exit 1; }

.PHONY: check-vet
check-vet: ## vet for linux, windows and macOS; go.mod tidy
	go vet ./...
	GOOS=windows go vet ./...
	GOOS=darwin go vet ./...
	go mod tidy -diff

.PHONY: fuzz
fuzz: ## fuzz every parser for FUZZTIME (10s) each
	@grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do \
	  grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go | awk '{print $$2}' | while read -r target; do \
	    echo "$$dir $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$dir"; \
	  done; \
	done

.PHONY: bench
bench: ## benchmarks of the platform and the services, ratios side by side
	go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem ./services/...

.PHONY: bench-emulator
bench-emulator: ## benchmarks of the emulator beside a no-op HTTP server (LONG=1: up to a million documents)
	go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -timeout 60m ./local/emulator/...

.PHONY: prices
prices: ## measure what each call costs and write it into services/README.md
	UPDATE=1 go test -count=1 -run Cost ./services/identity ./services/profile ./services/leaderboard
	UPDATE=1 go test -count=1 -run PriceTable ./services

.PHONY: conformance
conformance: ## run azcosmos's own emulator suite against our emulator
	go run ./local/emulator/conformance

bin/%: local/tools/%/go.mod local/tools/%/go.sum
	@echo "building $* (once)"
	@GOBIN="$(CURDIR)/bin" go -C local/tools/$* install tool
	@touch $@
