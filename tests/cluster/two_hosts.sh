#!/usr/bin/env bash
# Two hosts on one machine: `ray up` over ssh, a short study, the loss of a worker, a study by `ray job submit`
# through the tunnel of `ray dashboard`, `ray submit`, `ray down`.
#
#   sudo tests/cluster/two_hosts.sh [PYTHON]     # about 4 minutes; PYTHON: .venv/bin/python
#
# Exit status: 0 all went as it must, 77 can't run here (one line says why), anything else: a fault.
#
# A host is a network namespace with its own processes, hostname, /tmp, /run and home, and an sshd; both see one
# shared folder. All of it lives in namespaces of this script's own and goes with them, however it ends: the
# machine's network, processes and files are not touched.
set -euo pipefail

project=$(cd "$(dirname "$0")/../.." && pwd)
limit_seconds=${TWO_HOSTS_SECONDS:-900}

cannot() {
    echo "two hosts: not run here: $1"
    exit 77
}

[ "$(id -u)" = 0 ] || cannot "it needs root"
for tool in ip unshare nsenter sshd ssh ssh-keygen rsync; do
    command -v "$tool" >/dev/null || [ -x "/usr/sbin/$tool" ] || cannot "there is no $tool"
done
unshare --net --mount --pid --fork --mount-proc ip link add two-hosts type bridge 2>/dev/null ||
    cannot "this machine lets nobody make namespaces or bridges"

python=${1:-$project/.venv/bin/python}
"$python" -c 'import ray' || { echo "two hosts: $python has no Ray; first: make"; exit 1; }
status=0
# --kill-child: whatever ends the first process ends every other one in it.
timeout --kill-after=5 "$limit_seconds" \
    unshare --net --mount --pid --uts --fork --kill-child --mount-proc \
    "$project/tests/cluster/two_hosts_inside.sh" "$project" "$python" "$limit_seconds" || status=$?
[ "$status" != 124 ] || echo "two hosts: not through within $limit_seconds s"
exit "$status"
