#!/bin/bash
# dockerd-files.sh - files and health of docker containers: cp, diff, export, commit, health checks, init.
# usage: ADDRESS=/run/x.sock [DOCKERD=dockerd] [DOCKER=docker] [DRIVER=overlay2|vfs] [V=1] dockerd-files.sh
. "$(dirname "$0")/lib.sh"
. "$HERE/dockerlib.sh"
d_start && pass 'dockerd starts' || { fail 'dockerd starts'; exit; }
bounded "$DOCKER" import "$IMG/rootfs.tar" bb:latest >/dev/null 2>"$W/err" </dev/null; same 'docker import' $? 0
N=(--network none)
health() { bounded "$DOCKER" inspect -f '{{.State.Health.Status}}' "$1" 2>/dev/null </dev/null; }
wait_health() { local i; for i in $(seq 150); do [ "$(health "$1")" = "$2" ] && return 0; sleep 0.1; done; return 1; }
# --- cp, both ways, while it runs and after
d run -d "${N[@]}" --name f1 bb sh -c 'mkdir /made; echo inside >/made/file; ln -s file /made/link; trap "exit 0" TERM; while :; do sleep 0.1; done'; rc 'run -d' 0
until_ok 10 "$DOCKER" exec f1 test -L /made/link
echo outside >"$W/file"
d cp "$W/file" f1:/made/copied; rc 'cp into a running container' 0
d exec f1 cat /made/copied; same 'and it is there' "$OUT" outside
d cp f1:/made "$W/out.d"; rc 'cp of a directory out of a running container' 0
same 'and it is whole' "$(cat "$W/out.d/file" "$W/out.d/link" "$W/out.d/copied" 2>/dev/null | tr '\n' ' ')" 'inside inside outside '
OUT=$(bounded "$DOCKER" cp f1:/made/file - </dev/null | tar -xOf - 2>/dev/null); same 'cp as a tar' "$OUT" inside
d cp f1:/nothing "$W/x"; rcnot 'cp of what is not there' 0
d stop -t 5 f1; rc stop 0
d cp "$W/file" f1:/made/late; rc 'cp into a stopped container' 0
d cp f1:/made/late "$W/late"; same 'cp out of a stopped container' "$(cat "$W/late" 2>/dev/null)" outside
# --- diff, export, commit
d diff f1; has 'diff: added' "$OUT" '^A /made/file'
bounded "$DOCKER" export f1 2>/dev/null </dev/null | tar -tf - >"$W/list" 2>/dev/null; has 'export' "$(cat "$W/list")" '^made/late$'
d commit -c 'CMD ["cat","/made/late"]' -m why f1 again:1; rc 'commit of a stopped container' 0
d run --rm "${N[@]}" again:1; same 'what was committed runs' "$OUT" outside
d start f1; rc 'start again' 0; d exec f1 sh -c 'echo live >/live'
d commit f1 again:2; rc 'commit of a running container' 0; same 'which keeps running' "$(state f1)" running/0
d run --rm "${N[@]}" again:2 cat /live; same 'and has its files' "$OUT" live
d history --format '{{.Comment}}' again:1; has 'history' "$OUT" '^why'
d rm -f f1; rc 'rm -f' 0
# --- health
d run -d "${N[@]}" --name h1 --health-cmd 'test -e /ok' --health-interval 300ms --health-retries 2 --health-timeout 5s bb sh -c 'echo >/ok; while :; do sleep 0.1; done'
rc 'run with a health check' 0
wait_health h1 healthy; same 'it becomes healthy' "$(health h1)" healthy
d exec h1 rm /ok; wait_health h1 unhealthy; same 'and unhealthy' "$(health h1)" unhealthy
d ps --filter health=unhealthy --format '{{.Names}}'; same 'ps by health' "$OUT" h1
d exec h1 touch /ok; wait_health h1 healthy; same 'and healthy again' "$(health h1)" healthy
d inspect -f '{{(index .State.Health.Log 0).ExitCode}}' h1; has 'its log' "$OUT" '^[01]$'
d rm -f h1
d run -d "${N[@]}" --name h2 --health-cmd 'sleep 30' --health-interval 300ms --health-retries 1 --health-timeout 1s bb sh -c 'while :; do sleep 0.1; done'
wait_health h2 unhealthy; same 'a check that hangs is unhealthy' "$(health h2)" unhealthy
d top h2; hasnot 'and is ended' "$(grep -c 'sleep 30' <<<"$OUT")" '^[3-9]'
d rm -f h2; rc 'rm -f' 0
# --- restart policies across a restart of dockerd, init
d run -d "${N[@]}" --name p1 --restart always bb sh -c 'while :; do sleep 0.1; done'
d run -d "${N[@]}" --name p2 --restart unless-stopped bb sh -c 'while :; do sleep 0.1; done'; d stop -t 0 p2
d_stop; d_start; rc 'dockerd starts again' 0
wait_state p1 running/0; same '--restart always: runs again' "$(state p1)" running/0
has '--restart unless-stopped: stays stopped' "$(state p2)" '^exited/'
d rm -f p1 p2
if command -v docker-init >/dev/null; then
d run --rm "${N[@]}" --init bb sh -c 'cat /proc/1/comm'; has '--init: docker-init is the first process' "$OUT" 'docker-init|tini'
else skip '--init (no docker-init on this machine)'; fi
d ps -aq; same 'nothing left' "$OUT" ''
d_stop; pass 'dockerd stopped'
run "$CTR" -n moby t ls -q; same 'no task left in namespace moby' "$OUT" ''
