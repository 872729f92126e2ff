#!/usr/bin/env bash
# Builds and publishes a release.
set -euo pipefail

readonly VERSION="1.2.3"
export TARGETS=(linux darwin)
declare -A checksums
dry_run=false

# Prints to stderr.
log() {
  printf '%s\n' "$*" >&2
}

# Builds one target.
#
# Arguments: target
function build::target {
  local target=$1
  log "building ${target}"
  nested() { echo inner; }
}

function größe() (
  du -sb "$1" | cut -f1
)

main() {
  for target in "${TARGETS[@]}"; do
    build::target "$target"
  done
  cat <<EOF
done() { not a function; }
EOF
}

alias ll='ls -l'

main "$@"
