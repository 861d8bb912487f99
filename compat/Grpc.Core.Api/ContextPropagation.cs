namespace Grpc.Core;

/// <summary>What a server call hands on to the calls it makes itself.</summary>
public class ContextPropagationOptions(bool propagateDeadline = true, bool propagateCancellation = true)
{
    public static readonly ContextPropagationOptions Default = new();
    public bool IsPropagateDeadline { get; } = propagateDeadline;
    public bool IsPropagateCancellation { get; } = propagateCancellation;
}

/// <summary>Ties a client call to the server call it is made in. Opaque.</summary>
public abstract class ContextPropagationToken
{
    internal ContextPropagationToken() { }
}
