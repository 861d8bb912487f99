namespace Supervisor.Host.Hosting;

/// <summary>When the daemon began; and tells open calls that it stops, before their connections are closed under them.</summary>
public sealed class DaemonLifetime : IDisposable
{
    /// <summary>When it began, on the monotonic clock: <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>.</summary>
    public long Began { get; } = System.Diagnostics.Stopwatch.GetTimestamp();

    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Cancelled when the daemon begins to stop.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Ends every open stream and wait with UNAVAILABLE.</summary>
    public void BeginStop() => _stopping.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();
}
