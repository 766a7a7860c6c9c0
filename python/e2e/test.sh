#!/bin/sh
# End to end: a real Chainlit app on a real Varve, driven over HTTP and sockets and in a browser.
#
#   python/e2e/test.sh [PYTEST OPTIONS]
#
# VARVE_BINARY names the server; without it, it is built from this clone.
# VARVE_VENVS is where the Python environments are kept (default .cache/), so that only the first run installs.
# E2E_BACKENDS narrows the run (sqlite,postgres,supervised); E2E_PICTURES names a folder for pictures of the pages.
#
# On Debian, as root, missing programs are installed: python3-venv, postgresql, mariadb-server, chromium.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
VARVE_VENVS=${VARVE_VENVS:-$root/.cache}
export VARVE_VENVS
newest=2.12.0
older="1.3.2 2.0.603 2.5.5 2.9.6"

# need PACKAGE TEST: installs a Debian package when TEST, a command, fails.
need() {
	package=$1
	shift
	if "$@" >/dev/null 2>&1; then return; fi
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "e2e: $package is missing, and can only be installed as root on Debian" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	[ -n "${updated:-}" ] || apt-get -q update >/dev/null
	updated=yes
	echo "e2e: installing $package"
	apt-get -q install -y --no-install-recommends "$package" </dev/null >/dev/null
}

has_postgres() { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; }

need python3-venv python3 -m ensurepip --version
need postgresql has_postgres
need chromium command -v chromium
"$root/scripts/need" mariadb
"$root/scripts/need-dynamodb"
"$root/scripts/need-buckets"

mkdir -p "$VARVE_VENVS"

# As in python/test.sh: compiled modules are kept, or each start of an app compiles them again.
PYTHONDONTWRITEBYTECODE=
PYTHONPYCACHEPREFIX=$(cd "$VARVE_VENVS" && pwd)/bytecode
export PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX

if [ ! -x "$VARVE_VENVS/uv-tool/bin/uv" ]; then
	python3 -m venv "$VARVE_VENVS/uv-tool"
	"$VARVE_VENVS/uv-tool/bin/pip" install --quiet uv </dev/null
fi

# install VERSION PINS: the environment of one Chainlit version, unless it was made from these very pins before.
install() {
	env=$VARVE_VENVS/venv-chainlit-$1
	mark=$env/e2e-requirements
	[ -f "$mark" ] && cmp -s "$2" "$mark" && return
	[ -x "$env/bin/python" ] || "$VARVE_VENVS/uv-tool/bin/uv" venv --quiet --python python3 "$env"
	"$VARVE_VENVS/uv-tool/bin/uv" pip install --quiet --python "$env/bin/python" -r "$2"
	cp "$2" "$mark"
}

install "$newest" "$here/requirements.txt"
for version in $older; do
	install "$version" "$root/python/requirements/chainlit-$version.txt"
done

if [ -z "${VARVE_BINARY:-}" ]; then
	(cd "$root" && go build -o bin/varve ./cmd/varve)
	VARVE_BINARY=$root/bin/varve
fi
export VARVE_BINARY

cd "$here"
exec "$VARVE_VENVS/venv-chainlit-$newest/bin/python" -m pytest "$@" </dev/null
