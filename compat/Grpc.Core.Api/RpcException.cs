namespace Grpc.Core;

/// <summary>A call that ended in another status than OK.</summary>
public class RpcException : Exception
{
    public RpcException(Status status) : this(status, status.ToString()) { }

    public RpcException(Status status, string message) : this(status, Metadata.Empty, message) { }

    public RpcException(Status status, Metadata trailers) : this(status, trailers, status.ToString()) { }

    public RpcException(Status status, Metadata trailers, string message) : base(message, status.DebugException)
    {
        ArgumentNullException.ThrowIfNull(trailers);
        Status = status;
        Trailers = trailers;
    }

    public Status Status { get; }
    public StatusCode StatusCode => Status.StatusCode;

    /// <summary>The trailing metadata of the call; empty when the call failed before any arrived.</summary>
    public Metadata Trailers { get; }
}
