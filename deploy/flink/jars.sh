# shellcheck shell=bash
# The jars of the cluster, copied once by Maven and checked by sha256, and the job server made from them. Sourced by
# cluster.sh, which defines `here`, `say` and `fail`.

sha256_check() {
    if command -v sha256sum >/dev/null; then sha256sum -c "$@"; else shasum -a 256 -c "$@"; fi
}

# Fails with the names of the jars in folder $1 that are missing, changed or not listed.
verify_jars() {
    local jars="$1" wrong
    wrong="$(cd "$jars" && LC_ALL=C sha256_check "$here/jars.sha256" 2>/dev/null | sed -n 's/^\(.*\): FAILED.*/\1/p')"
    [[ -z "$wrong" ]] ||
        fail "missing, or not with the sha256 of jars.sha256: $(one_line "$wrong") in $jars. Remove that folder and run this again"
    wrong="$(comm -13 <(awk '{ print $2 }' "$here/jars.sha256" | LC_ALL=C sort) <(cd "$jars" && ls -A | LC_ALL=C sort))"
    [[ -z "$wrong" ]] ||
        fail "not in jars.sha256: $(one_line "$wrong") in $jars. Remove that folder and run this again"
}

one_line() { printf '%s' "$1" | tr '\n' ' '; }

# Copies the jars to folder $1, unless they are there. They appear in one rename, after they were checked.
fetch_jars() {
    local jars="$1" work
    if [[ ! -d "$jars" ]]; then
        command -v mvn >/dev/null || fail "found no Maven (mvn), which copies the jars of pom.xml to $jars: install it"
        say "copying the jars of pom.xml to $jars (116 MB, once)"
        mkdir -p "$(dirname "$jars")"
        work="$(mktemp -d "$(dirname "$jars")/.jars-XXXXXX")"
        cp "$here/pom.xml" "$work/" # so that nothing of Maven's lands beside the sources
        mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/jars" >"$work/log" 2>&1 || {
            tail -n 20 "$work/log" >&2
            rm -rf "$work"
            fail 'Maven could not copy the jars (the lines above say why)'
        }
        verify_jars "$work/jars"
        mv "$work/jars" "$jars" 2>/dev/null || [[ -d "$jars" ]] || fail "cannot write $jars"
        rm -rf "$work"
    fi
    verify_jars "$jars"
}

# Makes job-server.jar in folder $2: FlinkJobServer.java compiled, and the jars of $1 named in its manifest. Such a
# "pathing" jar runs with `java -jar`, and can be given to Beam as --flink_job_server_jar.
build_job_server() {
    local jars="$1" folder="$2" package opens=''
    for package in "${opened_packages[@]}"; do opens+=" java.base/$package"; done
    rm -rf "$folder/classes"
    mkdir -p "$folder/classes"
    javac -nowarn -cp "$jars/*" -d "$folder/classes" "$here/FlinkJobServer.java" ||
        fail 'could not compile FlinkJobServer.java (the lines above say why)'
    {
        printf 'Main-Class: FlinkJobServer\n'
        printf 'Add-Opens:%s\n' "$opens" | folded
        "$python" -c 'import pathlib, sys
print("Class-Path:", *(jar.as_uri() for jar in sorted(pathlib.Path(sys.argv[1]).resolve().glob("*.jar"))))' "$jars" | folded
    } >"$folder/manifest"
    jar --create --file "$folder/job-server.jar" --manifest "$folder/manifest" -C "$folder/classes" .
}

# A manifest's lines have at most 72 bytes; the next one goes on after a space.
folded() { fold -b -w 70 | sed '2,$s/^/ /'; }
