#!/usr/bin/env bash
# Print the newest interpreter from CPython 3.11 on that can make an environment and build against
# its headers. Each candidate is run: a name on the path may be a shim with nothing behind it.
set -euo pipefail

probe='
import sys, sysconfig, pathlib, venv, ensurepip
serves = (
    sys.implementation.name == "cpython"
    and sys.version_info >= (3, 11)
    and pathlib.Path(sysconfig.get_path("include"), "Python.h").exists()
)
sys.exit(not serves)
'

for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
    if command -v "$name" >/dev/null && "$name" -c "$probe" >/dev/null 2>&1; then
        command -v "$name"
        exit 0
    fi
done

echo "no CPython 3.11 or newer with venv, pip and headers (on Debian: python3-venv, python3-dev)" >&2
exit 1
