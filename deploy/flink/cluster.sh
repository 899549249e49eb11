#!/usr/bin/env bash
# A Flink cluster on this machine, on loopback only: JobManager, TaskManagers, Beam's job server and a pool of Python
# workers, each a process of its own, and a supervisor that replaces a TaskManager or a pool that died.
#
#   deploy/flink/cluster.sh up [--task-managers N] [--folder DIR] [--ports free]   starts it, and waits until it is ready
#   deploy/flink/cluster.sh status [--folder DIR]   what is alive, with pid and memory; exit code 1 if anything is dead
#   deploy/flink/cluster.sh down [--folder DIR]     stops what `up` started
#
# DIR (default build/flink/cluster) has pids/, logs/, conf/ and connection.env, which says where to connect:
#
#   set -a; . build/flink/cluster/connection.env; set +a; nightscore run JOB --date D --runner flink
#
# Environment variables:
#   FLINK_REST_PORT 8081          Flink's REST interface and web page
#   FLINK_RPC_PORT 6123           the JobManager, for TaskManagers
#   FLINK_BLOB_PORT 6124          the JobManager's files, for TaskManagers
#   FLINK_JOB_PORT 8099           the job server: where pipelines are submitted
#   FLINK_ARTIFACT_PORT 8098      the job server: where the driver stages its wheel
#   FLINK_EXPANSION_PORT 8097     the job server: not used by nightscore, but it cannot be left out
#   FLINK_WORKER_POOL_PORT 50000  the worker pool, for TaskManagers
#   FLINK_JARS                    folder of the jars (default build/flink/jars)
#   FLINK_PYTHON                  Python of the workers, with apache-beam (default .venv/bin/python)
# With `--ports free` each port is one that is free now, so that two clusters can be up at once.
set -euo pipefail
unset PYTHONDONTWRITEBYTECODE # without .pyc files every start of a worker costs double

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
root="$(cd "$here/../.." && pwd -P)"
jars="${FLINK_JARS:-$root/build/flink/jars}"
python="${FLINK_PYTHON:-$root/.venv/bin/python}"
folder="$root/build/flink/cluster"
task_managers=2
port_choice=fixed

say() { printf '==> %s\n' "$*"; }

fail() {
    printf 'cluster.sh: %s\n' "$*" >&2
    exit 1
}

# shellcheck source=deploy/flink/ports.sh
source "$here/ports.sh"
# shellcheck source=deploy/flink/jars.sh
source "$here/jars.sh"
# shellcheck source=deploy/flink/processes.sh
source "$here/processes.sh"
# shellcheck source=deploy/flink/members.sh
source "$here/members.sh"

# -------------------------------------------------------------------------------------------------------------- up

up() {
    count_members
    ((living == 0 || living < members)) || {
        say "up already: $folder"
        return
    }
    ((living == 0)) || fail "only $living of $members processes of $folder are alive: run '$0 down' first"
    require_tools
    choose_ports
    require_free_ports
    fetch_jars
    stop_all # records of processes that are gone, and what they may have left
    prepare_folder
    build_beam_jar
    trap stop_all EXIT # what was started goes again, unless all of it gets ready
    start_members
    await_members
    trap - EXIT
    write_connection
    say "up: $task_managers TaskManagers, Flink's page is http://127.0.0.1:$REST, logs are in $logs"
    say "to connect: set -a; . $folder/connection.env; set +a"
}

require_tools() {
    local tool
    for tool in java javac jar curl; do
        command -v "$tool" >/dev/null || fail "found no $tool: install it (a JDK 11 or 17 has java, javac and jar)"
    done
    [[ -x "$python" ]] || fail "found no $python: run ./run_local.sh setup, or set FLINK_PYTHON"
    "$python" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("apache_beam") is None)' ||
        fail "$python has no apache-beam, which the workers need"
}

# Clears what an earlier cluster left in the folder; a folder of somebody else is not touched.
prepare_folder() {
    if [[ -n "$(ls -A "$folder" 2>/dev/null)" && ! -f "$folder/conf/ports.env" ]]; then
        fail "$folder is not empty and was not made by cluster.sh: choose another --folder"
    fi
    rm -rf "$logs" "$folder/artifacts" "$folder/packages"
    mkdir -p "$folder/conf" "$folder/artifacts" "$folder/packages" "$logs" "$pids"
    write_ports
    cp "$here/conf/logging.properties" "$folder/conf/"
    {
        cat "$here/conf/config.yaml"
        printf '\n# The ports, by cluster.sh\n'
        printf '%s: %s\n' rest.port "$REST" jobmanager.rpc.port "$RPC" blob.server.port "$BLOB"
    } >"$folder/conf/config.yaml"
}

