#!/bin/bash
# ctr-checkpoint.sh - checkpoint and restore through ctr. The daemon needs a criu that works on this kernel.
# usage: ADDRESS=/run/x.sock [CTR=ctr] [V=1] ctr-checkpoint.sh
. "$(dirname "$0")/lib.sh"
NS=ck$$
ctr_() { run "$CTR" -n "$NS" "$@"; }
RT=(--runtime "${RUNTIME:-io.containerd.runc.v2}")
sweep() { local i; for i in $(timeout 10 "$CTR" -n "$NS" c ls -q); do timeout 10 "$CTR" -n "$NS" t kill -s 9 "$i"; timeout 10 "$CTR" -n "$NS" t rm -f "$i"; timeout 10 "$CTR" -n "$NS" c rm "$i"; done; for i in $(timeout 10 "$CTR" -n "$NS" i ls -q); do timeout 10 "$CTR" -n "$NS" i rm --sync "$i"; done; timeout 10 "$CTR" ns rm "$NS"; }
CLEANUP+=(sweep "rmdir /sys/fs/cgroup/*/$NS /sys/fs/cgroup/$NS")
ctr_ i import ${IMPORT_FLAGS:-} "$IMG/image.tar"; rc import 0
ctr_ run -d "${RT[@]}" "$REF" k1 /bin/loop5; rc 'run -d' 0
ctr_ t checkpoint k1
if [ "$RC" != 0 ]; then echo "checkpoint does not work here: $ERR"; fi
rc 't checkpoint' 0; CK=$(tail -1 <<<"$OUT")
ctr_ t ls; has 'still running after a checkpoint' "$OUT" '^k1 .*RUNNING'
ctr_ i ls -q; has 'checkpoint image' "$OUT" 'containerd.io/checkpoint/k1'
ctr_ t kill -s 9 k1; sleep 0.5; ctr_ t rm k1; ctr_ c rm k1
ctr_ run -d "${RT[@]}" "$REF" k2 /bin/loop5
ctr_ t checkpoint --exit --image-path "$W/ck" --work-path "$W/ckw" k2; rc 't checkpoint --exit --image-path' 0
ls "$W"/ck/*.img >/dev/null 2>&1 && pass 'images written' || fail 'images written'
for i in $(seq 30); do ctr_ t ls; grep -q '^k2 .*STOPPED' <<<"$OUT" && break; sleep 0.1; done; has 'stopped by --exit' "$OUT" '^k2 .*STOPPED'
ctr_ t rm k2; ctr_ c rm k2
ctr_ run -d "${RT[@]}" "$REF" k3 /bin/loop5
ctr_ c checkpoint --rw --task --image k3 "ck.io/$NS:1"; rc 'c checkpoint --rw --task --image' 0
ctr_ t kill -s 9 k3; sleep 0.5; ctr_ t rm k3; ctr_ c rm k3
timeout 20 "$CTR" -n "$NS" c restore --rw --live k4 "ck.io/$NS:1" >"$W/restore" 2>&1 </dev/null & RP=$!; PIDS+=($RP)
for i in $(seq 60); do ctr_ t ls; grep -q '^k4 .*RUNNING' <<<"$OUT" && break; sleep 0.1; done; has 'restored task runs' "$OUT" '^k4 .*RUNNING'
ctr_ t exec --exec-id e1 k4 /bin/echo alive; same 'exec in a restored task' "$OUT" alive
ctr_ t kill k4; for i in $(seq 30); do ctr_ t ls; grep -q '^k4 .*RUNNING' <<<"$OUT" || break; sleep 0.1; done
hasnot 'restored task takes its TERM trap' "$OUT" '^k4 .*RUNNING'
