# Thin names over cargo and fedhost. `make help` lists them.

CARGO   ?= cargo
# Features only switch suites of tests on. Tests and lints have all of them, so that they share one build.
ALL     := --locked --workspace --all-features
RELEASE := target/release/fedhost
DEBUG   := target/debug/fedhost
# Most tests wait for a broker or a process; with one thread a processor the processors would be idle.
export RUST_TEST_THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
# Adds the duration of a command to the table that `.ci/run` prints.
PHASE   := scripts/phase
GUESTS  := guests/standard-scaler guests/baseline-deviation guests/logistic-regression
# All in Rust that come with the source.
CATALOGUE := $(GUESTS) $(addprefix guests/, robust-scaler window-features mlp-classifier autoencoder pca-t2q \
	half-space-trees isolation-forest robust-zscore ewma)
# In other languages; packing them takes Python and Node.js.
SCRIPTED := guests/python-zscore guests/javascript-ewma

.DEFAULT_GOAL := help
.PHONY: help setup demo quick test test-unit test-broker test-e2e test-chaos big-evaluation chaos fuzz lint format \
	clippy dependencies doc bench quality plugins scripted-plugins check-plugins test-plugins test-tools debug-build kafka-up \
	kafka-down clean

help:           ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 24

setup:          ## Check what the build needs, and fetch what can be fetched
	@scripts/setup

demo: setup     ## Two simulated machines learn together; ends with a report page
	$(CARGO) build --locked -p fedhost
	$(DEBUG) plugin build $(GUESTS) --out plugins
	rm -rf data/demo
	$(DEBUG) run config/demo.toml
	$(DEBUG) report data/demo/aggregation_log.jsonl --out data/demo/report.html

plugins: setup  ## Build the plug-ins that come with the source into plugins/
	$(CARGO) run --release --locked -p fedhost -- plugin build $(CATALOGUE) --out plugins

scripted-plugins: setup ## Pack the plug-ins in Python and JavaScript into plugins/; fetches the tools for it
	$(CARGO) run --release --locked -p fedhost -- plugin build $(SCRIPTED) --out plugins --install-tools

debug-build:
	@$(PHASE) 'build the program' $(CARGO) build $(ALL) --bin fedhost

check-plugins: setup debug-build ## Check every Rust plug-in of the source against the rules of its interface
	@$(PHASE) 'build the catalogue' $(DEBUG) plugin build $(CATALOGUE) --out target/catalogue
	@$(PHASE) 'plugin check' $(DEBUG) plugin check target/catalogue --quiet

test-plugins: setup debug-build
	@$(PHASE) 'build test plug-ins' $(DEBUG) plugin build $(GUESTS) guests/misbehaving guests/misbehaving-preprocessor --out target/test-plugins

test-tools: debug-build # Tools for plug-ins in Python and JavaScript, in target/tools, which tests of the tutorial use
	@$(PHASE) 'pack plug-ins' $(DEBUG) plugin build $(SCRIPTED) --out target/scripted --install-tools

quick:          ## After each edit: format, clippy, unit tests; no network, broker or plug-ins; under a minute when warm
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(ALL) --all-targets -- -D warnings
	$(CARGO) test --locked --workspace --lib --quiet

test: test-plugins check-plugins test-tools ## All tests, with an Apache Kafka of their own, or that at KAFKA_BOOTSTRAP_SERVERS
	@$(PHASE) 'fetch what tests need' scripts/setup test
	@$(PHASE) 'build tests' $(CARGO) test $(ALL) --no-run
	@$(PHASE) 'run tests' scripts/kafka with $(CARGO) test $(ALL)

test-unit:      ## All tests that need nothing but Rust
	$(CARGO) test --locked --workspace

test-broker:    ## Tests of the bus and of dead-letter records on Apache Kafka
	@scripts/setup broker
	scripts/kafka with $(CARGO) test $(ALL) --lib --test suite -- kafka conformance::chunks

test-e2e: test-plugins check-plugins test-tools ## Tests of the built program and of the plug-in runtime, with Kafka, Python and Node.js
	@scripts/setup test
	scripts/kafka with $(CARGO) test $(ALL) --test e2e --test plugins --test memory

test-chaos: test-plugins ## The short form of `make chaos`
	@scripts/setup broker
	@scripts/kafka fetch
	$(CARGO) test $(ALL) --test chaos

big-evaluation: test-plugins ## A file of 5 GiB is evaluated in 300 MiB of memory; takes half an hour and 12 GB in TMPDIR
	EVALUATE_MIB=5120 $(CARGO) test $(ALL) --test e2e -- evaluate::memory --nocapture

chaos: test-plugins ## Proof of delivery: every fault, three seeds; CHAOS="--list", CHAOS="--case NAME --seed N"
	@scripts/setup broker
	@scripts/kafka fetch
	$(CARGO) test $(ALL) --test chaos -- $(or $(CHAOS),--all --seeds 3)

fuzz: test-plugins ## Damaged components and values at the plug-in boundary, 16 times as many as in `make test`; CASES=N
	PROPTEST_CASES=$(or $(CASES),4096) $(CARGO) test $(ALL) --test plugins -- fuzz

lint: format clippy dependencies doc ## Formatting, clippy for host and guests, licences and dependencies, documentation

format:
	@$(PHASE) 'format' $(CARGO) fmt --all --check

clippy: setup
	@$(PHASE) 'clippy' $(CARGO) clippy $(ALL) --all-targets -- -D warnings
	@$(PHASE) 'clippy for WebAssembly' $(CARGO) clippy --locked --target wasm32-unknown-unknown -p fedhost-guest \
		$(foreach guest,$(notdir $(CATALOGUE)) misbehaving misbehaving-preprocessor,-p $(guest)) -- -D warnings

dependencies:
	@$(PHASE) 'dependencies' scripts/dependencies

doc: setup
	@RUSTDOCFLAGS="-D warnings" $(PHASE) 'documentation' $(CARGO) doc --locked --all-features --no-deps \
		$(foreach crate,-base -bus -dataset -domain -evaluate -manifest -plugin -guest,-p fedhost$(crate)) -p fedhost

quality: plugins ## Evaluate the catalogue on real data in DATA (skab/, adbench/, nab/); tables in target/quality
	$(CARGO) build --release --locked -p fedhost
	FEDHOST=$(RELEASE) scripts/quality $(or $(DATA),data) target/quality

bench: plugins  ## All figures, also in target/bench.json
	$(CARGO) bench --locked -p fedhost --bench figures

kafka-up:       ## Start a single-node Apache Kafka on 127.0.0.1:9092, or KAFKA_PORT
	@scripts/kafka up

kafka-down:     ## Stop it
	@scripts/kafka down

clean:          ## Remove what was built, and the demo's data
	$(CARGO) clean
	rm -rf data/demo plugins/*.wasm
