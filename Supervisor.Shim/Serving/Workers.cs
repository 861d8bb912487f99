namespace Supervisor.Shim.Serving;

/// <summary>
/// Threads that may block in the kernel: few, made when there is work for them. One that does not come back by its job's
/// deadline no longer counts, and another takes its place.
/// </summary>
internal sealed class Workers : IDisposable
{
    private const int Usual = 6, Most = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), IdleLife = TimeSpan.FromSeconds(20);
    private readonly Lock _gate = new();
    private readonly Queue<Job> _waiting = new();
    private readonly List<Running> _running = [];
    private readonly SemaphoreSlim _work = new(0);
    private readonly Timer _watchdog;
    private int _threads, _idle;

    public Workers() => _watchdog = new Timer(_ => Replace(), null, Timeout.Infinite, Timeout.Infinite);

    /// <param name="Run">Must not throw.</param>
    public sealed record Job(TimeSpan Deadline, Action<CancellationToken> Run);

    private sealed record Running(long Overdue);

    public void Add(Job job)
    {
        lock (_gate)
        {
            _waiting.Enqueue(job);
            if (_idle < _waiting.Count && !TryStart()) _watchdog.Change(1000, Timeout.Infinite);
        }
        _work.Release();
    }

    public void Dispose()
    {
        _watchdog.Dispose();
        _work.Dispose();
    }

    private bool TryStart()
    {
        var stuck = _running.Count(r => r.Overdue < Environment.TickCount64);
        if (_threads - stuck >= Usual || _threads >= Most) return false;
        _threads++;
        new Thread(Work, 256 << 10) { IsBackground = true, Name = "worker" }.Start();
        return true;
    }

    private void Replace()
    {
        lock (_gate)
        {
            if (_waiting.Count > _idle && !TryStart()) _watchdog.Change(1000, Timeout.Infinite);
        }
    }

    private void Work()
    {
        while (true)
        {
            lock (_gate) _idle++;
            var any = _work.Wait(IdleLife);
            Job? job;
            Running? running = null;
            lock (_gate)
            {
                _idle--;
                if (!_waiting.TryDequeue(out job))
                {
                    if (any) continue;
                    _threads--;
                    return;
                }
                running = new Running(Environment.TickCount64 + (long)(job.Deadline + Patience).TotalMilliseconds);
                _running.Add(running);
            }
            using (var deadline = new CancellationTokenSource(job.Deadline)) job.Run(deadline.Token);
            lock (_gate) _running.Remove(running);
        }
    }
}
