namespace Supervisor.Tests.Client;

/// <summary>What a test of the client library runs against.</summary>
public enum Server
{
    /// <summary>This repository's daemon.</summary>
    Supervisor,

    /// <summary>Debian's containerd, with runc.</summary>
    Containerd,
}
