using Supervisor.Storage;

namespace Supervisor.Tests.Storage;

/// <summary>The threads of storage: no job waits for another while there is room for a thread.</summary>
public sealed class StorageWorkersTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Of_two_jobs_that_come_at_once_neither_waits_behind_the_other_for_one_idle_thread()
    {
        using var workers = new StorageWorkers(threads: 4);
        for (var i = 0; i < 200; i++)
        {
            await workers.RunAsync("rest", _ => { }, Patience); // its thread is idle now, or will be in a moment
            using var release = new ManualResetEventSlim();
            var blocked = workers.RunAsync("unpack a layer", token => release.Wait(Patience, token), Patience);
            try
            {
                await workers.RunAsync("stat a snapshot", _ => { }, Patience).WaitAsync(TimeSpan.FromSeconds(5));
            }
            finally
            {
                release.Set();
            }
            await blocked;
        }
    }

    [Fact]
    public async Task A_job_that_does_not_come_back_is_answered_and_costs_nobody_else_a_thread()
    {
        using var workers = new StorageWorkers(threads: 1);
        using var release = new ManualResetEventSlim();
        var stuck = workers.RunAsync(
            "read a dead disk", _ => release.Wait(Patience, CancellationToken.None), TimeSpan.FromMilliseconds(1));
        var next = workers.RunAsync("read another", _ => 7, Patience);
        Assert.Equal(7, await next.WaitAsync(Patience));
        var e = await Assert.ThrowsAsync<StorageException>(() => stuck);
        Assert.Equal(StorageFault.DeadlineExceeded, e.Fault);
        release.Set();
    }

    [Fact]
    public async Task What_comes_when_too_much_waits_is_refused()
    {
        using var workers = new StorageWorkers(threads: 1);
        using var release = new ManualResetEventSlim();
        var first = workers.RunAsync("wait", token => release.Wait(Patience, token), Patience);
        var waiting = new List<Task>();
        var refused = await Assert.ThrowsAsync<StorageException>(async () =>
        {
            for (var i = 0; i <= StorageWorkers.MaximumWaiting + 1; i++)
                waiting.Add(workers.RunAsync("wait", _ => { }, Patience));
            await Task.WhenAll(waiting);
        });
        Assert.Equal(StorageFault.Unavailable, refused.Fault);
        release.Set();
        await Task.WhenAll(waiting.Append(first)).WaitAsync(Patience);
    }
}
