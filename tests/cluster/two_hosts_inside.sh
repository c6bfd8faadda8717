#!/usr/bin/env bash
# The inside of two_hosts.sh: runs as the first process of its own namespaces. Not to be called alone.
set -euo pipefail
project=$1 python=$2 limit_seconds=$3
venv=$(dirname "$(dirname "$python")")
net=10.77.0
export PATH=$PATH:/usr/sbin:/sbin

say() { echo "two hosts: $*"; }

# A folder of one's own in memory, without losing sight of the project and its environment below it.
own_tmp() {
    mount -t tmpfs none /mnt
    mkdir /mnt/project /mnt/venv
    mount --bind "$project" /mnt/project
    mount --bind "$venv" /mnt/venv
    mount -t tmpfs none /tmp
    for folder in project venv; do
        mkdir -p "${!folder}"
        mount --bind "/mnt/$folder" "${!folder}"
    done
    umount -l /mnt
    mkdir -p /tmp/home/.ssh
    sed "s#^root:.*#root:x:0:0:root:/tmp/home:/bin/bash#" /etc/passwd >/tmp/passwd
    mount --bind /tmp/passwd /etc/passwd
    # There is no name server to wait for.
    printf '127.0.0.1 localhost\n%s.2 head\n%s.3 worker\n' $net $net >/tmp/hosts
    echo "nameserver 127.0.0.1" >/tmp/resolv.conf
    mount --bind /tmp/hosts /etc/hosts
    mount --bind /tmp/resolv.conf /etc/resolv.conf
    echo "PATH=$venv/bin:\$PATH" >/tmp/home/.bashrc
    export HOME=/tmp/home
}

# A host's first process: its own mounts, then sshd.
be_host() {
    local name=$1 address=$2
    hostname "$name"
    mount -t tmpfs none /run
    mount -t tmpfs none /dev/shm
    key=$(cat /tmp/home/key.pub)
    own_tmp
    mkdir -p /run/sshd
    echo "$key" >/tmp/home/.ssh/authorized_keys
    chmod 700 /tmp/home/.ssh
    ssh-keygen -q -t ed25519 -N "" -f /tmp/host_key
    exec /usr/sbin/sshd -D -e -f /dev/null -h /tmp/host_key -o "ListenAddress=$address" -o UsePAM=no \
        -o PermitRootLogin=prohibit-password -o PasswordAuthentication=no -o PidFile=none \
        -o StrictModes=no -o "SetEnv=PYTHONPATH=/tmp/home/finetune-study"
}

if [ "$3" = host ]; then
    be_host "$4" "$5"
fi

mount --make-rprivate /
mount -t tmpfs none /run
mount -t tmpfs none /srv  # before the hosts part from here: what they share
shared=/srv
hostname laptop
own_tmp
ssh-keygen -q -t ed25519 -N "" -f "$HOME/key"

ip link set lo up
ip link add hosts type bridge
ip address add $net.1/24 dev hosts
ip link set hosts up
start_host() {
    local name=$1 address=$2
    ip netns add "$name"
    ip link add "$name" type veth peer name eth0 netns "$name"
    ip link set "$name" master hosts up
    ip -n "$name" link set lo up
    ip -n "$name" link set eth0 up
    ip -n "$name" address add "$address/24" dev eth0
    ip -n "$name" route add default via $net.1
    ip netns exec "$name" unshare --mount --pid --uts --fork --kill-child --mount-proc \
        "$0" "$project" "$python" host "$name" "$address" 2>"$HOME/$name.log" &
}
start_host head $net.2
start_host worker $net.3
worker=$!

export RAY_AUTH_MODE=token RAY_UP_enable_autoscaler_v2=0 RAY_USAGE_STATS_ENABLED=0 TERM=dumb
"$venv/bin/ray" get-auth-token --generate >/dev/null
chmod 600 "$HOME/.ray/auth_token"
# A lost node is noticed within ten seconds, not a minute.
start="RAY_health_check_period_ms=1000 RAY_health_check_timeout_ms=2000 RAY_health_check_failure_threshold=3"
start="$start RAY_AUTH_MODE=token FAKE_TRIAL_SECONDS=2 $venv/bin/ray start --num-cpus=1 --disable-usage-stats"
start="$start --object-store-memory=100000000"
cat >"$HOME/cluster.yaml" <<YAML
cluster_name: two-hosts
provider: {type: local, head_ip: $net.2, worker_ips: [$net.3]}
auth: {ssh_user: root, ssh_private_key: $HOME/key}
min_workers: 1
max_workers: 1
file_mounts:
  ~/finetune-study: $project
  ~/.ray/auth_token: $HOME/.ray/auth_token
