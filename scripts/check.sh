#!/usr/bin/env bash
# Run the checks, all of them or those that are named, and say at the end how each went.
#
#   scripts/check.sh                 every check
#   scripts/check.sh lint types      these alone
#
# A failing check does not stop those after it; the exit status is 1 if any failed.
set -euo pipefail
cd "$(dirname "$0")/.."

ALL=(format lint types stubs tests checked sanitized fuzz docs package)
BIN=.venv/bin
JOBS=${CLAUSAL_JOBS:-2}
# The folder `clausal/` in this directory is only a part of the package: never import it from here.
export PYTHONSAFEPATH=1

check_format() {
    "$BIN/ruff" format --check
}

check_lint() {
    "$BIN/ruff" check
}

check_types() {
    "$BIN/python" setup.py --quiet import_root
    "$BIN/mypy"
    "$BIN/mypy" tests benchmarks
}

check_stubs() {
    "$BIN/python" setup.py --quiet import_root
    "$BIN/python" -m mypy.stubtest --mypy-config-file pyproject.toml \
        $(ls compiler/text/_*.pyx engine/_*.pyx | sed 's|/|.|g; s|\(.*\)\.pyx|clausal.\1|')
}

check_tests() {
    CLAUSAL_TEST_PROFILE=${CLAUSAL_TEST_PROFILE:-ci} "$BIN/pytest" -n "$JOBS"
}

# The tests of what is compiled; the others ran on the usual build.
COMPILED=(
    tests/engine tests/compiler/text tests/compiler/test_index.py
    tests/compiler/test_forged_bundles.py
)

# Build the whole package into a folder of its own and test that, leaving .venv's build as it is.
# CLAUSAL_PACKAGE_UNDER_TEST makes the tests refuse to run on any other build.
tests_on_build() {
    local mode=$1
    local library="$PWD/build/$mode/lib"
    rm -rf "$library"
    "$BIN/python" setup.py --quiet build --build-lib "$library"
    PYTHONPATH="$library" CLAUSAL_PACKAGE_UNDER_TEST="$library" \
        CLAUSAL_TEST_PROFILE=${CLAUSAL_TEST_PROFILE:-dev} \
        "${@:2}" "$BIN/pytest" -n "$JOBS" "${COMPILED[@]}"
}

check_checked() {
    CLAUSAL_CHECKED=1 tests_on_build checked env
}

check_sanitized() {
    local compiler=${CC:-gcc}
    # The interpreter is not built with the sanitizers, so their libraries must be there before it.
    # Its own allocations live until the end, which the leak detector would report.
    CLAUSAL_CHECKED=1 CLAUSAL_SANITIZE=address,undefined \
        tests_on_build checked-address-undefined env \
        LD_PRELOAD="$("$compiler" -print-file-name=libasan.so) $("$compiler" -print-file-name=libubsan.so)" \
        ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc CLAUSAL_TEST_PROFILE=brief
}

check_fuzz() {
    scripts/fuzz.sh
}

check_docs() {
    "$BIN/clausal" docs policies --toctree -o docs/library
    "$BIN/sphinx-build" --quiet --fail-on-warning --keep-going -b html docs build/docs
}

# The wheel is built from the sdist, so that what is missing in either one is found out here.
check_package() {
    rm -rf build/dist build/wheel-env
    mkdir -p build
    if ! "$BIN/python" -m build --outdir build/dist . >build/package.log 2>&1; then
        tail -n 60 build/package.log
        return 1
    fi
    ls -l build/dist
    "$BIN/python" scripts/check_wheel.py build/dist/*.whl
    "$BIN/python" -m venv build/wheel-env
    build/wheel-env/bin/python -m pip install --quiet --disable-pip-version-check "$(echo build/dist/*.whl)[enforce,generate]"
    scripts/demo.sh build/wheel-env/bin/clausal build/wheel-demo
}

status=0
summary=""
for name in "${@:-${ALL[@]}}"; do
    if ! declare -F "check_$name" >/dev/null; then
        echo "no check is called \`$name\`; there are: ${ALL[*]}" >&2
        exit 2
    fi
    printf '\n== %s\n' "$name"
    start=$SECONDS
    # A subshell of its own, started outside of any condition, is what keeps `set -e` at work in it.
    set +e
    (set -e; "check_$name")
    code=$?
    set -e
    result=passed
    if ((code != 0)); then
        result=FAILED
        status=1
    fi
    line=$(printf '%-10s %s in %ds' "$name" "$result" $((SECONDS - start)))
    printf '== %s\n' "$line"
    summary+="   $line"$'\n'
done

printf '\n== all checks, %ds\n%s' "$SECONDS" "$summary"
exit "$status"
