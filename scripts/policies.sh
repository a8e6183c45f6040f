#!/usr/bin/env bash
# Check the quality of the shipped policies, or of those that are named: format, no warning, all tests,
# every clause accounted for, every clause to be enforced reached by a test. With NOTICES, a folder with
# the texts of the notices, every quote is held against them, too.
#
#   scripts/policies.sh [POLICY...]
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONSAFEPATH=1

BIN=.venv/bin
PATHS=("${@:-policies}")

"$BIN/clausal" fmt --check "${PATHS[@]}"
"$BIN/clausal" check --deny warnings "${PATHS[@]}"
"$BIN/clausal" test "${PATHS[@]}"
"$BIN/clausal" coverage "${PATHS[@]}" --require-accounted --fail-under 100 | tail -n 3
if [[ -n ${NOTICES:-} ]]; then
    "$BIN/python" scripts/check_quotes.py "$NOTICES" "${PATHS[@]}"
fi
