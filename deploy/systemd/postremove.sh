#!/bin/sh
# After a removal or an upgrade: the unit's file has gone or changed.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
