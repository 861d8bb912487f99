# Shared by ./supervisor and ./test. Sourced, with $here set to the repository's root.

# Nothing of the SDK stays behind: no build server, no first-run banner, no node that outlives the build.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false

say() { printf 'supervisor: %s\n' "$*" >&2; }

# need COMMAND PACKAGE: installs a Debian package when its command is missing, and says so.
need() {
  command -v "$1" >/dev/null 2>&1 && return 0
  command -v apt-get >/dev/null 2>&1 || { say "$1 is missing; install it (Debian: $2)"; return 1; }
  say "installing $2 ($1 is missing)"
  [ -n "${APT_UPDATED:-}" ] || { apt-get update -qq >/dev/null 2>&1 || true; APT_UPDATED=1; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

need_sdk() {
  command -v dotnet >/dev/null 2>&1 || { say "the .NET SDK 10 is missing; see https://dotnet.microsoft.com/download"; return 1; }
  need gcc gcc
  need_library libseccomp.so.2 libseccomp2
}

# need_library SONAME PACKAGE: as need, for a library that is loaded when it is first used.
need_library() {
  /sbin/ldconfig -p 2>/dev/null | grep -q "^\s*$1 " || need "$1" "$2"
}

# need_node_client: node's gRPC tools, into out/node: the tests make a client of the Shim service with them.
need_node_client() {
  need node nodejs
  [ -d "$here/out/node/node_modules/@grpc/proto-loader" ] && return 0
  need npm npm
  say "installing node's gRPC tools into out/node"
  quietly "$here/out/log/npm.log" npm install --prefix "$here/out/node" --no-audit --no-fund --loglevel=error @grpc/grpc-js@1 @grpc/proto-loader@0
}

# newer_than STAMP PATH...: is any source newer than the stamp, or is there no stamp?
newer_than() {
  local stamp=$1; shift
  [ -e "$stamp" ] || return 0
  [ -n "$(find "$@" \( -name bin -o -name obj -o -name out \) -prune -o -type f -newer "$stamp" -print -quit)" ]
}

sources() {
  printf '%s\n' "$here"/Supervisor.{Cli,Client,Host,Actors,Kernel,Persistence.Sqlite,Protos,Runtime,Shim,ShimService,Storage} "$here"/hocon "$here"/Directory.* "$here"/build
}

# quietly LOG COMMAND...: shows the output only when the command fails.
quietly() {
  local log=$1; shift
  "$@" >"$log" 2>&1 && return 0
  grep -E 'error|Error' "$log" | sort -u | head -20 >&2 || true
  say "failed: $* (whole output in ${log#"$here"/})"
  return 1
}

# The products, into out/bin: supervisor, supervisor-daemon, supervisor-shim, supervisor-oci, containerd-shim-supervisor-v2; and beside the shim
# the front that it starts. One build at a time.
build_products() {
  local stamp=$here/out/built
  # shellcheck disable=SC2046
  newer_than "$stamp" $(sources) || return 0
  need_sdk
  mkdir -p "$here/out/bin" "$here/out/log"
  exec 9>"$here/out/lock"
  flock 9
  # shellcheck disable=SC2046
  if newer_than "$stamp" $(sources); then
    say "building (first use or changed sources)"
    local started; started=$(mktemp "$here/out/started.XXXXXX")
    quietly "$here/out/log/daemon.log" dotnet publish "$here/Supervisor.Host" -c Release -o "$here/out/lib/daemon" -p:Native=true -v q --nologo
    quietly "$here/out/log/cli.log" dotnet publish "$here/Supervisor.Cli" -c Release -o "$here/out/lib/cli" -v q --nologo
    quietly "$here/out/log/shim.log" dotnet publish "$here/Supervisor.Shim" -c Release -o "$here/out/lib/shim" -v q --nologo
    quietly "$here/out/log/shim-service.log" dotnet publish "$here/Supervisor.ShimService" -c Release -o "$here/out/lib/shim-service" -v q --nologo
    ln -f "$here/out/lib/shim-service/supervisor-shim-service" "$here/out/lib/shim/supervisor-shim-service" # beside the shim, which starts it
    ln -sfn ../lib/cli/supervisor "$here/out/bin/supervisor"
    ln -sfn ../lib/daemon/supervisor-daemon "$here/out/bin/supervisor-daemon"
    ln -sfn ../lib/shim/supervisor-shim "$here/out/bin/supervisor-shim"
    ln -sfn ../lib/shim/supervisor-shim-service "$here/out/bin/supervisor-shim-service"
    ln -sfn ../lib/shim/supervisor-shim "$here/out/bin/containerd-shim-supervisor-v2"
    ln -f "$here/out/lib/shim/supervisor-shim" "$here/out/bin/supervisor-oci" # its own name, also when links are resolved
    mv "$started" "$stamp" # as old as the build's start: what changed meanwhile is built next time
  fi
  exec 9>&-
}

# The benchmarks, native as the products are, into out/lib/benchmarks.
build_benchmarks() {
  local stamp=$here/out/built-benchmarks started
  # shellcheck disable=SC2046
  newer_than "$stamp" $(sources) "$here/benchmarks/Supervisor.Benchmarks" || return 0
  need_sdk
  say "building the benchmarks (first use or changed sources)"
  mkdir -p "$here/out/log"
  started=$(mktemp "$here/out/started.XXXXXX")
  quietly "$here/out/log/benchmarks.log" dotnet publish "$here/benchmarks/Supervisor.Benchmarks" -c Release -o "$here/out/lib/benchmarks" -v q --nologo
  mv "$started" "$stamp"
}
