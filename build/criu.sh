# Sourced by ./test, with $here set and functions.sh read. criu(8) that works on this kernel, without installing it.

# Debian 12's criu 3.17 cannot dump on kernels since 6.x (their vDSO), and 4.1 hangs on 6.18; 4.2 works. It is in Debian's
# unstable suite, so it is fetched from the mirror that this machine's own apt sources name, with the libraries it was
# linked with, into out/criu; the wrapper runs it with those. Nothing is installed, no source list of the machine changes.

# need_criu: exports SUPERVISOR_CRIU, the path of a criu that answers; or says why there is none and leaves it unset.
need_criu() {
  local criu=$here/out/criu/criu
  if [ ! -x "$criu" ]; then
    say "fetching criu from Debian unstable into out/criu"
    fetch_criu >"$here/out/log/criu.log" 2>&1 || { say "no criu: see out/log/criu.log; the checkpoint tests are skipped"; return 0; }
  fi
  export SUPERVISOR_CRIU=$criu
}

fetch_criu() (
  set -euo pipefail
  local work=$here/out/criu.new mirror packages
  rm -rf "$work"; mkdir -p "$work"/{lists/partial,cache/archives/partial,debs,root}
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null \
    | sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]+\/debian\/?) .*/\2/p' | grep -E '/debian/?$' | head -1)
  [ -n "$mirror" ] || { echo "no Debian mirror in /etc/apt"; exit 1; }
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$work/sid.list"
  local apt=(-qq -o "Dir::Etc::sourcelist=$work/sid.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none)
  timeout 120 apt-get "${apt[@]}" update
  packages=$(apt-cache "${apt[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances criu | grep '^[a-z0-9]' | sort -u)
  # shellcheck disable=SC2086
  (cd "$work/debs" && timeout 300 apt-get "${apt[@]}" download $packages)
  for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
  rm -rf "$work"/{lists,cache,debs,sid.list} "$work/root/usr/share" "$here/out/criu"
  local loader; loader=$(cd "$work/root" && find usr/lib -name 'ld-linux-*.so.*' -type f | head -1)
  printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' \
    "$here/out/criu/root/$loader" "$(dirname "$here/out/criu/root/$loader")" "$here/out/criu/root/usr/sbin/criu" >"$work/criu"
  chmod +x "$work/criu"
  mv "$work" "$here/out/criu"
  "$here/out/criu/criu" --version
)
