#!/bin/sh
# Opens the window; without a display, answers about a sample picture in the terminal.
set -eu
cd "$(dirname "$0")/.."

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]; then
    exec .venv/bin/spyglass
fi
picture=assets/samples/chart.png
question="Which bar is the highest?"
echo "spyglass: there is no display, so here is a question about a sample picture:"
echo "> spyglass ask $picture \"$question\""
exec .venv/bin/spyglass ask "$picture" "$question" --model starter
