namespace Supervisor.Host.Hosting;

/// <summary>Tells open calls that the daemon stops, before their connections are closed under them.</summary>
public sealed class DaemonLifetime : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Cancelled when the daemon begins to stop.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Ends every open stream and wait with UNAVAILABLE.</summary>
    public void BeginStop() => _stopping.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();
}
