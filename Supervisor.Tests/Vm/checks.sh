# Runs in the virtual machine: supervisor-oci where every controller is on cgroup v2.
passed=0 failed=0
ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() { failed=$((failed + 1)); echo "FAIL $1: $2"; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "[$2], wanted [$3]"; fi; }
oci() { timeout 60 supervisor-oci "$@" </dev/null; }
cgroup() { cat "/sys/fs/cgroup/vm/$1" 2>&1; }

# spec RESOURCES ARG...: a bundle's config.json, its cgroup at /vm.
spec() {
  resources=$1; shift
  args=; for arg in "$@"; do args="$args${args:+,}\"$arg\""; done
  cat >/bundle/config.json <<EOF
{"ociVersion":"1.2.0","root":{"path":"rootfs"},"hostname":"vm",
 "process":{"user":{"uid":0,"gid":0},"args":[$args],"env":["PATH=/bin"],"cwd":"/",
  "capabilities":{"bounding":["CAP_MKNOD"],"effective":["CAP_MKNOD"],"permitted":["CAP_MKNOD"]}},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"},
  {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=755"]},
  {"destination":"/tmp","type":"tmpfs","source":"tmpfs"},
  {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["ro","nosuid","noexec","nodev"]}],
 "linux":{"cgroupsPath":"/vm","resources":$resources,
  "namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"network"},{"type":"cgroup"}]}}
EOF
}
run() { out=$(oci run --bundle /bundle vm 2>&1); rc=$?; }

echo "vm: $(uname -r), controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"

spec '{}' sh -c 'echo hello; exit 7'
run; same "output" "$out" hello; same "exit status" "$rc" 7
same "the cgroup is gone afterwards" "$(ls -d /sys/fs/cgroup/vm 2>/dev/null)" ""

spec '{"memory":{"limit":33554432,"reservation":16777216,"swap":33554432},"pids":{"limit":20},
  "cpu":{"shares":512,"quota":50000,"period":100000,"cpus":"0"}}' \
  sh -c 'cd /sys/fs/cgroup; cat memory.max memory.low memory.swap.max pids.max cpu.weight cpu.max cpuset.cpus; cat /proc/self/cgroup'
run; same "memory, pids, cpu and cpuset as the container sees them" "$(echo $out)" "33554432 16777216 0 20 20 50000 100000 0 0::/"

spec '{"unified":{"memory.high":"20971520","pids.max":"9"}}' sh -c 'cat /sys/fs/cgroup/memory.high /sys/fs/cgroup/pids.max'
run; same "unified" "$(echo $out)" "20971520 9"

spec '{"memory":{"limit":16777216,"swap":16777216}}' sh -c 'x=a; while :; do x=$x$x; done'
run; same "more memory than allowed is an OOM kill" "$rc" 137

spec '{"pids":{"limit":4}}' sh -c 'for i in 1 2 3 4 5 6; do sleep 3 & done; wait'
run; case $out in *fork*) ok "more processes than allowed are refused" ;; *) bad "more processes than allowed are refused" "$out" ;; esac

# The serial line, c 4:64, is a device without a default rule.
open_serial='cd /tmp; mknod s c 4 64; (: <s) 2>/dev/null && echo readable || echo unreadable; (: >s) 2>/dev/null && echo writable || echo unwritable; echo x >/dev/null && echo null'
spec '{"devices":[{"allow":false,"access":"rwm"}]}' sh -c "$open_serial"
run; same "a device without a rule is refused" "$(echo $out)" "unreadable unwritable null"
spec '{"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":4,"minor":64,"access":"r"}]}' sh -c "$open_serial"
run; same "and read where a rule says so" "$(echo $out)" "readable unwritable null"

