# Sourced by ./test, with $here set and functions.sh read. Programs that Debian 12 has only in versions that are too old for a
# test: from Debian's unstable suite, of the mirror that this machine's own apt sources name, into out/, with the libraries that
# they were linked with. Nothing is installed, no source list of the machine changes.

# Debian 12's criu 3.17 cannot dump on kernels since 6.x (their vDSO), and 4.1 hangs on 6.18; 4.2 works.
# need_criu: exports SUPERVISOR_CRIU, the path of a criu that answers; or says why there is none and leaves it unset.
need_criu() {
  need_unstable criu criu --version && export SUPERVISOR_CRIU=$here/out/criu/criu || true
}

# Debian 12's containerd is 1.6; our shim also runs under 2.x, which speaks a later version of the shims' protocol.
# need_containerd: exports SUPERVISOR_CONTAINERD, the directory of a newer containerd and its ctr; or leaves it unset.
need_containerd() {
  need_unstable containerd containerd --version && export SUPERVISOR_CONTAINERD=$here/out/containerd || true
}

# need_unstable PACKAGE COMMAND...: fetches the package into out/PACKAGE, with a wrapper for each of its programs, unless it is
# there; the command, one of its programs with arguments, must succeed.
need_unstable() {
  local package=$1; shift
  [ ! -x "$here/out/$package/$1" ] || return 0
  say "fetching $package from Debian unstable into out/$package"
  fetch_unstable "$package" "$@" >"$here/out/log/$package.log" 2>&1 && return 0
  say "no newer $package: see out/log/$package.log; its tests are skipped"
  return 1
}

fetch_unstable() (
  set -uo pipefail
  local package=$1 work=$here/out/$1.new mirror packages; shift
  rm -rf "$work"; mkdir -p "$work"/{lists/partial,cache/archives/partial,debs,root}
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null \
    | sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]+\/debian\/?) .*/\2/p' | grep -E '/debian/?$' | head -1)
  [ -n "$mirror" ] || { echo "no Debian mirror in /etc/apt"; exit 1; }
  set -e
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$work/sid.list"
  local apt=(-qq -o "Dir::Etc::sourcelist=$work/sid.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none)
  timeout 120 apt-get "${apt[@]}" update
  packages=$(apt-cache "${apt[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "$package" | grep '^[a-z0-9]' | sort -u)
  # shellcheck disable=SC2086
  (cd "$work/debs" && timeout 300 apt-get "${apt[@]}" download $packages)
  for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
  rm -rf "$work"/{lists,cache,debs,sid.list} "$work/root/usr/share" "$here/out/$package"
  local loader program; loader=$(cd "$work/root" && find usr/lib -name 'ld-linux-*.so.*' -type f | head -1)
  for program in "$work"/root/usr/{bin,sbin}/*; do
    case $(basename "$program") in criu|containerd|ctr) ;; *) continue ;; esac
    printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$here/out/$package/root/$loader" \
      "$(dirname "$here/out/$package/root/$loader")" "$here/out/$package/root/${program#"$work/root/"}" >"$work/$(basename "$program")"
    chmod +x "$work/$(basename "$program")"
  done
  mv "$work" "$here/out/$package"
  local command=$1; shift
  "$here/out/$package/$command" "$@"
)
