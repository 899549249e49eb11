# shellcheck shell=bash
# Processes that outlive this script: started with a log and a record, told apart by pid and start time (a pid comes
# back, to somebody else), and stopped by both. Sourced by cluster.sh, which defines `pids`, `logs` and `fail`.

# When the process $1 started; nothing when there is none, or only a zombie that nobody has asked after.
started_at() {
    local stat state
    if [[ -r /proc/self/stat ]]; then # ticks since boot: field 22, counted after the name, which may have blanks
        stat="$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null)" || return 0
        read -r state _ <<<"$stat"
        [[ "$state" == Z ]] || awk '{ print $20 }' <<<"$stat"
    else
        ps -o lstart= -p "$1" || true
    fi
}

# Whether the process of record $1 (a file with pid and start time) is alive.
alive() {
    local pid start
    read -r pid start <"$1" 2>/dev/null || return 1
    [[ -n "$start" && "$(started_at "$pid")" == "$start" ]]
}

pid_of() { cut -d ' ' -f 1 "$1"; }

# Starts "${@:2}" in a process group of its own, so that neither Ctrl-C nor the end of the terminal ends it.
start() {
    local name="$1" pid
    set -m
    nohup "${@:2}" >>"$logs/$name.log" 2>&1 </dev/null &
    pid=$!
    set +m
    printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$pids/$name"
}

memory_in_mb() { ps -o rss= -p "$1" 2>/dev/null | awk '{ printf "%d MB", $1 / 1024 }'; }

# Waits up to $1 seconds for the processes of the records "${@:2}" to be gone.
await_end() {
    local deadline=$((SECONDS + $1)) record
    for record in "${@:2}"; do
        while alive "$record"; do
            ((SECONDS < deadline)) || return 1
            sleep 0.1
        done
    done
}

# Ends the processes of these records: SIGTERM, and SIGKILL for what is left after 10 s. Then removes the records.
stop() {
    local record
    for record in "$@"; do
        if alive "$record"; then kill -TERM "$(pid_of "$record")" 2>/dev/null || true; fi
    done
    if ! await_end 10 "$@"; then
        for record in "$@"; do
            if alive "$record"; then kill -KILL "$(pid_of "$record")" 2>/dev/null || true; fi
        done
        await_end 10 "$@" || fail 'a process does not end, although it was killed'
    fi
    rm -f "$@"
}
