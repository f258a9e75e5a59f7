#!/bin/sh
# Puts Spyglass among this user's programs, so that a double click on it, or on a picture, opens the window.
# With "remove" it takes it away again.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
share=${XDG_DATA_HOME:-$HOME/.local/share}
entry=$share/applications/spyglass.desktop
icon=$share/icons/hicolor/scalable/apps/spyglass.svg

if [ "${1:-}" = remove ]; then
    rm -f "$entry" "$icon"
    echo "spyglass: it is no longer among your programs"
    exit
fi
mkdir -p "$(dirname "$entry")" "$(dirname "$icon")"
cp "$root/assets/spyglass.svg" "$icon"
# In Exec, a path is quoted, and what has a meaning there inside quotes is escaped; a per cent sign is doubled.
program=$(printf '%s' "$root/.venv/bin/spyglass" | sed 's/\\/\\\\\\\\/g; s/["`$]/\\\\&/g; s/%/%%/g')
cat >"$entry" <<ENTRY
[Desktop Entry]
Type=Application
Name=Spyglass
Comment=Ask about pictures, offline
Comment[ar]=اسأل عن الصور، بلا اتصال
Comment[de]=Nach Bildern fragen, ohne Netz
Comment[es]=Preguntar sobre imágenes, sin conexión
Comment[fr]=Poser des questions sur des images, hors ligne
Comment[zh_CN]=离线询问图片
Exec="$program" window %F
Icon=spyglass
Terminal=false
Categories=Graphics;Viewer;
MimeType=image/png;image/jpeg;image/webp;image/gif;image/heic;image/heif;image/avif;image/tiff;image/bmp;
StartupWMClass=spyglass
SingleMainWindow=true
ENTRY
echo "spyglass: it is among your programs now; 'make desktop-remove' takes it away again"
