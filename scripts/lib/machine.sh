# shellcheck shell=bash
# What the scripts need from the machine: where they keep things, and how missing programs get installed.
# To be sourced from the root of the clone.

# Everything that is built or installed lives outside the clone, so that clones share it and stay clean.
LLMUX_CACHE="${LLMUX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/llmux}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$LLMUX_CACHE/target}"
mkdir -p "$LLMUX_CACHE"

have() {
    command -v "$1" >/dev/null 2>&1
}

note() {
    printf '    %s\n' "$*"
}

# The word to put before a command that only root may run; fails where there is no way to become root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        return 1
    fi
}

# install_packages PACKAGE...: installs Debian packages without starting the services they bring.
install_packages() {
    if ! have apt-get; then
        note "this is not a Debian system, so these are not installed: $*"
        return 1
    fi
    note "installing $* with apt-get"
    local policy=/usr/sbin/policy-rc.d made_policy=no status=0
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null || {
            note "neither root nor sudo: install these yourself: $*"
            return 1
        }
        as_root chmod +x "$policy" && made_policy=yes
    fi
    {
        as_root apt-get update -qq &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
    } </dev/null >"$LLMUX_CACHE/apt.log" 2>&1 || status=$?
    [ "$made_policy" = no ] || as_root rm -f "$policy"
    if [ "$status" != 0 ]; then
        note "apt-get could not install $*:"
        tail -n 5 "$LLMUX_CACHE/apt.log" | sed 's/^/      /'
    fi
    return "$status"
}

# ensure COMMAND PACKAGE...: installs the packages when the command is missing.
ensure() {
    local command="$1"
    shift
    have "$command" || { install_packages "$@" && have "$command"; }
}

# The toolchain of rust-toolchain.toml, or the machine's own one when that is the same version under another
# name, and a C compiler for the crates that bring C code.
ensure_rust() {
    ensure cc gcc libc6-dev || return 1
    if ! have cargo; then
        note "Rust is missing: install it with rustup, which then fetches the version of rust-toolchain.toml"
        return 1
    fi
    if ! rustc --version >/dev/null 2>&1; then
        local pinned
        pinned="$(sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml)"
        if RUSTUP_TOOLCHAIN=stable rustc --version 2>/dev/null | grep -qF "rustc $pinned "; then
            export RUSTUP_TOOLCHAIN=stable
        else
            note "Rust $pinned is missing: run 'rustup toolchain install $pinned'"
            return 1
        fi
    fi
}

# ensure_cargo_tool COMMAND CRATE VERSION: builds a cargo subcommand once for all clones. Optimising it would
# cost more than it saves.
ensure_cargo_tool() {
    local command="$1" crate="$2" version="$3"
    local home="$LLMUX_CACHE/tools/$crate-$version"
    PATH="$PATH:$home/bin"
    have "$command" && return 0
    note "building $crate $version, once"
    CARGO_TARGET_DIR="$home/target" cargo install --locked --debug --quiet --root "$home" "$crate@$version" || return 1
    rm -rf "$home/target"
}

# complete FOLDER BUILDER: calls the builder for a folder that is missing or was left half made. Two runs at
# the same time wait for each other where `flock` exists.
complete() {
    local folder="$1" builder="$2" status=0
    [ -e "$folder/.complete" ] && return 0
    exec 9>"$folder.lock"
    ! have flock || flock 9
    if [ ! -e "$folder/.complete" ]; then
        rm -rf "$folder"
        "$builder" "$folder" && touch "$folder/.complete" || status=1
    fi
    exec 9>&-
    return "$status"
}

digest() {
    if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -c1-16
}
