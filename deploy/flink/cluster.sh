#!/usr/bin/env bash
# A Flink cluster on this machine, on loopback only: JobManager, TaskManagers, Beam's job server and a pool of Python
# workers, each a process of its own.
#
#   deploy/flink/cluster.sh up [--task-managers N] [--folder DIR] [--ports free]   starts it, and waits until it is ready
#   deploy/flink/cluster.sh status [--folder DIR]    what is alive, with pid and memory; exit code 1 if anything is dead
#   deploy/flink/cluster.sh down [--folder DIR]      stops what `up` started
#
# DIR (default build/flink/cluster) has pids/, logs/, conf/ and connection.env, which tells where to connect:
#
#   set -a; . build/flink/cluster/connection.env; nightscore run JOB --date D --runner flink
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
# With `--ports free` every port is one that is free now, so that two clusters can be up at once.
set -euo pipefail
unset PYTHONDONTWRITEBYTECODE # without .pyc files every start of a worker costs double

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
root="$(cd "$here/../.." && pwd -P)"
jars="${FLINK_JARS:-$root/build/flink/jars}"
python="${FLINK_PYTHON:-$root/.venv/bin/python}"
folder="$root/build/flink/cluster"
task_managers=2
port_choice=fixed

# What Flink and Beam read by reflection.
opened_packages=(java.lang java.lang.reflect java.io java.net java.nio sun.nio.ch java.text java.time java.util
    java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks)

say() { printf '==> %s\n' "$*"; }

fail() {
    printf 'cluster.sh: %s\n' "$*" >&2
    exit 1
}

# shellcheck source=deploy/flink/jars.sh
source "$here/jars.sh"
# shellcheck source=deploy/flink/processes.sh
source "$here/processes.sh"

# ----------------------------------------------------------------------------------------------------------- ports

port_names=(REST RPC BLOB JOB ARTIFACT EXPANSION WORKER_POOL)

choose_ports() {
    if [[ "$port_choice" == free ]]; then
        read -r REST RPC BLOB JOB ARTIFACT EXPANSION WORKER_POOL <<<"$(free_ports "${#port_names[@]}")"
        return
    fi
    REST="${FLINK_REST_PORT:-8081}"
    RPC="${FLINK_RPC_PORT:-6123}"
    BLOB="${FLINK_BLOB_PORT:-6124}"
    JOB="${FLINK_JOB_PORT:-8099}"
    ARTIFACT="${FLINK_ARTIFACT_PORT:-8098}"
    EXPANSION="${FLINK_EXPANSION_PORT:-8097}"
    WORKER_POOL="${FLINK_WORKER_POOL_PORT:-50000}"
}

# $1 ports that nobody listens on, from below those that the system hands out to clients.
free_ports() {
    "$python" - "$1" <<'PY'
import random, socket, sys

ports = []
while len(ports) < int(sys.argv[1]):
    port = random.randrange(20_000, 30_000)
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            continue
    if port not in ports:
        ports.append(port)
print(*ports)
PY
}

require_free_ports() {
    local name port
    for name in "${port_names[@]}"; do
        port="${!name}"
        [[ "$port" =~ ^[0-9]+$ ]] && ((port > 0 && port < 65536)) || fail "FLINK_${name}_PORT is '$port': a port is 1 to 65535"
        "$python" -c 'import socket, sys
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))' "$port" 2>/dev/null ||
            fail "port $port is taken: set FLINK_${name}_PORT to another one, or use --ports free"
    done
}

# ------------------------------------------------------------------------------------------------------- processes

java_command() { # MAIN_CLASS HEAP_AND_OTHER_FLAGS...
    local main="$1" package
    command=(java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Djava.util.logging.config.file=$folder/conf/logging.properties"
        --add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED --add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED)
    for package in "${opened_packages[@]}"; do command+=("--add-opens=java.base/$package=ALL-UNNAMED"); done
    command+=("${@:2}" -cp "$jars/*" "$main" --configDir "$folder/conf")
}

start_job_manager() {
    local command
    java_command org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint -Xmx512m
    start job-manager "${command[@]}" --executionMode cluster
}

start_task_manager() { # NAME
    local command
    java_command org.apache.flink.runtime.taskexecutor.TaskManagerRunner -Xmx640m -XX:MaxDirectMemorySize=640m
    start "$1" "${command[@]}"
}

start_job_server() {
    start job-server java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx512m \
        "-Djava.util.logging.config.file=$folder/conf/logging.properties" -jar "$folder/job-server.jar" \
        --flink-master="127.0.0.1:$REST" --job-host=127.0.0.1 --job-port="$JOB" --artifact-port="$ARTIFACT" \
        --expansion-port="$EXPANSION" --artifacts-dir="$folder/artifacts"
}

start_worker_pool() {
    start worker-pool "$python" "$here/worker_pool.py" --host 127.0.0.1 --port "$WORKER_POOL" \
        --packages "$folder/packages" --logs "$logs" --pids "$pids"
}

start_supervisor() {
    start supervisor "$here/cluster.sh" supervise --folder "$folder"
}

# Starts a TaskManager or the worker pool again when it has died, as Kubernetes would: Flink itself does not. A job goes
# on by itself then. When the JobManager or the job server dies, its jobs are lost, and nothing is started again.
supervise() {
    local record name
    trap 'exit 0' TERM
    choose_recorded_ports
    while true; do
        for record in "$pids"/task-manager-* "$pids/worker-pool"; do
            if [[ -e "$record" ]] && ! alive "$record"; then
                name="${record##*/}"
                printf '%s %s (pid %s) is dead: starting another\n' "$(date '+%F %T')" "$name" "$(pid_of "$record")"
                if [[ "$name" == worker-pool ]]; then start_worker_pool; else start_task_manager "$name"; fi
            fi
        done
        sleep 1 &
        wait $! # so that SIGTERM is heard at once, and never in the middle of a start
    done
}

