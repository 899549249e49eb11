#!/usr/bin/env bash
# Sets up the project in ./.venv (about a minute the first time, a blink afterwards) and then:
#
#   ./run_local.sh               runs the sample job: two nights that are published, and one that is held
#   ./run_local.sh test [ARGS]   runs the tests (ARGS go to pytest)
#   ./run_local.sh setup         only sets up
#   ./run_local.sh exec CMD ...  runs a command in the environment
set -euo pipefail

# Without .pyc files every start costs double: the imports of the stack are most of a short run.
unset PYTHONDONTWRITEBYTECODE

root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
venv="$root/.venv"
python="$venv/bin/python"
stamp="$venv/nightscore.stamp" # the project's folder, and the fingerprint of what was installed

say() { printf '==> %s\n' "$*"; }

fail() {
    printf 'run_local.sh: %s\n' "$*" >&2
    exit 1
}

# ---------------------------------------------------------------------------------------------------------- set-up

# Whether the command "$1" runs, and is a Python that the project supports. A pyenv shim can exist and still fail.
runs_supported_python() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in python3.12 python3.11 python3; do
        if runs_supported_python "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    fail 'found no Python 3.11 or 3.12 (tried python3.12, python3.11, python3): install one of them and run this again'
}

# What the environment is made from: when it has not changed, the set-up has nothing to do.
fingerprint() {
    "$python" - "$root/requirements.lock" "$root/pyproject.toml" <<'PY'
import hashlib, pathlib, sys

digest = hashlib.sha256(sys.version.encode())
for path in sys.argv[1:]:
    digest.update(pathlib.Path(path).read_bytes())
print(digest.hexdigest())
PY
}

create_environment() {
    local base
    base="$(find_python)"
    say "creating .venv with $("$base" --version)"
    rm -rf "$venv"
    if ! "$base" -m venv "$venv"; then # Debian keeps ensurepip in a package of its own; uv does without
        command -v uv >/dev/null || fail "'$base -m venv' failed and there is no uv: install python3-venv or uv"
        rm -rf "$venv"
        uv venv --quiet --python "$base" "$venv"
    fi
}

with_pip() {
    "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null
    "$python" -m pip install --quiet "$@"
}

# Installs uv alone, at the version and with the hashes of the lock; prints its path.
uv_from_lock() {
    local only_uv="$venv/uv.lock.txt"
    awk '/^[^ #]/ { keep = /^uv==/ } keep' "$root/requirements.lock" >"$only_uv"
    with_pip --require-hashes --no-deps -r "$only_uv" >&2 && printf '%s\n' "$venv/bin/uv"
}

install_with_uv() {
    local uv
    uv="$(command -v uv || uv_from_lock)" || return 1
    say "installing requirements.lock with $("$uv" --version)"
    "$uv" pip sync --quiet --python "$python" --require-hashes --compile-bytecode "$root/requirements.lock" &&
        "$uv" pip install --quiet --python "$python" --no-deps --no-build-isolation --editable "$root"
}

install_with_pip() {
    say 'installing requirements.lock with pip'
    with_pip --require-hashes --no-deps -r "$root/requirements.lock" &&
        with_pip --no-deps --no-build-isolation --editable "$root"
}

# Whether .venv was made for a project in another folder: a copied one would go on importing the original's sources.
belongs_elsewhere() {
    [[ -f "$stamp" && "$(head -n 1 "$stamp")" != "$root" ]]
}

setup() {
    if belongs_elsewhere || ! runs_supported_python "$python"; then
        create_environment
    fi
    if [[ -f "$stamp" && "$(<"$stamp")" == "$root"$'\n'"$(fingerprint)" ]]; then
        return
    fi
    rm -f "$stamp"
    install_with_uv || install_with_pip || fail 'could not install the dependencies (the lines above say why)'
    printf '%s\n%s\n' "$root" "$(fingerprint)" >"$stamp"
    say "set up: $("$python" --version) in .venv"
}

# -------------------------------------------------------------------------------------------------------- main job

# Scores one night of the sample job and compares the exit code with the one that is right for it.
run_night() {
    local date="$1" expected="$2" status=0
    say "nightscore run build/flights/job.yaml --date $date"
    "$venv/bin/nightscore" run build/flights/job.yaml --date "$date" || status=$?
    [[ "$status" == "$expected" ]] || fail "the night of $date ended with exit code $status, expected $expected"
}

require_published() {
    [[ -f "build/flights/scored/flight_date=$1/_SUCCESS" ]] || fail "the night of $1 was not published"
    say "published: build/flights/scored/flight_date=$1"
}

require_held() {
    local partition="build/flights/scored/flight_date=$1"
    [[ ! -e "$partition" ]] || fail "the night of $1 was held, and yet $partition exists"
    say "held at the quality gate (exit code 4), which is right: the weather feed had stopped."
    say "nothing of it was published: $partition does not exist"
}

show_report() {
    local report
    for report in "build/flights/runs/flight_date=$1"/*/index.html; do
        [[ -f "$report" && -f "${report%index.html}result.json" ]] || fail "the night of $1 left no report in ${report%/*}"
        say "report of $1: $report"
    done
}

run_sample() {
    [[ -f sample_data/flights/job.yaml ]] || fail 'sample_data/flights/job.yaml is missing'
    say 'copying sample_data/flights to build/flights (afresh: what an earlier run left there is removed)'
    rm -rf build/flights
    mkdir -p build
    cp -R sample_data/flights build/flights
    rm -rf build/flights/runs build/flights/scored # of a run in the sample's own folder

    run_night 2013-07-01 0
    require_published 2013-07-01
    run_night 2013-07-27 0
    require_published 2013-07-27
    run_night 2013-12-31 4
    require_held 2013-12-31

    show_report 2013-07-01
    show_report 2013-07-27
    show_report 2013-12-31
    say 'all three nights went as expected; to go on by hand: . .venv/bin/activate'
}

# ------------------------------------------------------------------------------------------------------------ main

command="${1:-sample}"
case "$command" in
sample)
    setup
    cd "$root"
    run_sample
    ;;
test)
    setup
    cd "$root"
    "$python" -m pytest "${@:2}"
    ;;
setup)
    setup
    ;;
exec)
    [[ $# -ge 2 ]] || fail "'exec' needs a command to run"
    setup
    export VIRTUAL_ENV="$venv" PATH="$venv/bin:$PATH"
    exec "${@:2}"
    ;;
*)
    fail "unknown command '$command': use no argument, test, setup or exec CMD"
    ;;
esac
