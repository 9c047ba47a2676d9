#!/usr/bin/env bash
# Make .venv with a Python that is new enough; on Debian and Ubuntu install what it needs.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/apt.sh

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
can_make_environments() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$name" >/dev/null && is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

if [ -x .venv/bin/python ]; then
    if is_new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; then
        exit 0
    fi
    echo "Making .venv anew: the one here is broken or older than Python 3.11."
fi

if ! python="$(find_python)"; then
    apt_install python3 || true
    if ! python="$(find_python)"; then
        echo "Solverscope needs Python 3.11 or newer; found $(python3 --version 2>&1 || echo none)." >&2
        echo "Install one (on Ubuntu 22.04: apt install python3.11 python3.11-venv) and run make again," >&2
        echo "or name it: make PYTHON=/path/to/python3.12" >&2
        exit 1
    fi
fi

if ! can_make_environments "$python"; then
    version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    if ! apt_install "python$version-venv" || ! can_make_environments "$python"; then
        echo "$python cannot make virtual environments: install its venv module" >&2
        echo "(on Debian and Ubuntu: apt install python$version-venv) and run make again." >&2
        exit 1
    fi
fi

echo "Making .venv with $("$python" --version)"
"$python" -m venv --clear .venv
