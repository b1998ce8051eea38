#!/usr/bin/env bash
# Builds the image's last stage from the Dockerfile with buildah, and runs it as the image says: as its user, with its
# health check. The first stage, which compiles, needs an image from a registry: a program and certificates that are there
# take its place. Needs root, Go, and buildah.
#
#   deploy/try_image.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
exporter=""
export BUILDAH_ISOLATION=chroot
# No function, which the shell would run in a process of its own in the background, and kill in its place.
buildah=(buildah --root "$scratch/storage" --runroot "$scratch/run" --storage-driver vfs)
cleanup() {
  if [[ -n $exporter ]]; then
    kill "$exporter" 2>/dev/null || true
    wait "$exporter" || true
  fi
  "${buildah[@]}" rm --all >/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

# What the last stage copies from the first.
mkdir -p "$scratch/build/"{out,src,etc/ssl/certs}
CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$scratch/build/out/mongodbatlas_backup_exporter" .
cp LICENSE "$scratch/build/src/"
cp /etc/ssl/certs/ca-certificates.crt "$scratch/build/etc/ssl/certs/"
"${buildah[@]}" bud --quiet --format docker --build-context "build=$scratch/build" --build-arg TARGETOS=linux \
  --build-arg TARGETARCH=amd64 --tag exporter --file Dockerfile . >/dev/null

container=$("${buildah[@]}" from exporter)
"${buildah[@]}" run "$container" -- /mongodbatlas_backup_exporter demo --web.listen-address=127.0.0.1:0 >"$scratch/log" 2>&1 &
exporter=$!

address=""
for _ in {1..100}; do
  address=$(sed -n 's/.*Listening on.*address=\(127\.0\.0\.1:[0-9]*\).*/\1/p' "$scratch/log")
  if [[ -n $address ]]; then break; fi
  sleep 0.2
done
if [[ -z $address ]]; then
  cat "$scratch/log" >&2
  echo "the image's program does not listen" >&2
  exit 1
fi

"${buildah[@]}" run "$container" -- /mongodbatlas_backup_exporter healthcheck --address="$address"
if "${buildah[@]}" run "$container" -- /mongodbatlas_backup_exporter healthcheck --address=127.0.0.1:1 2>/dev/null; then
  echo "the health check passes where nothing listens" >&2
  exit 1
fi
user=$(pgrep --list-full --uid 65532 --full "^/mongodbatlas_backup_exporter demo" || true)
if [[ -z $user ]]; then
  echo "no process of the image's user runs the program" >&2
  exit 1
fi
check=$("${buildah[@]}" inspect --type image --format '{{.Docker.Config.Healthcheck.Test}}' exporter)
if [[ $check != "[CMD /mongodbatlas_backup_exporter healthcheck]" ]]; then
  echo "the image's health check is $check" >&2
  exit 1
fi
echo "The image runs as its user and is healthy."
