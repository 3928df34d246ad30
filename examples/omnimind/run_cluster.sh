#!/usr/bin/env bash
# What the cluster script was a loop for is one line now: Understudy reads OMNIMIND_BACKENDS, OMNIMIND_WORKERS,
# OMNIMIND_WORKERS_VALIDATION and OMNIMIND_VALIDATION_MODE itself. OMNIMIND_APP names the app, as module:app.
set -euo pipefail

exec "${UNDERSTUDY:-understudy}" run "$@"
