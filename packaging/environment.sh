#!/bin/sh
# Makes .venv with everything in requirements.lock, and says what it is doing.
# On Debian, root also gets the system packages that are missing; anyone else is told the one line that installs them.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "spyglass: $*"; }
fail() { say "$*" >&2; exit 1; }

# What a bare Debian 12 lacks: a compiler for llama.cpp, what Qt's window needs, and fribidi, by which the letters of
# some languages are joined in drawn translations.
PACKAGES="python3-venv build-essential libfribidi0 libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libfreetype6
libx11-xcb1 libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0
libxcb-render-util0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1"

missing_packages() {
    for package in $PACKAGES; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
            printf '%s ' "$package"
    done
}

# A fresh machine may be installing its own updates. apt waits by itself for the lock it installs under, not for the one
# on its lists.
update_lists() {
    tries=0
    until message=$(LC_ALL=C apt-get -qq update 2>&1); do
        tries=$((tries + 1))
        case $message in *"Could not get lock"*) ;; *) tries=25 ;; esac
        [ "$tries" -lt 25 ] || { printf '%s\n' "$message" >&2; return 1; }
        [ "$tries" -gt 1 ] || say "another program is installing packages; waiting for it, two minutes at most"
        sleep 5
    done
}

if [ -f /etc/debian_version ]; then
    missing=$(missing_packages)
    if [ -n "$missing" ] && [ "$(id -u)" = 0 ]; then
        say "installing the system packages $missing"
        export DEBIAN_FRONTEND=noninteractive
        update_lists &&
            apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $missing >/dev/null ||
            fail "apt-get could not install them; see its message above."
    elif [ -n "$missing" ]; then
        fail "system packages are missing; install them and try again:
sudo apt-get install $missing"
    fi
fi

python=${PYTHON:-}
for candidate in python3.11 python3 python3.12 python3.13; do
    [ -n "$python" ] && break
    "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python=$candidate
done
[ -n "$python" ] || fail "Python 3.11 or newer with its venv module is needed; install it and try again."

if ! [ -x .venv/bin/python ]; then
    say "making the environment .venv with $("$python" --version)"
    "$python" -m venv .venv
fi
say "installing the packages of requirements.lock"
.venv/bin/python -c 'import llama_cpp.llama_cpp' 2>/dev/null ||
    say "llama.cpp is compiled for this machine, which takes minutes the first time (7 on two cores)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check 'pip==26.3'
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock

cat >.venv/bin/spyglass <<'WRAPPER'
#!/bin/sh
root=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "$root/.venv/bin/python" -P -m app "$@"
WRAPPER
chmod +x .venv/bin/spyglass
touch .venv/.complete
say "the environment is complete"
