#!/usr/bin/env bash
# The wheel alone, in an environment without what only developers need, does the main job from start to end.
# Needs the developers' .venv (make check makes it). Leaves nothing behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PIP_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH "${!RECONCILER_@}"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# expect CODE ARGUMENT…: the command ends with that exit code
expect() {
  local wanted=$1 got=0
  shift
  "$scratch/venv/bin/reconciler" "$@" >"$scratch/said" 2>&1 || got=$?
  if [ "$got" -ne "$wanted" ]; then
    echo "smoke: reconciler $* ended with $got, not with $wanted. It said:" >&2
    cat "$scratch/said" >&2
    exit 1
  fi
  echo "smoke: reconciler $* ($got)"
}

.venv/bin/python -m build --quiet --wheel --outdir "$scratch/wheel" .
.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet "$scratch"/wheel/*.whl

mkdir "$scratch/work"
cp -R config demo reconciler.toml "$scratch/work"
cd "$scratch/work"

expect 0 --version
expect 0 --help
expect 0 --lang sv --help
grep -q "Användning: reconciler" "$scratch/said"
expect 0 validate
expect 0 validate --format markdown --format sarif="$scratch/sarif"
expect 78 apply
expect 0 db init
expect 0 db check
expect 0 plan
expect 2 plan --detailed-exitcode
expect 0 apply
expect 0 plan --detailed-exitcode
expect 0 status
expect 0 explain clinic-not-active
expect 64 explain no-such-rule
