#!/bin/sh
# Tests the Python package against the real server, on each Chainlit it supports,
# what it does for small state, with ibis, and the datalayer, on PostgreSQL
# and MariaDB too.
#
#   python/test.sh [VERSION…] [-- PYTEST OPTIONS]
#
# VARVE_BINARY names the server; without it the tests build it from this clone.
# Environments are kept in .cache/ (VARVE_VENVS), so only the first run installs.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
envs=${VARVE_VENVS:-$here/../.cache}
versions=
while [ $# -gt 0 ] && [ "$1" != "--" ]; do
	versions="$versions $1"
	shift
done
[ $# -eq 0 ] || shift
: "${versions:=1.3.2 2.0.603 2.5.5 2.9.6 2.12.0}"

mkdir -p "$envs"

# An app that starts imports some two thousand modules. What Python makes of them
# is kept beside the environments, whatever the machine's habit is: without, each
# start compiles them again.
PYTHONDONTWRITEBYTECODE=
PYTHONPYCACHEPREFIX=$(cd "$envs" && pwd)/bytecode
export PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX

if [ ! -x "$envs/uv-tool/bin/uv" ]; then
	python3 -m venv "$envs/uv-tool"
	"$envs/uv-tool/bin/pip" install --quiet uv
fi

# install makes the environment of one version, unless it was made from these
# very requirements before.
install() {
	env=$envs/venv-chainlit-$1
	pins=$here/requirements/chainlit-$1.txt
	mark=$env/varve-test-requirements
	wanted=$(cat "$pins" "$here/requirements/test.txt")
	[ -f "$mark" ] && [ "$(cat "$mark")" = "$wanted" ] && return
	[ -x "$env/bin/python" ] || "$envs/uv-tool/bin/uv" venv --quiet --python python3 "$env"
	"$envs/uv-tool/bin/uv" pip install --quiet --python "$env/bin/python" \
		-r "$pins" -r "$here/requirements/test.txt"
	printf '%s\n' "$wanted" >"$mark"
}

if [ -z "${VARVE_BINARY:-}" ]; then
	(cd "$here/.." && go build -o bin/varve ./cmd/varve)
	VARVE_BINARY=$here/../bin/varve
	export VARVE_BINARY
fi

cd "$here"
failed=
for version in $versions; do
	echo "== Chainlit $version"
	install "$version"
	"$envs/venv-chainlit-$version/bin/python" -m pytest tests "$@" || failed="$failed $version"
done
echo "== state and datalayer"
env=$envs/venv-state
mark=$env/varve-test-requirements
if ! cmp -s "$mark" requirements/state.txt; then
	[ -x "$env/bin/python" ] || "$envs/uv-tool/bin/uv" venv --quiet --python python3 "$env"
	"$envs/uv-tool/bin/uv" pip install --quiet --python "$env/bin/python" -r requirements/state.txt
	cp requirements/state.txt "$mark"
fi
"$env/bin/python" -m pytest tests_state tests_data "$@" || failed="$failed (state)"
if [ -n "$failed" ]; then
	echo "failed on Chainlit$failed" >&2
	exit 1
fi
