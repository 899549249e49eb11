#!/usr/bin/env bash
# Runs a command where of a job there is nothing but its storage, under /mnt/night: no sources of the project, no folder
# that the driver uses. For workers that share nothing else with the driver, as on other machines.
#
#   unshare --mount only_storage.sh PROJECT STORAGE KEPT... -- COMMAND...
#
# KEPT are folders that stay where they are: the environment of the workers, the cluster's own.
set -euo pipefail
project="$1" storage="$2"
shift 2
kept=()
while [[ "$1" != -- ]]; do
    kept+=("$1")
    shift
done
shift

mount --make-rprivate /
mount -t tmpfs none /mnt
mkdir /mnt/night
mount --bind "$storage" /mnt/night
for each in "${!kept[@]}"; do
    mkdir -p "/mnt/kept/$each"
    mount --bind "${kept[$each]}" "/mnt/kept/$each"
done
for hidden in /tmp /var/tmp "$project"; do
    mkdir -p "$hidden"
    mount -t tmpfs none "$hidden"
done
for each in "${!kept[@]}"; do
    mkdir -p "${kept[$each]}"
    mount --bind "/mnt/kept/$each" "${kept[$each]}"
done
cd /
exec "$@"
