#!/bin/sh
# After an installation or an upgrade, of the deb and of the rpm. Nothing is started that was not: the service needs
# credentials first.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart mongodbatlas_backup_exporter.service
fi
