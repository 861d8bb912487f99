namespace Grpc.Core;

/// <summary>How a channel stands with its server (gRPC documentation, connectivity-semantics-and-api.md).</summary>
public enum ConnectivityState
{
    Idle,
    Connecting,
    Ready,
    TransientFailure,
    Shutdown,
}
