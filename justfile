# The doors of this repository. `just` lists them; none does more than it says here.

_doors:
    @just --list --unsorted

# Start the server on a SQLite file in this folder
run *arguments:
    cargo run --release -- {{arguments}}

# Everything, as it runs on every push; or only some steps: just test clippy story
test *steps:
    tests/run {{steps}}

# Format, clippy, the import rules
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo test --test architecture

# What may come into the program from outside (deny.toml)
deny:
    PATH="$PATH:$(conformance/prepare)" cargo deny check bans licenses sources

# Every suite there is against a Rollcall, in one table; or another server: just conformance URL TOKEN
conformance *arguments:
    conformance/run {{arguments}}

# What identity providers send, replayed: just replay conformance/dialogues/okta
replay *arguments:
    conformance/replay {{arguments}}

# A fuzzer against the description of the admin API; longer: just admin-api --examples 500
admin-api *arguments:
    conformance/admin-api {{arguments}}

# The main job told with real programs
story:
    conformance/story

# Micro-benchmarks
bench:
    cargo bench

# Feed the parsers nonsense for a while (fuzz/README.md): just fuzz 600 filter path
fuzz seconds="20" *targets:
    FUZZ_SECONDS={{seconds}} fuzz/run {{targets}}
