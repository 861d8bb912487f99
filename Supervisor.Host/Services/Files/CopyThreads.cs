using Grpc.Core;
using Supervisor.Host.Daemon;
using Supervisor.Storage;

namespace Supervisor.Host.Services.Files;

/// <summary>
/// A thread for each copy, of its own: it waits for the client, and for file systems that a container may have made. No other
/// work waits for these threads, and those that are stuck in the kernel are not used again.
/// </summary>
public sealed class CopyThreads(DaemonLifetime lifetime)
{
    /// <summary>Copies at once, stuck ones included.</summary>
    public const int Most = 32;

    /// <summary>How long a copy may take without any progress.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private int _running;

    /// <summary>Runs one copy. It returns when that is done, or makes no progress, or the client is gone.</summary>
    /// <param name="what">For messages: <c>copy files</c>.</param>
    /// <exception cref="StorageException">There are too many, or there is no progress.</exception>
    public async Task<T> RunAsync<T>(string what, Func<CopyProgress, T> work, ServerCallContext context)
    {
        if (Interlocked.Increment(ref _running) > Most)
        {
            Interlocked.Decrement(ref _running);
            throw new StorageException(
                StorageFault.ResourceExhausted, $"cannot {what}: {Most} copies are running: try again later");
        }
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.Stopping);
        var progress = new CopyProgress(Patience, ends.Token);
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = done.Task.ContinueWith(
            t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default); // observed
        new Thread(Run) { IsBackground = true, Name = "copy" }.Start();
        try
        {
            return await done.Task.WaitAsync(progress.Token);
        }
        catch (OperationCanceledException) when (!ends.IsCancellationRequested)
        {
            throw new StorageException(
                StorageFault.DeadlineExceeded,
                $"cannot {what}: the client, or a file system of the container, made no progress for "
                    + $"{Patience.TotalSeconds:0} s");
        }

        void Run()
        {
            try
            {
                done.TrySetResult(work(progress));
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
            Interlocked.Decrement(ref _running);
            progress.Dispose();
        }
    }
}

/// <summary>Ends a copy that makes no progress.</summary>
public sealed class CopyProgress : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly TimeSpan _patience;

    /// <param name="patience">Between two calls of <see cref="Made"/>.</param>
    /// <param name="ends">Cancelled when the copy is to end for another reason.</param>
    public CopyProgress(TimeSpan patience, CancellationToken ends)
    {
        (_source, _patience) = (CancellationTokenSource.CreateLinkedTokenSource(ends), patience);
        Token = _source.Token;
        Made();
    }

    /// <summary>Cancelled when the copy is to end.</summary>
    public CancellationToken Token { get; }

    /// <summary>There was progress.</summary>
    public void Made() => _source.CancelAfter(_patience);

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();
}
