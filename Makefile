# Thin names over cargo and fedhost. `make help` lists them.

CARGO   ?= cargo
# One build serves the demo and whoever uses the program; tests use cargo's own profile.
FEDHOST := target/release/fedhost
GUESTS  := guests/standard-scaler guests/baseline-deviation guests/logistic-regression
# All in Rust that come with the source.
CATALOGUE := $(GUESTS) $(addprefix guests/, robust-scaler window-features mlp-classifier autoencoder pca-t2q \
	half-space-trees isolation-forest robust-zscore ewma)
# In other languages; packing them takes Python and Node.js.
SCRIPTED := guests/python-zscore guests/javascript-ewma

.DEFAULT_GOAL := help
.PHONY: help setup demo test big-evaluation chaos fuzz lint bench quality plugins scripted-plugins check-plugins \
	test-plugins kafka-up kafka-down clean

help:           ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup:          ## Check what the build needs, and fetch what can be fetched
	@scripts/setup

demo: setup     ## Two simulated machines learn together; ends with a report page
	$(CARGO) build --release --locked -p fedhost
	$(FEDHOST) plugin build $(GUESTS) --out plugins
	rm -rf data/demo
	$(FEDHOST) run config/demo.toml
	$(FEDHOST) report data/demo/aggregation_log.jsonl --out data/demo/report.html

plugins: setup  ## Build the plug-ins that come with the source into plugins/
	$(CARGO) run --release --locked -p fedhost -- plugin build $(CATALOGUE) --out plugins

scripted-plugins: setup ## Pack the plug-ins in Python and JavaScript into plugins/; fetches the tools for it
	$(CARGO) run --release --locked -p fedhost -- plugin build $(SCRIPTED) --out plugins --install-tools

check-plugins: setup ## Hold every Rust plug-in of the source to the laws of its interface
	$(CARGO) run --locked -q -p fedhost -- plugin build $(CATALOGUE) --out target/catalogue
	$(CARGO) run --locked -q -p fedhost -- plugin check target/catalogue --quiet

test-plugins: setup
	$(CARGO) run --locked -q -p fedhost -- plugin build $(GUESTS) guests/misbehaving guests/misbehaving-preprocessor --out target/test-plugins

test: test-plugins check-plugins ## All tests, with an Apache Kafka of their own, or that at KAFKA_BOOTSTRAP_SERVERS
	@scripts/setup test
	scripts/kafka with $(CARGO) test --locked --workspace

big-evaluation: test-plugins ## A file of 5 GiB is judged in 300 MiB of memory; takes half an hour and 12 GB in TMPDIR
	$(CARGO) build --locked -p fedhost
	EVALUATE_MIB=5120 $(CARGO) test --locked -p fedhost-e2e --test e2e -- evaluate::memory --nocapture

chaos: test-plugins ## Proof of delivery: every fault, three seeds; CHAOS="--list", CHAOS="--case NAME --seed N"
	$(CARGO) build --locked -p fedhost
	@scripts/kafka fetch
	$(CARGO) test --locked -p fedhost-e2e --test chaos -- $(or $(CHAOS),--all --seeds 3)

lint: setup     ## Formatting, clippy for host and guests, documentation links
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --target wasm32-unknown-unknown -p fedhost-guest $(foreach guest,$(notdir $(CATALOGUE)) misbehaving misbehaving-preprocessor,-p $(guest)) -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps -p fedhost-base -p fedhost-bus -p fedhost-dataset -p fedhost-domain -p fedhost-evaluate \
		-p fedhost-manifest -p fedhost-plugin -p fedhost -p fedhost-guest

quality: plugins ## Judge the catalogue on real data in DATA (skab/, adbench/, nab/); tables in target/quality
	$(CARGO) build --release --locked -p fedhost
	FEDHOST=$(FEDHOST) scripts/quality $(or $(DATA),data) target/quality

bench: plugins  ## All figures, also in target/bench.json
	$(CARGO) bench --locked -p fedhost --bench figures

kafka-up:       ## Start a single-node Apache Kafka on 127.0.0.1:9092, or KAFKA_PORT
	@scripts/kafka up

kafka-down:     ## Stop it
	@scripts/kafka down

clean:          ## Remove what was built, and the demo's data
	$(CARGO) clean
	rm -rf data/demo plugins/*.wasm
