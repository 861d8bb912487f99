using Supervisor.Storage;

namespace Supervisor.Tests.Storage;

/// <summary>The threads of storage: no job waits for another while another thread may be started.</summary>
public sealed class StorageWorkersTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Two_jobs_at_once_do_not_wait_for_the_same_idle_thread()
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
    public async Task A_hung_job_is_answered_and_its_thread_is_replaced()
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
    public async Task A_job_beyond_the_queue_limit_is_refused()
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
