#!/bin/sh
# The image's entry on a worker: mounts the nights, if the image was built for a file server, and starts Beam's own boot.
# Mounting needs the right to (CAP_SYS_ADMIN). Whether Dataflow gives it to an image is not in its documentation.
set -eu
if [ -n "${NIGHTSCORE_NFS:-}" ] && ! mountpoint -q "$NIGHTSCORE_MOUNT"; then
    mkdir -p "$NIGHTSCORE_MOUNT"
    if ! mount -t nfs -o vers=4.1,hard,noatime "$NIGHTSCORE_NFS" "$NIGHTSCORE_MOUNT"; then
        echo "nightscore: cannot mount $NIGHTSCORE_NFS at $NIGHTSCORE_MOUNT; see docs/dataflow.md, Storage" >&2
        exit 1
    fi
fi
exec /opt/apache/beam/boot "$@"
