#!/bin/sh
# Opens the window; without a display, answers about a sample picture in the terminal.
set -eu
cd "$(dirname "$0")/.."

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]; then
    exec .venv/bin/spyglass
fi
set -- assets/samples/*.png
question="What is in this picture?"
echo "spyglass: there is no display, so here is a question about a sample picture:"
echo "> spyglass ask $1 \"$question\""
exec .venv/bin/spyglass ask "$1" "$question" --model starter