start_members() {
    local number
    start_job_manager
    for ((number = 1; number <= task_managers; number++)); do start_task_manager "task-manager-$number"; done
    start_job_server
    start_worker_pool
}

await_members() {
    await job-manager "there are no $task_managers TaskManagers" task_managers_are_there
    await job-server "the job server does not answer on port $JOB" answers "$JOB"
    await worker-pool "the worker pool does not answer on port $WORKER_POOL" answers "$WORKER_POOL"
    start_supervisor
}

task_managers_are_there() {
    curl --noproxy '*' --silent --max-time 5 "http://127.0.0.1:$REST/overview" | grep -q "\"taskmanagers\":$task_managers,"
}

# Waits for the condition "${@:3}"; after 180 s, or when a process has ended, shows a log and fails with the words $2.
await() {
    local name="$1" deadline=$((SECONDS + 180))
    until "${@:3}"; do
        count_members
        if ((living < members || SECONDS >= deadline)); then
            name="${dead:-$name}"
            tail -n 20 "$logs/$name.log" >&2 || true
            fail "$2${dead:+, and $dead has ended}: the lines above are the end of $logs/$name.log"
        fi
        sleep 0.2
    done
}

write_connection() {
    {
        printf 'FLINK_MASTER=127.0.0.1:%s\n' "$REST"
        printf 'FLINK_JOB_ENDPOINT=127.0.0.1:%s\n' "$JOB"
        printf 'FLINK_WORKER_POOL=127.0.0.1:%s\n' "$WORKER_POOL"
    } >"$folder/connection.env"
}

# ------------------------------------------------------------------------------------------------- status and down

status() {
    local record pid
    count_members
    ((members > 0)) || fail "nothing is up in $folder"
    while read -r record; do
        pid="$(pid_of "$record")"
        if alive "$record"; then
            printf '%-24s alive  pid %-8s %s\n' "${record##*/}" "$pid" "$(memory_of "$pid")"
        else
            printf '%-24s dead   pid %s\n' "${record##*/}" "$pid"
        fi
    done < <(records)
    ((living == members))
}

# Sets members, living and dead (one that is). The workers of the pool come and go: they do not count.
count_members() {
    local record
    members=0 living=0 dead=''
    while read -r record; do
        members=$((members + 1))
        if alive "$record"; then living=$((living + 1)); else dead="${record##*/}"; fi
    done < <(records | grep -v '/python-worker-')
}

records() { find "$pids" -type f ! -name '.*' 2>/dev/null | LC_ALL=C sort; }

# The supervisor first, lest it replaces what is being stopped; then the pool, which takes its workers along.
stop_all() {
    local record left=()
    for record in "$pids/supervisor" "$pids/worker-pool"; do
        if [[ -f "$record" ]]; then stop "$record"; fi
    done
    while read -r record; do left+=("$record"); done < <(records)
    if ((${#left[@]} > 0)); then stop "${left[@]}"; fi
}

down() {
    stop_all
    rm -f "$folder/connection.env"
    say "down: $folder"
}

# ------------------------------------------------------------------------------------------------------------ main

absolute() { if [[ "$1" == /* ]]; then printf '%s\n' "$1"; else printf '%s\n' "$PWD/$1"; fi; }

verb="${1:-}"
case "$verb" in
up | down | status | supervise) shift ;;
*) fail "unknown command '$verb': use up, down or status" ;;
esac
while (($# > 0)); do
    (($# >= 2)) || fail "$1 needs a value"
    case "$1" in
    --task-managers) task_managers="$2" ;;
    --folder) folder="$(absolute "$2")" ;;
    --ports) port_choice="$2" ;;
    *) fail "unknown option '$1'" ;;
    esac
    shift 2
done
[[ "$task_managers" =~ ^[1-9][0-9]?$ ]] || fail "--task-managers is '$task_managers': from 1 to 99"
[[ "$port_choice" == fixed || "$port_choice" == free ]] || fail "--ports is '$port_choice': fixed or free"
jars="$(absolute "$jars")"
pids="$folder/pids"
logs="$folder/logs"
"$verb"
