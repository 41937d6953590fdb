# What the scripts beside this one share. They source it first; it also moves to the root of the repository.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# The rows of ci/targets, without comments: all of them, or those of the names given, in the file's order.
rows() {
    local name row
    for name; do
        grep -q "^$name " ci/targets || die "not in ci/targets: $name"
    done
    while read -r name row; do
        case $name in '' | '#'*) continue ;; esac
        case " $* " in '  ' | *" $name "*) echo "$name $row" ;; esac
    done <ci/targets
}

# A compiler with the source of its `core`, from which the devices' is built: rustup's or else Debian's.
# The compiled one that `rustup target add` brings would do, but makes programs a tenth larger.
compiler() {
    local rustc
    for rustc in "$(command -v rustc)" /usr/bin/rustc; do
        [ -e "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/core" ] || continue
        echo "$rustc"
        return
    done
    return 1
}

# The oldest compiler that Cargo.toml promises.
oldest_rust() {
    sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | head -1
}

# Runs a command: one line with the time it took, or all that it printed if it fails.
step() {
    local title=$1 start=$SECONDS log
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 || {
        cat "$log"
        die "failed: $title: $*"
    }
    rm "$log"
    printf '%4d s  %s\n' $((SECONDS - start)) "$title"
}
