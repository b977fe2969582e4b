# Everything this project needs beyond Rust, a C compiler, make, Python and Node is installed under target/, pinned.
TOOLS := target/tools
SDKS := $(CURDIR)/target/sdks
# Nothing of Go's comes from the network or is kept outside the project.
GO := GOCACHE=$(CURDIR)/target/go-build GOPROXY=off GOTOOLCHAIN=local GOFLAGS=-mod=mod $(SDKS)/go/bin/go
export PATH := $(CURDIR)/$(TOOLS)/bin:$(PATH)

.PHONY: demo check test lint deny bench figures policy-costs fuzz soak sbom book toolchain peers sdks test-sdks dist dist-test image times author-times mistakes bench-peers curves eval benign train containers recipes dashboard catalogs console-test screenshots

# Real MCP calls through three sandboxed policies.
demo: toolchain
	@echo 'Building Sandgate: some minutes the first time, seconds afterwards.'
	cargo run --package sandgate --no-default-features --features demo -- demo

# Before each commit: format, lints, the unit tests of the packages that changed, and the pages of the crates. Always the
# whole workspace, since a part of it has other features and everything would be built once more.
check: toolchain $(TOOLS)/stamp
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings
	@filter=$$(tests/tools/changed) && if [ -z "$$filter" ]; then echo 'no package changed: no unit tests'; \
	else echo "unit tests: $$filter" && cargo nextest run --workspace --lib --no-tests pass --filterset "$$filter"; fi
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --quiet

# All tests: unit, property, zoo, and journeys with real MCP servers and clients.
test: toolchain $(TOOLS)/stamp peers sdks test-sdks
	cargo build --workspace --bins
	cargo nextest run --workspace --no-fail-fast
	cargo test --workspace --doc --quiet

lint: toolchain $(TOOLS)/stamp deny
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings

# The advisory database comes from the network; where it cannot be had, that is said and the rest is still checked.
deny: $(TOOLS)/stamp
	cargo deny --all-features check --hide-inclusion-graph bans licenses sources
	@if cargo deny fetch db >/dev/null 2>&1; then cargo deny check advisories; \
	else echo 'NOT CHECKED: advisories (the RustSec database cannot be reached from here)'; fi

# The model of the injection classifier, from CORPORA (a folder of corpora) and FILES (folders of ordinary files), and a table
# of how it holds on sources that it did not see. The same input gives the same model.
train: FILES = $(HOME)/.cargo/registry/src /usr/lib/python3.11 /usr/lib/node_modules
train: toolchain
	cargo run --release --manifest-path plugins/injection-classifier/train/Cargo.toml --target-dir target/train -- \
	  $(CORPORA) plugins/detect/src/injection/weights.bin $(FILES)

# Ratios within one run; microseconds beside them.
bench: toolchain
	cargo bench --workspace

# Beside other proxies: one server, one load, each with one processor. Writes into docs/performance.md.
bench-peers: toolchain
	tests/bench/install
	cargo build --profile shipped --package sandgate --bins
	python3 tests/bench/peers.py --write

# How the cost of a call grows with the reply, the policies, the tools, the sessions, the calls in flight. Writes into
# docs/performance.md.
curves: toolchain
	tests/bench/install
	cargo build --profile shipped --package sandgate --bins
	python3 tests/bench/curves.py --write

# What the policies find and flag wrongly in the corpora of a folder, beside other programs: make eval CORPORA=DIR. WRITE=--write
# puts the tables into plugins/README.md.
eval: toolchain
	@test -n "$(CORPORA)" || { echo 'name the folder: make eval CORPORA=DIR'; exit 2; }
	cargo build --release --package sandgate --bins
	tests/eval/run target/release/sandgate "$(CORPORA)" $(WRITE)

# Ordinary work of real servers with the nine policies and without any: what is changed or refused in 1,300 files of these
# folders and in 1,000 other replies.
benign: FILES = $(HOME)/.cargo/registry/src /usr/lib/python3.11 /usr/lib/node_modules
benign: toolchain peers
	cargo build --workspace --bins
	tests/eval/benign target/debug/sandgate $(FILES)

# The table of figures in docs/performance.md: one plugin in every language, with a release build.
figures: toolchain $(TOOLS)/stamp sdks
	cargo build --release --workspace --bins
	examples/mask-email/figures target/release/sandgate

# What each policy costs on documents of two sizes, with a release build: a table in docs/performance.md.
policy-costs: toolchain
	cargo build --release --package sandgate --bins
	python3 tests/bench/policies.py target/release/sandgate --write

# Every parser of the wire and the detectors of the policies, MINUTES each, then real clients' and servers' parsers beside ours for as long. FUZZ names some
# of them: make fuzz MINUTES=5 FUZZ="sse differential".
MINUTES ?= 1
fuzz: toolchain $(TOOLS)/stamp peers
	tests/fuzz/run $(MINUTES) $(FUZZ)

# A day in the life, MINUTES long: real servers and clients, and all that goes wrong in a day. Two minutes are in `test`.
soak: MINUTES = 30
soak: toolchain peers
	cargo build --workspace --bins
	SOAK_MINUTES=$(MINUTES) cargo test --workspace --test load_journeys soak:: -- --nocapture

