#!/usr/bin/env bash
# One command of reconciler as a step of a job on GitHub. All of it comes from the environment (action.yml), so that
# nothing that somebody has typed is ever part of a script. What each exit code leads to: docs/operations.md.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$RUNNER_TEMP/reconciler/bin
said=$RUNNER_TEMP/reconciler/said
shared=$RUNNER_TEMP/reconciler/shared # what the comment is made of
export GIT_AUTHOR_NAME="github-actions[bot]" GIT_AUTHOR_EMAIL="github-actions[bot]@users.noreply.github.com"
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL

if [ ! -x "$bin/reconciler" ]; then # once a job
  python3 -m venv "$RUNNER_TEMP/reconciler" &&
    (cd "$top" && PIP_CONSTRAINT=constraints.txt "$bin/pip" install --quiet '.[postgres]' 'psycopg[binary]') || exit
fi
cd "$WORKING_DIRECTORY" || exit
mkdir -p "$said" "$shared"
log=$(printf '%s/%02d.txt' "$said" "$(find "$said" -name '*.txt' | wc -l)")
marked=${log%.txt}.md
fixes=${log%.txt}.json

words=("$COMMAND")
[ -z "$BASE" ] || words+=(--base "$BASE")
while IFS= read -r word; do
  [ -z "$word" ] || words+=("$word")
done <<<"$ARGUMENTS"
case $COMMAND in
validate | plan | review) words+=(--format text --format github --format "markdown=$marked") ;;
esac
while IFS= read -r word; do
  [ -z "$word" ] || words+=(--format "$word")
done <<<"$FORMAT"

if [ "$COMMAND" = review ]; then
  words+=(--format "github-review=$fixes")
  RECONCILER_APPROVED_BY=$("$bin/python" "$top/deploy/github/kept.py" approvals) || exit
  export RECONCILER_APPROVED_BY
fi

for ((attempt = 1; ; attempt++)); do
  "$bin/reconciler" "${words[@]}" <<<"$STDIN" 2>&1 | tee "$log"
  code=${PIPESTATUS[0]}
  case $code in
  69 | 75) [ "$attempt" -lt "$ATTEMPTS" ] || break ;;
  *) break ;;
  esac
  sleep "$PAUSE"
done
echo "exit-code=$code" >>"$GITHUB_OUTPUT"

kept() {
  "$bin/python" "$top/deploy/github/kept.py" "$@" || code=70
}

propose() {
  git diff --quiet || { git switch --quiet --force-create "$PROPOSE" && git commit --quiet --all --message "$TITLE"; } || return
  if git rev-parse --verify --quiet "refs/heads/$PROPOSE" >/dev/null; then
    git diff --quiet "origin/$PROPOSE" "$PROPOSE" 2>/dev/null || git push --quiet --force origin "$PROPOSE" || return
    kept proposal "$PROPOSE" "$log"
  elif [ "$code" -eq 0 ]; then
    kept proposal "$PROPOSE"
  fi
}

if [ "$COMMENT" = true ]; then # one for all commands of the job, in their order
  if [ -s "$marked" ]; then cp "$marked" "$shared"; else cp "$log" "$shared"; fi
  kept comment "$shared"/*
  [ ! -s "$fixes" ] || kept suggestions "$fixes"
fi
[ "$TICKET" != true ] || kept ticket "$code" "$log"
[ -z "$PROPOSE" ] || propose || code=70

case $code in
3) exit 0 ;;
69) [ "$UNANSWERED" = passes ] || exit "$code" ;;
75) ;;
*) exit "$code" ;;
esac
echo "::warning title=reconciler::det beror inte på ändringen: $COMMAND fick inget svar ($code), och kan köras igen senare"
