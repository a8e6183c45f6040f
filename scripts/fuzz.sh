#!/usr/bin/env bash
# Run each coverage-guided fuzzing target, tests/fuzz/fuzz_*.py, for a while.
#
#   scripts/fuzz.sh [SECONDS]        for each target; 12 unless told
#
# What a target finds interesting is kept in build/fuzz/NAME and starts the next run; an input that
# breaks it is written beside, as crash-*. Fuzzing is only for where its engine runs (Linux, x86-64).
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONSAFEPATH=1

seconds=${1:-${CLAUSAL_FUZZ_SECONDS:-12}}
python=.venv/bin/python

if ! "$python" -c 'import atheris' 2>/dev/null; then
    echo "atheris is not installed here (pip install 'clausal[fuzz]'); nothing was fuzzed"
    exit 0
fi

status=0
targets=0
for target in tests/fuzz/fuzz_*.py; do
    [ -e "$target" ] || continue
    targets=$((targets + 1))
    name=$(basename "$target" .py)
    name=${name#fuzz_}
    corpus=build/fuzz/$name
    mkdir -p "$corpus"
    seeds=()
    options=()
    if [ -d "tests/fuzz/seeds/$name" ]; then
        seeds=("tests/fuzz/seeds/$name")
    fi
    if [ -e "tests/fuzz/$name.dict" ]; then
        options=("-dict=tests/fuzz/$name.dict")
    fi
    echo "-- $name, ${seconds}s"
    if ! "$python" "$target" -max_total_time="$seconds" -timeout=10 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" "${options[@]}" "$corpus" "${seeds[@]}" >"build/fuzz/$name.log" 2>&1; then
        status=1
        tail -n 40 "build/fuzz/$name.log"
    else
        grep -h '^stat::' "build/fuzz/$name.log" || true
    fi
done
echo "$targets targets fuzzed"
exit "$status"
