#!/bin/bash
# dockerd-basic.sh - dockerd on top of the daemon under test: run, exec, logs, stdio, tty, pause, stats, top, update,
# stop, kill, restart, restart policies, wait, events, OOM, failures.
# usage: ADDRESS=/run/x.sock [DOCKERD=dockerd] [DOCKER=docker] [DRIVER=overlay2|vfs] [V=1] dockerd-basic.sh
. "$(dirname "$0")/lib.sh"
. "$HERE/dockerlib.sh"
d_start && pass 'dockerd starts' || { fail 'dockerd starts'; exit; }
d version; has 'docker version has the containerd version' "$OUT" 'containerd:'
d info; rc 'docker info' 0; has 'docker info: runtimes' "$OUT" 'runc'
bounded "$DOCKER" import "$IMG/rootfs.tar" bb:latest >/dev/null 2>"$W/err" </dev/null; same 'docker import' $? 0
timeout -s KILL 580 "$DOCKER" events --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}' >"$W/events" 2>&1 </dev/null & EV=$!; PIDS+=($EV)
N=(--network none)
# --- run
d run "${N[@]}" --name r1 bb echo hello; rc run 0; same 'run: stdout' "$OUT" hello
d logs r1; same 'logs' "$OUT" hello; d rm r1; rc rm 0
d run --rm "${N[@]}" bb sh -c 'exit 42'; rc 'run: exit status' 42
d run --rm "${N[@]}" bb sh -c 'echo out; echo err >&2'; same 'run: stdout apart' "$OUT" out; same 'run: stderr apart' "$ERR" err
OUT=$(echo piped | bounded "$DOCKER" run --rm -i "${N[@]}" bb cat); same 'run -i: stdin to EOF' "$OUT" piped
OUT=$(head -c 1000000 /dev/zero | bounded "$DOCKER" run --rm -i "${N[@]}" bb wc -c | tr -d ' '); same 'run -i: 1 MB in' "$OUT" 1000000
OUT=$(bounded "$DOCKER" run --rm "${N[@]}" bb sh -c 'head -c 1000000 /dev/zero' </dev/null | wc -c); same 'run: 1 MB out' "$OUT" 1000000
OUT=$(bounded script -qec "$DOCKER run --rm -it --network none bb sh -c 'tty; echo hi-tty; exit 4'" /dev/null </dev/null | tr -d '\r\0'); has 'run -it: terminal' "$OUT" '/dev/(pts/[0-9]+|console)'; has 'run -it: output' "$OUT" '^hi-tty'
bounded script -qec "$DOCKER run --rm -it --network none bb sh -c 'exit 4'" /dev/null </dev/null >/dev/null 2>&1; same 'run -it: exit status' $? 4
d run --rm --network host bb sh -c 'echo host-net'; same 'run --network host' "$OUT" host-net
d run --rm "${N[@]}" -e A=B -w /tmp -u 1000:1000 -h hname bb sh -c 'echo $A; pwd; id -u; hostname'; same 'run -e -w -u -h' "$OUT" "B
/tmp
1000
hname"
mkdir -p "$W/vol"; d run --rm "${N[@]}" -v "$W/vol:/v" bb sh -c 'echo x >/v/f'; same 'run -v' "$(cat "$W/vol/f" 2>/dev/null)" x
d run --rm "${N[@]}" --read-only bb sh -c 'echo x >/f'; rcnot 'run --read-only' 0
d run --rm "${N[@]}" --tmpfs /t bb sh -c 'echo x >/t/f && cat /t/f'; same 'run --tmpfs' "$OUT" x
d run --rm "${N[@]}" --init bb sh -c 'echo inited'; note "run --init: $RC $OUT"
full=$(printf '%016x' $(( (1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1 ))); if [ "$(awk '/CapBnd/{print $2}' /proc/self/status)" != "$full" ]; then skip 'run --privileged (this machine itself lacks capabilities)'; else
d run --rm "${N[@]}" --privileged bb sh -c 'grep CapEff /proc/self/status'; has 'run --privileged' "$OUT" 'CapEff:.*f{6}'; fi
d run --rm "${N[@]}" --cap-drop ALL bb sh -c 'grep CapEff /proc/self/status'; has 'run --cap-drop ALL' "$OUT" 'CapEff:\s*0+$'
d run --rm "${N[@]}" --ulimit nofile=77:77 bb sh -c 'ulimit -n'; same 'run --ulimit' "$OUT" 77
# --- failures
d run --rm "${N[@]}" bb /nonexistent; rc 'run of a missing program is 127' 127; has 'its message' "$ERR" 'no such file|not found'
d run --rm "${N[@]}" bb /etc/passwd; rc 'run of a plain file is 126' 126
d run "${N[@]}" --name f1 bb /nonexistent; same 'a container that failed to start' "$(state f1)" created/127; d rm f1
# --- detached, exec
d run -d "${N[@]}" --name d1 --memory 64m bb sh -c 'trap "exit 5" TERM; trap "echo usr1" USR1; echo started; while :; do sleep 0.1; done'; rc 'run -d' 0
sleep 0.3; d logs d1; same 'logs of a running container' "$OUT" started
d ps --format '{{.Names}} {{.Status}}'; has 'ps' "$OUT" '^d1 Up'
d exec d1 echo in-exec; rc exec 0; same 'exec: stdout' "$OUT" in-exec
d exec d1 sh -c 'exit 7'; rc 'exec: exit status' 7
OUT=$(echo exin | bounded "$DOCKER" exec -i d1 cat); same 'exec -i: stdin to EOF' "$OUT" exin
OUT=$(bounded script -qec "$DOCKER exec -it d1 sh -c 'tty; exit 6'" /dev/null </dev/null | tr -d '\r\0'); has 'exec -it: terminal' "$OUT" '/dev/pts/'
bounded script -qec "$DOCKER exec -it d1 sh -c 'exit 6'" /dev/null </dev/null >/dev/null 2>&1; same 'exec -it: exit status' $? 6
d exec d1 /nonexistent; if [ "$RC" = 126 ] || [ "$RC" = 127 ]; then pass 'exec of a missing program is 126/127'; else fail 'exec of a missing program' "$RC"; fi
d exec -u 1000 -e X=Y -w /tmp d1 sh -c 'id -u; echo $X; pwd'; same 'exec -u -e -w' "$OUT" "1000
Y
/tmp"
d exec -d d1 sh -c 'echo bg >/bg'; sleep 0.7; d exec d1 cat /bg; same 'exec -d' "$OUT" bg
for i in 1 2 3 4; do bounded "$DOCKER" exec d1 sh -c "sleep 0.2; echo x$i" >"$W/x$i" 2>&1 </dev/null & done; wait $(jobs -p | grep -vx "$EV" | grep -vx "$DPID") 2>/dev/null
same 'four execs at once' "$(cat "$W"/x[1-4] | sort | tr '\n' ' ')" 'x1 x2 x3 x4 '
# --- top, stats, pause, update, kill
d top d1; rc top 0; has 'top: the process' "$OUT" 'trap|sleep'
d stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' d1; rc stats 0; has 'stats: usage of limit, pids' "$OUT" '[1-9].*B / 64MiB [1-9]'
d pause d1; rc pause 0; same 'paused' "$(state d1)" paused/0; d exec d1 true; rcnot 'exec while paused fails' 0
d unpause d1; rc unpause 0; same 'running after unpause' "$(state d1)" running/0
d update --memory 128m --memory-swap 256m d1; rc update 0; d stats --no-stream --format '{{.MemUsage}}' d1; has 'update took effect' "$OUT" '/ 128MiB'
d kill -s USR1 d1; rc 'kill -s USR1' 0; sleep 0.5; d logs d1; has 'the trap ran' "$OUT" '^usr1'
# --- stop, start, restart, kill, wait
(sleep 0.5; bounded "$DOCKER" stop -t 5 d1 >/dev/null 2>&1 </dev/null) & SP=$!; d wait d1; same 'wait' "$OUT" 5; wait $SP 2>/dev/null; same 'stopped' "$(state d1)" exited/5
d start d1; rc start 0; same 'started again' "$(state d1)" running/0
d restart -t 5 d1; rc restart 0; same 'restarted' "$(state d1)" running/0
d kill d1; rc kill 0; wait_state d1 exited/137; same 'killed' "$(state d1)" exited/137
d logs d1; same 'logs of all three lives' "$(grep -c started <<<"$OUT")" 3
d start -a d1 & AP=$!; sleep 0.2; kill $AP 2>/dev/null; wait $AP 2>/dev/null; d rm -f d1; rc 'rm -f' 0
d run -d "${N[@]}" --name d3 bb sh -c 'trap "" TERM; while :; do sleep 0.1; done'; d stop -t 1 d3; same 'stop falls back to KILL' "$(state d3)" exited/137; removed d3
d run -d "${N[@]}" --name d4 bb sh -c 'sleep 0.5; exit 8'; wait_state d4 exited/8; same 'exit noticed by itself' "$(state d4)" exited/8; removed d4
d run -d "${N[@]}" --name d5 --restart on-failure:2 bb sh -c 'sleep 0.2; exit 3'; for i in $(seq 80); do d inspect -f '{{.RestartCount}} {{.State.Status}}' d5; [ "$OUT" = '2 exited' ] && break; sleep 0.1; done; same 'restart policy' "$OUT" '2 exited'; removed -f d5
# --- OOM
d run "${N[@]}" --name oom -m 16m --memory-swap 16m bb sh -c 'x=a; while :; do x=$x$x; done'; rc 'OOM: exit 137' 137; d inspect -f '{{.State.OOMKilled}}' oom; same 'OOM: flag' "$OUT" true; removed oom
# --- attach, many
d run -d -i "${N[@]}" --name at bb sh -c 'read l; echo got-$l; exit 3'; OUT=$( (echo word; sleep 1) | bounded "$DOCKER" attach at 2>/dev/null); RC=$?; same 'attach: output' "$OUT" got-word; removed -f at
for i in 1 2 3 4; do bounded "$DOCKER" run --rm "${N[@]}" bb echo "m$i" >"$W/m$i" 2>&1 </dev/null & done; wait $(jobs -p | grep -vx "$EV" | grep -vx "$DPID") 2>/dev/null
same 'four runs at once' "$(cat "$W"/m[1-4] | sort | tr '\n' ' ')" 'm1 m2 m3 m4 '
d ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.Status}} {{.Command}}'; same 'nothing left' "$OUT" ''
for id in $(cut -d' ' -f1 <<<"$OUT"); do grep -F "$id" "$W/dockerd.log" | tail -25; done # why it was not removed
# --- events
sleep 0.5; end_pid "$EV" 3
has 'docker events: die with status' "$(cat "$W/events")" '^container die d1 5'
has 'docker events: oom' "$(cat "$W/events")" '^container oom oom'
has 'docker events: exec_die' "$(cat "$W/events")" '^container exec_die'
has 'docker events: pause and unpause' "$(tr '\n' ' ' <"$W/events")" 'container pause d1.*container unpause d1'
# --- leftovers at the daemon
d_stop; pass 'dockerd stopped'
run "$CTR" -n moby c ls -q; same 'no container left in namespace moby' "$OUT" ''
run "$CTR" -n moby t ls -q; same 'no task left in namespace moby' "$OUT" ''
