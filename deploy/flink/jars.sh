# shellcheck shell=bash disable=SC2154 # variables of cluster.sh
# The jars of the cluster: copied once by Maven, checked by sha256, and beam.jar made beside them from our two classes.
# Sourced by cluster.sh.

# Copies the jars to the folder $jars, unless they are there. They appear in one rename, after they were checked.
fetch_jars() {
    local work
    if [[ ! -d "$jars" ]]; then
        command -v mvn >/dev/null || fail "found no Maven (mvn), which copies the jars of pom.xml to $jars: install it"
        say "copying the jars of pom.xml to $jars (116 MB, once)"
        mkdir -p "$(dirname "$jars")"
        work="$(mktemp -d "$(dirname "$jars")/.jars-XXXXXX")"
        cp "$here/pom.xml" "$work/" # so that nothing of Maven's lands beside the sources
        if ! mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/jars" >"$work/log" 2>&1; then
            tail -n 20 "$work/log" >&2
            rm -rf "$work"
            fail 'Maven could not copy the jars (the lines above say why)'
        fi
        verify_jars "$work/jars"
        rename "$work/jars" "$jars" || [[ -d "$jars" ]] || fail "cannot write $jars"
        rm -rf "$work"
    fi
    verify_jars "$jars"
}

# `mv` would move the folder into one that somebody else has made in the meantime.
rename() { "$python" -c 'import os, sys; os.rename(*sys.argv[1:])' "$1" "$2" 2>/dev/null; }

# Fails with the names of the jars in folder $1 that are missing, changed or not listed.
verify_jars() {
    local wrong extra
    wrong="$(cd "$1" && { LC_ALL=C sha256_check "$here/jars.sha256" 2>/dev/null || true; } | sed -n 's/: FAILED.*//p')"
    extra="$(comm -13 <(awk '{ print $2 }' "$here/jars.sha256" | LC_ALL=C sort) <(cd "$1" && LC_ALL=C ls -A))"
    [[ -z "$wrong" ]] || fail "missing, or without the sha256 of jars.sha256: ${wrong//$'\n'/, }. Remove $1 and try again"
    [[ -z "$extra" ]] || fail "not in jars.sha256: ${extra//$'\n'/, }. Remove $1 and try again"
}

sha256_check() {
    if command -v sha256sum >/dev/null; then sha256sum -c "$1"; else shasum -a 256 -c "$1"; fi
}

# Makes $folder/beam.jar: FlinkJobServer and LoopbackOnly, and the jars named in the manifest. Such a "pathing" jar runs
# with `java -jar`, serves as -javaagent, and can be given to Beam as --flink_job_server_jar.
build_beam_jar() {
    local classes="$folder/classes" opens
    opens="$(printf ' java.base/%s' "${opened_packages[@]}")"
    rm -rf "$classes"
    mkdir -p "$classes"
    javac -nowarn -cp "$jars/*" -d "$classes" "$here/FlinkJobServer.java" "$here/LoopbackOnly.java" ||
        fail 'could not compile the classes (the lines above say why)'
    {
        printf 'Main-Class: FlinkJobServer\nPremain-Class: LoopbackOnly\nCan-Redefine-Classes: true\n'
        printf 'Add-Opens:%s\n' "$opens" | folded
        printf 'Class-Path: %s\n' "$(jar_addresses)" | folded
    } >"$folder/manifest"
    jar --create --file "$folder/beam.jar" --manifest "$folder/manifest" -C "$classes" .
}

jar_addresses() {
    "$python" -c 'import pathlib, sys
print(*(jar.as_uri() for jar in sorted(pathlib.Path(sys.argv[1]).glob("*.jar"))))' "$jars"
}

# A manifest's lines have at most 72 bytes; the next one goes on after a space.
folded() { fold -b -w 70 | sed '2,$s/^/ /'; }