choose_recorded_ports() {
    local name
    # shellcheck source=/dev/null
    source "$folder/conf/ports.env"
    for name in "${port_names[@]}"; do [[ -n "${!name}" ]] || fail "$folder/conf/ports.env lacks $name"; done
}

# ------------------------------------------------------------------------------------------------------------ ready

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

task_managers_are_there() {
    curl --noproxy '*' --silent --max-time 5 "http://127.0.0.1:$REST/overview" |
        grep -q "\"taskmanagers\":$task_managers,"
}

# Waits up to 90 s for the condition "${@:3}"; else shows the log of process $1, stops everything and fails with $2.
await() {
    local name="$1" what="$2" deadline=$((SECONDS + 90))
    until "${@:3}"; do
        if ((SECONDS >= deadline)) || ! alive "$pids/$name"; then
            tail -n 20 "$logs/$name.log" >&2
            stop_all
            fail "$what (the lines above are the end of $logs/$name.log)"
        fi
        sleep 0.2
    done
}

# ------------------------------------------------------------------------------------------------------------ verbs

records() { find "$pids" -type f 2>/dev/null | LC_ALL=C sort; }

# Whether all / any of what `up` started is alive. The workers of the pool come and go and do not count.
count_processes() {
    local record
    expected=0
    living=0
    while read -r record; do
        expected=$((expected + 1))
        if alive "$record"; then living=$((living + 1)); fi
    done < <(records | grep -v '/python-worker-' || true)
}

write_settings() {
    local name
    mkdir -p "$folder/conf" "$folder/artifacts" "$folder/packages" "$logs" "$pids"
    rm -f "$logs"/*.log
    {
        cat "$here/conf/config.yaml"
        printf '\n# The ports, by cluster.sh.\n'
        printf '%s: %s\n' rest.port "$REST" jobmanager.rpc.port "$RPC" blob.server.port "$BLOB"
    } >"$folder/conf/config.yaml"
    cp "$here/conf/logging.properties" "$folder/conf/"
    for name in "${port_names[@]}"; do printf '%s=%s\n' "$name" "${!name}"; done >"$folder/conf/ports.env"
}

write_connection() {
    {
        printf 'FLINK_MASTER=127.0.0.1:%s\n' "$REST"
        printf 'FLINK_JOB_ENDPOINT=127.0.0.1:%s\n' "$JOB"
        printf 'FLINK_WORKER_POOL=127.0.0.1:%s\n' "$WORKER_POOL"
    } >"$folder/connection.env"
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

up() {
    local each
    count_processes
    if ((expected > 0 && living == expected)); then
        say "up already: $folder"
        return
    fi
    ((living == 0)) || fail "only $living of $expected processes in $folder are alive: run '$0 down' first"
    require_tools
    choose_ports
    require_free_ports
    fetch_jars "$jars"
    write_settings
    build_job_server "$jars" "$folder"
    trap 'stop_all' INT TERM
    start_job_manager
    for ((each = 1; each <= task_managers; each++)); do start_task_manager "task-manager-$each"; done
    start_job_server
    start_worker_pool
    await job-manager "not $task_managers TaskManagers after 90 s" task_managers_are_there
    await job-server "the job server does not answer on port $JOB" answers "$JOB"
    await worker-pool "the worker pool does not answer on port $WORKER_POOL" answers "$WORKER_POOL"
    start_supervisor
    write_connection
    say "up: $task_managers TaskManagers, Flink's page is http://127.0.0.1:$REST, logs are in $logs"
    say "to connect: set -a; . $folder/connection.env; set +a"
}

status() {
    local record state memory
    count_processes
    ((expected > 0)) || fail "nothing was started in $folder"
    while read -r record; do
        state=dead memory=''
        if alive "$record"; then state=alive memory="$(memory_in_mb "$(pid_of "$record")")"; fi
        printf '%-24s %-6s pid %-8s %s\n' "${record##*/}" "$state" "$(pid_of "$record")" "$memory"
    done < <(records)
    ((living == expected))
}

# The supervisor first, lest it starts again what is being stopped; the workers go with their pool.
stop_all() {
    local each
    if [[ -e "$pids/supervisor" ]]; then stop "$pids/supervisor"; fi
    for each in "$pids/worker-pool" "$pids/job-server"; do
        if [[ -e "$each" ]]; then stop "$each"; fi
    done
    local left=()
    while read -r each; do left+=("$each"); done < <(records)
    if ((${#left[@]} > 0)); then stop "${left[@]}"; fi
}

down() {
    stop_all
    rm -f "$folder/connection.env"
    say "down: $folder"
}

# ------------------------------------------------------------------------------------------------------------- main

verb="${1:-}"
shift || true
while (($# > 0)); do
    case "$1" in
    --task-managers | --folder | --ports) [[ $# -ge 2 ]] || fail "$1 needs a value" ;;&
    --task-managers) task_managers="$2" ;;
    --folder) folder="$2" ;;
    --ports) port_choice="$2" ;;
    *) fail "unknown option '$1'" ;;
    esac
    shift 2
done
[[ "$task_managers" =~ ^[1-9][0-9]*$ ]] || fail "--task-managers is '$task_managers': a number from 1 on"
[[ "$port_choice" == fixed || "$port_choice" == free ]] || fail "--ports is '$port_choice': fixed or free"
[[ "$folder" == /* ]] || folder="$PWD/$folder"
pids="$folder/pids"
logs="$folder/logs"
case "$verb" in
up | down | status | supervise) "$verb" ;;
*) fail "unknown command '$verb': use up, down or status" ;;
esac
