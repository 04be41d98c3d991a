# The commands of everyday work. CI runs the same ones: see .ci/run.

# Lists the recipes.
default:
    @just --list

# Lays out the code.
fmt:
    cargo fmt --all

# Looks for mistakes without running anything.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Checks licences, banned and duplicate dependencies.
deny:
    cargo deny check licenses bans sources

# Runs every test, the official clients included; installs what that needs.
test *arguments:
    scripts/test {{ arguments }}

# Fuzzes every parser for some seconds each.
fuzz seconds="60" name="":
    scripts/fuzz {{ seconds }} {{ name }}

# Measures the proxy beside nginx.
bench *arguments:
    scripts/bench {{ arguments }}

# Builds the documentation of the crates.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace

# Everything a change must pass.
ci:
    .ci/run
