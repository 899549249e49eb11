# shellcheck shell=bash disable=SC2154 # variables of cluster.sh
# The members of the cluster: how each of them is started, and started again. Sourced by cluster.sh.

# What Flink and Beam read by reflection.
opened_packages=(java.lang java.lang.reflect java.io java.net java.nio sun.nio.ch java.text java.time java.util
    java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks)

# Starts a JVM as $1 with the arguments "${@:2}". One core is what each of them has on a laptop: the collector and the
# compiler that need the fewest threads, and more than 10 s for opening the first port. (Flink has an option for that,
# pekko.startup-timeout, which no longer reaches Pekko: it sets remote.startup-timeout, what is read is this.)
start_java() {
    local package options=()
    for package in "${opened_packages[@]}"; do options+=("--add-opens=java.base/$package=ALL-UNNAMED"); done
    start "$1" java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "${options[@]}" \
        --add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED --add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED \
        -Dpekko.remote.classic.startup-timeout=90s \
        "-Djava.util.logging.config.file=$folder/conf/logging.properties" "${@:2}"
}

start_job_manager() {
    start_java job-manager -Xmx512m -cp "$jars/*" \
        org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint \
        --configDir "$folder/conf" --executionMode cluster
}

start_task_manager() { # NAME; the sizes are those of conf/config.yaml
    start_java "$1" -Xmx640m -XX:MaxDirectMemorySize=640m "-javaagent:$folder/beam.jar" -cp "$jars/*" \
        org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$folder/conf"
}

start_job_server() {
    start_java job-server -Xmx512m "-javaagent:$folder/beam.jar" -jar "$folder/beam.jar" \
        --flink-master="127.0.0.1:$REST" --job-host=127.0.0.1 --job-port="$JOB" --artifact-port="$ARTIFACT" \
        --expansion-port="$EXPANSION" --artifacts-dir="$folder/artifacts"
}

start_worker_pool() {
    start worker-pool "$python" "$here/worker_pool.py" --host 127.0.0.1 --port "$WORKER_POOL" \
        --flink-master "127.0.0.1:$REST" \
        --packages "$folder/packages" --logs "$logs" --pids "$pids"
}

start_supervisor() {
    start supervisor "$here/cluster.sh" supervise --folder "$folder"
}

# Starts a TaskManager or the worker pool again when it has died, as Kubernetes would: Flink itself does not. Jobs go on by
# themselves then. When the JobManager or the job server dies, its jobs are lost, and `status` says so.
supervise() {
    local record nap=''
    trap 'kill "$nap" 2>/dev/null; exit 0' TERM
    read_ports
    while true; do
        for record in "$pids"/task-manager-* "$pids/worker-pool"; do
            if ! alive "$record"; then start_again "${record##*/}"; fi
        done
        sleep 1 &
        nap=$!
        wait "$nap" # in which SIGTERM is heard at once; it is never heard in the middle of a start
    done
}

start_again() {
    printf '%s %s (pid %s) is dead: starting another\n' "$(date '+%F %T')" "$1" "$(pid_of "$pids/$1")"
    if [[ "$1" == worker-pool ]]; then start_worker_pool; else start_task_manager "$1"; fi
}
