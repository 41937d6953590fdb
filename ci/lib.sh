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

# Whether rustup has, or gets, a compiled `core` for a target. Once it found no server it isn't asked again.
has_core() {
    command -v rustup >/dev/null || return 1
    rustup target list --installed | grep -qx "$1" && return
    [ -z "${rustup_offline-}" ] || return 1
    RUSTUP_MAX_RETRIES=0 timeout 120 rustup target add "$1" >/dev/null 2>&1 && return
    rustup_offline=yes
    return 1
}
