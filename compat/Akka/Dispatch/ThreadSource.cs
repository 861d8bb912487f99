using Akka.Configuration;

namespace Akka.Dispatch;

/// <summary>A fixed number of background threads that take mailboxes from one queue. Started by the first mailbox.</summary>
internal sealed class ThreadSource(string name, int count)
{
    private readonly Queue<IRunnable> _ready = new();
    private Thread[] _threads;
    private bool _stopped;

    public static ThreadSource FromConfig(Config config)
    {
        var count = config.GetInt("dedicated-thread-pool.thread-count", 0);
        return new ThreadSource(config.GetString("id"), count > 0 ? count : Environment.ProcessorCount);
    }

    public void Enqueue(IRunnable run)
    {
        lock (_ready)
        {
            if (_stopped)
            {
                // The system is going down; what is left is dead letters and the like.
                ThreadPool.UnsafeQueueUserWorkItem(run, preferLocal: false);
                return;
            }
            _ready.Enqueue(run);
            if (_threads is null) Start();
            Monitor.Pulse(_ready);
        }
    }

    private void Start()
    {
        _threads = new Thread[count];
        for (var i = 0; i < count; i++)
        {
            _threads[i] = new Thread(Work) { IsBackground = true, Name = $"{name}-{i + 1}" };
            _threads[i].UnsafeStart();
        }
    }

    public void Stop()
    {
        lock (_ready)
        {
            _stopped = true;
            Monitor.PulseAll(_ready);
        }
    }

    private void Work()
    {
        while (true)
        {
            IRunnable run;
            lock (_ready)
            {
                while (_ready.Count == 0)
                {
                    if (_stopped) return;
                    Monitor.Wait(_ready);
                }
                run = _ready.Dequeue();
            }
            run.Run();
        }
    }
}
