using Supervisor.Actors.Persistence;

namespace Supervisor.Host.Daemon;

/// <summary>
/// When the daemon started and when it is ready; cancels open calls when it stops, before their connections are closed.
/// </summary>
public sealed class DaemonLifetime : IDisposable
{
    /// <summary>When it started, on the monotonic clock: <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>.</summary>
    public long Began { get; } = System.Diagnostics.Stopwatch.GetTimestamp();

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the journal has been read: until then any answer would be incomplete.</summary>
    public Task Ready => _ready.Task;

    /// <summary>The journal has been read.</summary>
    /// <param name="space">Whether the journal has space.</param>
    public void BeReady(JournalSpace space)
    {
        _space = space;
        _ready.TrySetResult();
    }

    private JournalSpace? _space;

    /// <summary>The journal's disk is full.</summary>
    public bool IsDiskFull => _space is { IsLow: true };

    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Cancelled when the daemon starts to stop.</summary>
    public CancellationToken Stopping => _stopping.Token;

    private readonly CancellationTokenSource _broken = new();

    /// <summary>Cancelled when changes have become impossible: see <see cref="WhyBroken"/>.</summary>
    public CancellationToken Broken => _broken.Token;

    /// <summary>Why, and what to do; null while nothing is broken.</summary>
    public string? WhyBroken { get; private set; }

    /// <summary>Ends every waiting call with UNAVAILABLE and the reason.</summary>
    public void Break(string why)
    {
        WhyBroken = why;
        _broken.Cancel();
    }

    /// <summary>Ends every open stream and wait with UNAVAILABLE.</summary>
    public void BeginStop() => _stopping.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Dispose();
        _broken.Dispose();
    }
}
