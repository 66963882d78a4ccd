#!/usr/bin/env bash
# Builds dist/botyard-linux-x86_64, a single executable for any x86_64 Linux.
# Set PYTHON to use another interpreter; the file then contains the libc of that interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-/usr/bin/python3.11}
work=build/binary
venv=$work/venv
file=dist/botyard-linux-x86_64

fail() {
    echo "make binary: $*" >&2
    exit 1
}

[ "$(uname -sm)" = "Linux x86_64" ] || fail "this machine is $(uname -sm); build the file on Linux x86_64"
missing=()
if [ -x "$python" ]; then
    "$python" -c 'import ensurepip' 2>/dev/null || missing+=("$(basename "$python")-venv")
else
    missing+=("$(basename "$python")" "$(basename "$python")-venv")
fi
command -v patchelf >/dev/null || missing+=(patchelf)
command -v objcopy >/dev/null || missing+=(binutils)
if ((${#missing[@]})); then
    fail "build tools are missing; on Debian: apt-get install ${missing[*]}"
fi
# staticx cannot wrap interpreters with a RUNPATH, such as those of pyenv.
if readelf -d "$(readlink -f "$python")" | grep -q RUNPATH; then
    fail "$python finds its libraries by DT_RUNPATH; use the Python of the distribution, such as /usr/bin/python3.11"
fi

if ! cmp -s requirements-binary.txt "$work/installed"; then
    rm -rf "$venv" "$work/installed"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-binary.txt
    # The debug symbols in some wheels are three times the size of the code.
    find "$venv" \( -name '*.cpython-*.so' -o -name '*.abi3.so' \) -exec strip --strip-debug {} +
    cp requirements-binary.txt "$work/installed"
fi

"$venv/bin/python" -c 'from server.version import commit; print(commit())' >"$work/commit.txt"
PYINSTALLER_CONFIG_DIR=$work/cache "$venv/bin/python" -m PyInstaller --noconfirm --log-level WARN \
    --distpath "$work/dist" --workpath "$work/work" packaging/botyard.spec
mkdir -p dist
PATH=$PWD/$venv/bin:$PATH "$venv/bin/python" -m staticx --no-compress "$work/dist/botyard" "$file.new"
chmod 755 "$file.new"
mv "$file.new" "$file" # a rename does not disturb a running server
ls -l "$file"
