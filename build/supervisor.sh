#!/bin/sh
# The runtime's debugger and diagnostic port are a socket and two FIFOs in /tmp, which obey whoever is root: so also a container's
# root, if the container has /tmp. They can be turned off by the environment only, before the runtime starts, and wait for a wish.
: "${DOTNET_EnableDiagnostics:=0}"
export DOTNET_EnableDiagnostics
self=$0
[ ! -L "$self" ] || self=$(readlink -f "$self")
exec "${self%/*}/../lib/supervisor/supervisor" "$@"