rsync_exclude: [.git, .venv, results]
head_start_ray_commands:
  - $venv/bin/ray stop
  - $start --head --port=6379 --dashboard-host=127.0.0.1 --autoscaling-config=~/ray_bootstrap_config.yaml
worker_start_ray_commands:
  - $venv/bin/ray stop
  - $start --address=\$RAY_HEAD_IP:6379
YAML

run_on_head() { "$venv/bin/ray" exec --no-config-cache "$HOME/cluster.yaml" "cd finetune-study && $*" 2>&1; }
study="HF_HUB_OFFLINE=1 FAKE_TRAINER=in_steps $python -m tests.fake_study --space lora_vs_qlora"
study="$study --address auto --trials 2 --replicates 1"

say "ray up"
timeout $((limit_seconds / 2)) "$venv/bin/ray" up -y --no-config-cache "$HOME/cluster.yaml" >"$HOME/up.log" 2>&1 ||
    { cat "$HOME"/*.log; exit 1; }
run_on_head "RAY_AUTH_MODE=token $python -m tests.cluster.two_hosts_check wait-for-nodes 2" >"$HOME/join.log" ||
    { cat "$HOME"/*.log; exit 1; }

say "a results folder that the worker does not see is refused"
refusal=$(run_on_head "$study --results /tmp/home/mine; echo status \$?")
grep -q "error: node $net.3 of the cluster can't run trials: it does not see '/tmp/home'" <<<"$refusal" &&
    grep -q "status 2" <<<"$refusal" || { echo "$refusal"; exit 1; }

say "a study, and the loss of the worker"
run_on_head "$study --results $shared/results" >"$HOME/study.log" &
running=$!
"$python" -m tests.cluster.two_hosts_check in-mid-run "$shared/results" worker || { cat "$HOME/study.log"; exit 1; }
kill -KILL "$worker"  # with it goes every process of the host
wait "$running" || { cat "$HOME/study.log"; exit 1; }
"$python" -m tests.cluster.two_hosts_check full-table "$shared/results" || { cat "$HOME/study.log"; exit 1; }
grep "^Dashboard: http://.* on the head" "$HOME/study.log" || { cat "$HOME/study.log"; exit 1; }
grep -A4 " arm " "$HOME/study.log"

say "a study as a job, through the tunnel of ray dashboard"
"$venv/bin/ray" dashboard "$HOME/cluster.yaml" >"$HOME/tunnel.log" 2>&1 &
tunnel=$!
until (: </dev/tcp/127.0.0.1/8265) 2>/dev/null; do
    kill -0 "$tunnel" || { cat "$HOME/tunnel.log"; exit 1; }
    sleep 1
done
"$venv/bin/ray" job submit --address http://127.0.0.1:8265 -- bash -c "cd ~/finetune-study && exec $python -m \
    tests.fake_study --space lora_vs_qlora --set variant=main --trials 1 --replicates 1 \
    --results $shared/jobs" >"$HOME/job.log" 2>&1 || { cat "$HOME/job.log"; exit 1; }
grep -A4 " arm " "$HOME/job.log"

say "a script by ray submit"
echo 'import study.run; print("status", study.run.main(["--list"]))' >"$HOME/list_spaces.py"
"$venv/bin/ray" submit "$HOME/cluster.yaml" "$HOME/list_spaces.py" >"$HOME/submit.log" 2>&1 &&
    grep -q "^status 0" "$HOME/submit.log" || { cat "$HOME/submit.log"; exit 1; }

say "ray down"
run_on_head "RAY_AUTH_MODE=token $venv/bin/ray status" >"$HOME/status.log" || { cat "$HOME/status.log"; exit 1; }
"$venv/bin/ray" down -y "$HOME/cluster.yaml" >"$HOME/down.log" 2>&1 || { cat "$HOME/down.log"; exit 1; }
! run_on_head "RAY_AUTH_MODE=token $venv/bin/ray status" >/dev/null || { say "the cluster still runs"; exit 1; }
say "done"
