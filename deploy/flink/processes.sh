# shellcheck shell=bash disable=SC2154 # variables of cluster.sh
# Processes that outlive this script: each has a log, and a record (a file with pid and start time, since a pid comes
# back, to somebody else). They are stopped by both. Sourced by cluster.sh.

# When process $1 started; nothing when there is none, or only a zombie that nobody has asked after.
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

# Whether the process of record $1 is alive.
alive() {
    local pid start
    read -r pid start 2>/dev/null <"$1" || return 1
    [[ -n "$start" && "$(started_at "$pid")" == "$start" ]]
}

pid_of() { cut -d ' ' -f 1 "$1"; }

memory_of() { ps -o rss= -p "$1" 2>/dev/null | awk '{ printf "%d MB", $1 / 1024 }'; }

# Starts "${@:2}" as $1, in a process group of its own: neither Ctrl-C nor the end of the terminal ends it.
start() {
    local pid
    set -m
    nohup "${@:2}" >>"$logs/$1.log" 2>&1 </dev/null &
    pid=$!
    disown # or bash would tell the terminal how it ended
    set +m
    printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$pids/.$1"
    mv -f "$pids/.$1" "$pids/$1" # so that nobody reads half a record
}

# Ends the processes of these records: SIGTERM, and SIGKILL for what is left after 10 s. Then removes the records.
stop() {
    signal TERM "$@"
    if ! await_end "$@"; then
        signal KILL "$@"
        await_end "$@" || fail 'a process does not end, although it was killed'
    fi
    rm -f "$@"
}

signal() {
    local record
    for record in "${@:2}"; do
        if alive "$record"; then kill "-$1" "$(pid_of "$record")" 2>/dev/null || true; fi
    done
}

# Waits until the processes of these records are gone; fails after 10 s.
await_end() {
    local record deadline=$((SECONDS + 10))
    for record in "$@"; do
        while alive "$record"; do
            ((SECONDS < deadline)) || return 1
            sleep 0.1
        done
    done
}
