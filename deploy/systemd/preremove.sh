#!/bin/sh
# Before a removal. dpkg says "remove" and rpm 0, while "upgrade" and 1 mean that a new version takes over.
set -e
case "$1" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now mongodbatlas_backup_exporter.service
    fi
    ;;
esac