spec '{"memory":{"limit":33554432}}' sleep 1000
oci create --bundle /bundle vm >/run/create.log 2>&1; same "create" "$?" 0
case "$(oci state vm)" in *'"created"'*) ok "state: created" ;; *) bad "state: created" "$(oci state vm)" ;; esac
oci start vm; same "start" "$?" 0
oci pause vm; same "pause" "$?" 0
same "the cgroup is frozen" "$(cgroup cgroup.events | grep frozen)" "frozen 1"
oci resume vm; same "and thawed" "$(cgroup cgroup.events | grep frozen)" "frozen 0"
oci update --memory 67108864 --pids-limit 33 vm; same "update" "$?" 0
same "update took effect" "$(cgroup memory.max) $(cgroup pids.max)" "67108864 33"
same "exec" "$(oci exec vm echo in-exec 2>&1)" in-exec
case "$(oci events --stats vm)" in *'"memory"'*) ok "statistics" ;; *) bad "statistics" "$(oci events --stats vm 2>&1)" ;; esac
oci kill vm KILL; same "kill" "$?" 0
n=0; while oci state vm | grep -q '"running"' && [ $n -lt 100 ]; do n=$((n + 1)); usleep 50000; done
oci delete vm; same "delete" "$?" 0
same "its cgroup is removed" "$(ls -d /sys/fs/cgroup/vm 2>/dev/null)" ""
# An init that enables controllers for child cgroups, as systemd does: no process can be spawned in the container's own cgroup.
spec '{"memory":{"limit":33554432}}' sleep 1000
sed -i 's/"ro","nosuid"/"nosuid"/' /bundle/config.json
oci create --bundle /bundle vm >/run/create.log 2>&1; oci start vm
oci exec vm sh -c 'cd /sys/fs/cgroup; busybox mkdir inner && echo 1 >inner/cgroup.procs && echo $$ >inner/cgroup.procs && echo +memory >cgroup.subtree_control'
same "an init may enable controllers for its children" "$(cgroup cgroup.subtree_control)" memory
same "an exec is in the init's cgroup" "$(oci exec vm cat /proc/self/cgroup 2>&1)" "0::/inner"
same "or in the given one" "$(oci exec --cgroup inner vm cat /proc/self/cgroup 2>&1)" "0::/inner"
oci exec --cgroup / vm true >/run/exec.log 2>&1; [ "$?" != 0 ] && ok "but not in one that takes no process" || bad "but not in one that takes no process" "$(cat /run/exec.log)"
oci delete --force vm; same "its cgroups are removed with it" "$(ls -d /sys/fs/cgroup/vm 2>/dev/null)" ""

# SIGKILL reaches what is frozen: the container itself, a cgroup below it, or both. What is frozen below has a process of its own.
spec '{"memory":{"limit":33554432}}' sh -c 'sleep 1000 & sleep 1000'
ended() { n=0; while oci state vm | grep -Eq '"(running|paused)"' && [ $n -lt 100 ]; do n=$((n + 1)); usleep 50000; done; oci state vm | grep -o '"stopped"'; }
for frozen in container below both; do
  for how in kill "kill --all" "delete --force"; do
    oci create --bundle /bundle vm >/run/create.log 2>&1; oci start vm
    n=0; while [ "$(cgroup cgroup.procs | wc -l)" -lt 3 ] && [ $n -lt 100 ]; do n=$((n + 1)); usleep 50000; done
    if [ $frozen != container ]; then
      mkdir -p /sys/fs/cgroup/vm/below/deeper
      cgroup cgroup.procs | tail -1 >/sys/fs/cgroup/vm/below/deeper/cgroup.procs
      echo 1 >/sys/fs/cgroup/vm/below/cgroup.freeze
      n=0; while ! cgroup below/cgroup.events | grep -q "frozen 1" && [ $n -lt 100 ]; do n=$((n + 1)); usleep 50000; done
      same "$frozen frozen, $how: it is frozen below" "$(cgroup below/cgroup.events | grep frozen)" "frozen 1"
    fi
    [ $frozen = below ] || { oci pause vm; same "$frozen frozen, $how: it is paused" "$(cgroup cgroup.events | grep frozen)" "frozen 1"; }
    case $how in
      delete*) oci delete --force vm; same "$frozen frozen, $how" "$?" 0 ;;
      kill*)
        [ "$how" = kill ] && oci kill vm KILL || oci kill --all vm KILL; same "$frozen frozen, $how" "$?" 0
        same "$frozen frozen, $how: it ends" "$(ended)" '"stopped"'
        oci delete vm; same "$frozen frozen, $how: delete" "$?" 0 ;;
    esac
    same "$frozen frozen, $how: its cgroups are removed" "$(ls -d /sys/fs/cgroup/vm 2>/dev/null)" ""
  done
done

echo "$passed passed, $failed failed"
