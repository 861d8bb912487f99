using Supervisor.Actors.Persistence;

namespace Supervisor.Host.Daemon;

/// <summary>
/// When the daemon began and when it is ready; and tells open calls that it stops, before their connections are closed under
/// them.
/// </summary>
public sealed class DaemonLifetime : IDisposable
{
    /// <summary>When it began, on the monotonic clock: <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>.</summary>
    public long Began { get; } = System.Diagnostics.Stopwatch.GetTimestamp();

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the journal has been read: until then there is no answer that would be true.</summary>
    public Task Ready => _ready.Task;

    /// <summary>The journal has been read.</summary>
    /// <param name="space">Whether there is room for it.</param>
    public void BeReady(JournalSpace space)
    {
        _space = space;
        _ready.TrySetResult();
    }

    private JournalSpace? _space;

    /// <summary>The journal's disk is full.</summary>
    public bool IsDiskFull => _space is { IsLow: true };

    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Cancelled when the daemon begins to stop.</summary>
    public CancellationToken Stopping => _stopping.Token;

    private readonly CancellationTokenSource _broken = new();

    /// <summary>Cancelled when nothing can be changed any more: see <see cref="WhyBroken"/>.</summary>
    public CancellationToken Broken => _broken.Token;

    /// <summary>Why, and what to do; null while nothing is broken.</summary>
    public string? WhyBroken { get; private set; }

    /// <summary>Ends every call that waits for an answer, with UNAVAILABLE and the reason.</summary>
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