# Bills of materials (CycloneDX, JSON) under target/sbom: of the program, and of the plugins that it brings, which are
# compiled into it as components. cargo-cyclonedx describes every package of the workspace, each beside its manifest.
sbom: toolchain $(TOOLS)/bin/cargo-cyclonedx
	cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --override-filename sbom
	mkdir -p target/sbom
	mv runtime/cli/sbom.json target/sbom/sandgate.cdx.json
	for plugin in plugins/*/plugin.toml; do dir=$$(dirname $$plugin); mv $$dir/sbom.json target/sbom/$$(basename $$dir).cdx.json; done
	find . -name sbom.json -not -path './target/*' -delete
	@ls target/sbom

# Each recipe of docs/recipes.md, with the packages from their registries.
recipes: toolchain
	cargo build --workspace --bins
	tests/recipes/run target/debug/sandgate

# The dashboard and the rules of docs/telemetry before a real Prometheus, which apt-get fetches into target/prometheus.
dashboard: toolchain
	cargo build --workspace --bins
	tests/prometheus/run target/debug/sandgate

# Whole catalogs, from a folder that holds them: how many of their entries can be added, how many cannot, and why.
catalogs: toolchain
	@test -n "$(CATALOGS)" || { echo 'name the folder: make catalogs CATALOGS=DIR'; exit 2; }
	cargo build --workspace --bins
	tests/catalogs/run target/debug/sandgate "$(CATALOGS)"

# The console in a browser: each page and each deed. As root on Debian it installs Chromium.
console-test: toolchain
	tests/console/install
	cargo build --workspace --bins
	node tests/console/journey.mjs

# The pictures of docs/console.md, after a minute and a half of traffic.
screenshots: toolchain
	tests/console/install
	cargo build --workspace --bins
	node tests/console/screenshots.mjs

# Servers in containers, by each engine that makes some here: what a hostile one attempts, and KILLS deaths of the gateway.
# As root on Debian it installs Podman.
KILLS ?= 10
containers: toolchain $(TOOLS)/stamp
	tests/peers/engines
	cargo build --workspace --bins
	KILLS=$(KILLS) cargo nextest run --workspace --run-ignored only --no-capture --test-threads 1 -E 'test(/containers/)'

# What people install without a compiler, to target/dist (see runtime/cli/packaging).
dist: toolchain $(TOOLS)/stamp
	runtime/cli/packaging/dist

image: toolchain $(TOOLS)/stamp
	runtime/cli/packaging/dist image

# Installs each of them, runs the demo with it, installs it over itself and removes it.
dist-test:
	runtime/cli/packaging/test

# What a build from nothing takes, in a folder of its own: wall and processor minutes of `make demo` and of a release.
times: toolchain
	tests/tools/times

# What an author waits for in each language: new, build, test, from a save to a live plugin. Writes into docs/plugins.md.
author-times: toolchain $(TOOLS)/stamp sdks
	sdk/js/make $(SDKS)/js
	cargo build --release --package sandgate --bins
	SANDGATE_BIN=target/release/sandgate tests/tools/author-times --write

# What each stage says of authors' mistakes, in each language: half an hour. Writes docs/mistakes.md; fails where an earlier
# stage lets pass what a gateway does not.
mistakes: toolchain $(TOOLS)/stamp sdks
	sdk/js/make $(SDKS)/js
	cargo build --workspace --bins
	tests/mistakes/run --write

# The book of docs/, to target/book.
book: $(TOOLS)/stamp
	mdbook build docs

toolchain:
	@if command -v rustup >/dev/null; then rustup target add wasm32-wasip2; fi

# The SDKs of other languages, natively; what becomes of their plugins in a gateway is a journey.
test-sdks: sdks
	cd sdk/python && PYTHONDONTWRITEBYTECODE=1 $(SDKS)/python/bin/python -m pytest -q -p no:cacheprovider
	cd sdk/python && $(SDKS)/python/bin/python -m mypy --cache-dir=/dev/null sandgate
	sdk/js/make $(SDKS)/js
	cd $(SDKS)/js && SANDGATE_REPOSITORY=$(CURDIR) node --test
	cd examples/mask-email/python && PYTHONDONTWRITEBYTECODE=1 $(SDKS)/python/bin/python -m pytest -q -p no:cacheprovider
	cd sdk/go && $(GO) vet ./... && GOOS=wasip1 GOARCH=wasm $(GO) vet ./... && $(GO) test ./...
	cd examples/mask-email/go && $(GO) vet . && $(GO) test .

# What the SDKs of other languages are built and tested with.
sdks:
	sh sdk/install

# MCP servers and clients from PyPI and npm.
peers:
	sh tests/peers/install

$(TOOLS)/bin/cargo-cyclonedx:
	cargo install --quiet --locked --version 0.5.9 --root $(TOOLS) cargo-cyclonedx

$(TOOLS)/stamp: tests/tools/requirements.txt
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@
