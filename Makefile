# `make` lists the targets. Each one provides what it needs (Scripts/bootstrap).

SWIFT ?= swift
# Options for every `swift build` and `swift test`, for example SWIFTFLAGS="--jobs 1".
SWIFTFLAGS ?=
# The main job, as a user types it: a network and a data set in, a smaller network and its report row out.
QUICKSTART_MODEL := .build/quickstart/lenet-300-100-digits.safetensors
QUICKSTART ?= prune --network lenet-300-100 --dataset digits --sparsity 0.9 --epochs 60 --learning-rate 0.002 --decay cosine --output $(QUICKSTART_MODEL)
# Options for Scripts/bench, for example BENCHFLAGS="--cases lenet-300-100 --repetitions 3".
BENCHFLAGS ?=
# Where `make install` puts the command, and a folder that stands for / while a system package is made.
PREFIX ?= ~/.local
DESTDIR ?=
PACKAGE = Scripts/package $(1) --binary "$$($(SWIFT) build $(SWIFTFLAGS) --configuration release --show-bin-path)/espalier"
PLACE = --prefix "$(PREFIX)" --destdir "$(DESTDIR)"

.DEFAULT_GOAL := help
.PHONY: help bootstrap quickstart build test install uninstall dist wheel embed bench format lint check docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## Provide libtorch and the system packages; done at once when nothing is missing
	@Scripts/bootstrap

quickstart: bootstrap ## Set up, build, train LeNet-300-100 on the digits and remove 90 % of its weights
	$(SWIFT) build $(SWIFTFLAGS) --configuration release --product espalier
	@mkdir -p $(dir $(QUICKSTART_MODEL))
	"$$($(SWIFT) build $(SWIFTFLAGS) --configuration release --show-bin-path)/espalier" $(QUICKSTART)

build: bootstrap ## Build the command and the library for release
	$(SWIFT) build $(SWIFTFLAGS) --configuration release --product espalier

test: bootstrap ## Set up, build and run the tests
	$(SWIFT) build $(SWIFTFLAGS) --build-tests
	$(SWIFT) test $(SWIFTFLAGS) --skip-build --disable-xctest

install: ## Install the command, its libraries, man pages and completions below PREFIX (~/.local)
	@Scripts/package install --check $(PLACE)
	@$(MAKE) --no-print-directory build
	@$(call PACKAGE,install) $(PLACE)

uninstall: ## Remove what `make install` put below PREFIX
	@Scripts/package uninstall $(PLACE)

dist: build ## The same as a tarball in .build/dist, which runs wherever it is unpacked
	@$(call PACKAGE,dist)

embed: ## A static library and a header for programs in C in .build/embed; needs no libtorch
	@SWIFT="$(SWIFT)" SWIFTFLAGS="$(SWIFTFLAGS)" Scripts/embed

wheel: build ## A wheel in .build/dist for people who live in pip; it needs torch 2.11.0
	@$(call PACKAGE,wheel)

bench: bootstrap ## Measure training steps per second against PyTorch and JAX on this machine
	$(SWIFT) build $(SWIFTFLAGS) --configuration release --product espalier-bench
	Scripts/bench $(BENCHFLAGS)

format: ## Rewrite the sources in the house style
	Scripts/format

lint: ## Say where the sources differ from the house style
	Scripts/format --lint

check: ## What continuous integration does: lint, builds without warnings, commands of the documentation, tests
	Scripts/check

docs: bootstrap ## Documentation of the modules as a web site in .build/docs
	Scripts/docs

clean: ## Remove what builds made; libtorch stays in its cache
	rm -rf .build .venv-bench .venv-bench-jax
