# shellcheck shell=bash disable=SC2154,SC2034 # variables of cluster.sh
# The ports of the cluster: chosen, checked, written down. Sourced by cluster.sh.

port_names=(REST RPC BLOB JOB ARTIFACT EXPANSION WORKER_POOL)

# Sets the variables of port_names.
choose_ports() {
    if [[ "$port_choice" == free ]]; then
        read -r REST RPC BLOB JOB ARTIFACT EXPANSION WORKER_POOL <<<"$(free_ports "${#port_names[@]}")"
    else
        REST="${FLINK_REST_PORT:-8081}"
        RPC="${FLINK_RPC_PORT:-6123}"
        BLOB="${FLINK_BLOB_PORT:-6124}"
        JOB="${FLINK_JOB_PORT:-8099}"
        ARTIFACT="${FLINK_ARTIFACT_PORT:-8098}"
        EXPANSION="${FLINK_EXPANSION_PORT:-8097}"
        WORKER_POOL="${FLINK_WORKER_POOL_PORT:-50000}"
    fi
}

# $1 ports that nobody listens on, from below those that systems hand out to clients.
free_ports() {
    "$python" - "$1" <<'PY'
import random, socket, sys

ports = set()
while len(ports) < int(sys.argv[1]):
    port = random.randrange(20_000, 30_000)
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            continue
    ports.add(port)
print(*ports)
PY
}

require_free_ports() {
    local name port
    for name in "${port_names[@]}"; do
        port="${!name}"
        [[ "$port" =~ ^[1-9][0-9]{0,4}$ ]] || fail "FLINK_${name}_PORT is '$port': a port is a number from 1 to 65535"
        is_free "$port" || fail "port $port is taken: set FLINK_${name}_PORT to another one, or use --ports free"
    done
}

# As servers do it, so that a connection of a minute ago that is still being closed is no hindrance.
is_free() {
    "$python" - "$1" 2>/dev/null <<'PY'
import socket, sys

with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen()
PY
}

write_ports() {
    local name
    for name in "${port_names[@]}"; do printf '%s=%s\n' "$name" "${!name}"; done >"$folder/conf/ports.env"
}

read_ports() {
    # shellcheck source=/dev/null
    source "$folder/conf/ports.env"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
