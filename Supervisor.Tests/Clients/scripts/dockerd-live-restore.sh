#!/bin/bash
# dockerd-live-restore.sh - containers under dockerd --live-restore, while dockerd and the daemon under test restart.
# usage: ADDRESS=/run/x.sock [DAEMON_STOP=CMD DAEMON_KILL=CMD DAEMON_START=CMD] [DOCKERD=..] [DOCKER=..] [V=1] dockerd-live-restore.sh
# The three commands stop the daemon at ADDRESS gracefully, kill it, and start it again; without them only dockerd is restarted.
. "$(dirname "$0")/lib.sh"
. "$HERE/dockerlib.sh"
DFLAGS=(--live-restore)
d_start && pass 'dockerd starts with --live-restore' || { fail 'dockerd starts with --live-restore'; exit; }
bounded "$DOCKER" import "$IMG/rootfs.tar" bb:latest >/dev/null 2>"$W/err" </dev/null; same 'docker import' $? 0
N=(--network none)
COUNT='i=0; trap "exit 5" TERM; while :; do i=$((i+1)); echo line-$i; sleep 0.1; done'
lines() { bounded "$DOCKER" logs "$1" 2>/dev/null </dev/null | grep -c '^line-'; }
last() { bounded "$DOCKER" logs "$1" 2>/dev/null </dev/null | tail -1 | tr -d '\r'; }
pid_of() { bounded "$DOCKER" inspect -f '{{.State.Pid}}' "$1" </dev/null; }
# goes_on NAME CONTAINER: more output arrives in the log
goes_on() { local before i; before=$(last "$2"); for i in $(seq 60); do [ "$(last "$2")" != "$before" ] && { pass "$1"; return; }; sleep 0.1; done; fail "$1" "stays at $before"; }
# no_hole NAME CONTAINER: lines 1..n without gap or repetition
no_hole() { local n; n=$(last "$2"); same "$1" "$(lines "$2")" "${n#line-}"; }
# whole NAME CONTAINER: after a restart: same process, exec, output
whole() {
  same "$1: running" "$(state "$2")" running/0; same "$1: the same process" "$(pid_of "$2")" "$3"
  d exec "$2" echo in-exec; same "$1: exec" "$OUT" in-exec; goes_on "$1: output continues" "$2"
}

d run -d "${N[@]}" --name l1 bb sh -c "$COUNT"; rc 'run -d' 0; P1=$(pid_of l1)
d run -d -t "${N[@]}" --name t1 bb sh -c "$COUNT"; rc 'run -dt' 0; PT=$(pid_of t1)
goes_on 'output of l1' l1; goes_on 'output of t1' t1

# --- dockerd restarts, gracefully and killed
d_stop; kill -0 "$P1" && pass 'l1 lives on without dockerd' || fail 'l1 lives on without dockerd'
d_start || fail 'dockerd starts again'; whole 'after dockerd stopped' l1 "$P1"; whole 'after dockerd stopped (tty)' t1 "$PT"
d run -d "${N[@]}" --name g1 bb sh -c 'sleep 2; exit 9'
d_kill9; sleep 3; d_start || fail 'dockerd starts after kill -9'; whole 'after dockerd was killed' l1 "$P1"
wait_state g1 exited/9; same 'what ended without dockerd has its status' "$(state g1)" exited/9; d rm g1
d pause l1; d_stop; d_start; same 'a paused one is paused again' "$(state l1)" paused/0; d unpause l1; same 'and keeps running' "$(state l1)" running/0

# --- the daemon restarts under dockerd, gracefully and killed
for how in ${DAEMON_START:+KILL STOP}; do
  end=DAEMON_$how
  d run -d "${N[@]}" --name g2 bb sh -c 'sleep 1; exit 8'
  eval "${!end}"; sleep 1.5; kill -0 "$P1" && pass "$how: l1 lives on without the daemon" || fail "$how: l1 lives on without the daemon"
  eval "$DAEMON_START"
  until_ok 20 "$DOCKER" exec l1 true || fail "$how: dockerd speaks with the daemon again"
  whole "$how of the daemon" l1 "$P1"; whole "$how of the daemon (tty)" t1 "$PT"
  wait_state g2 exited/8; same "$how: what ended in between has its status" "$(state g2)" exited/8; d rm -f g2
  d run --rm "${N[@]}" bb echo new; same "$how: new containers run" "$OUT" new
done
d stop -t 5 l1; same 'l1 stops with its own status' "$(state l1)" exited/5
no_hole 'not a line of l1 is lost' l1
d stop -t 5 t1; same 't1 stops with its own status' "$(state t1)" exited/5
d start l1; same 'l1 starts again' "$(state l1)" running/0
d rm -f l1 t1; rc 'rm -f' 0
d_stop
run "$CTR" -n moby t ls -q; same 'no task left in namespace moby' "$OUT" ''
