using System.Diagnostics;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Actor;

/// <summary>The default scheduler. Named after the published one; ours keeps a heap and sleeps until the next deadline, so
/// that an idle system does not tick. Tells and actions run on its one thread and must not block.</summary>
public sealed class HashedWheelTimerScheduler : IScheduler, IAdvancedScheduler, IDateTimeOffsetNowTimeProvider, IDisposable
{
    private sealed class Entry(object work, object message, IActorRef sender, ICancelable cancelable, long interval) : IComparable<Entry>
    {
        /// <summary>When, by the stopwatch; those of one moment in the order of their numbers.</summary>
        public long Due, Number;
        public readonly object Work = work, Message = message;
        public readonly IActorRef Sender = sender;
        public readonly ICancelable Cancelable = cancelable;
        public readonly long Interval = interval;
        public int CompareTo(Entry other) => Due != other.Due ? Due.CompareTo(other.Due) : Number.CompareTo(other.Number);
    }

    private const int SweepAt = 1024;
    private readonly PriorityQueue<Entry, Entry> _entries = new();
    private readonly ILoggingAdapter _log;
    private readonly TimeSpan _shutdownTimeout;
    private Thread _thread;
    private long _number;
    private int _sweepAt = SweepAt;
    private bool _stopped;

    public HashedWheelTimerScheduler(Config scheduler, ILoggingAdapter log)
    {
        _log = log;
        _shutdownTimeout = scheduler.GetTimeSpan("akka.scheduler.shutdown-timeout", TimeSpan.FromSeconds(5));
    }

    public IAdvancedScheduler Advanced => this;
    public TimeSpan MonotonicClock => TimeSpan.FromMilliseconds(Environment.TickCount64);
    public TimeSpan HighResMonotonicClock => Stopwatch.GetElapsedTime(0);
    DateTimeOffset ITimeProvider.Now => DateTimeOffset.Now;

    void ITellScheduler.ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender) =>
        Once(delay, receiver, message, sender, null);
    void ITellScheduler.ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Once(delay, receiver, message, sender, cancelable);
    void ITellScheduler.ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender) =>
        Repeatedly(initialDelay, interval, receiver, message, sender, null);
    void ITellScheduler.ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Repeatedly(initialDelay, interval, receiver, message, sender, cancelable);
    void IActionScheduler.ScheduleOnce(TimeSpan delay, Action action) => Once(delay, action, null, null, null);
    void IActionScheduler.ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) => Once(delay, action, null, null, cancelable);
    void IActionScheduler.ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action) =>
        Repeatedly(initialDelay, interval, action, null, null, null);
    void IActionScheduler.ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Repeatedly(initialDelay, interval, action, null, null, cancelable);

    private void Once(TimeSpan delay, object work, object message, IActorRef sender, ICancelable cancelable)
    {
        if (delay < TimeSpan.Zero) throw new ArgumentOutOfRangeException(nameof(delay), $"Delay must be >= 0. It was {delay}");
        Add(delay, new Entry(work, message, sender, cancelable, 0));
    }

    private void Repeatedly(TimeSpan initialDelay, TimeSpan interval, object work, object message, IActorRef sender, ICancelable cancelable)
    {
        if (initialDelay < TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(initialDelay), $"Delay must be >= 0. It was {initialDelay}");
        if (interval <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(interval), $"Interval must be > 0. It was {interval}");
        Add(initialDelay, new Entry(work, message, sender, cancelable, Ticks(interval)));
    }

    private static long Ticks(TimeSpan span) => Math.Max(1, (long)Math.Min(span.TotalSeconds * Stopwatch.Frequency, long.MaxValue / 4));

    private void Add(TimeSpan delay, Entry entry)
    {
        if (entry.Cancelable is { IsCancellationRequested: true }) return;
        lock (_entries)
        {
            if (_stopped) throw new SchedulerException("cannot enqueue after timer shutdown");
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "akka-scheduler" };
                _thread.UnsafeStart();
            }
            if (_entries.Count >= _sweepAt) Sweep();
            Enqueue(entry, Stopwatch.GetTimestamp() + (delay == TimeSpan.Zero ? 0 : Ticks(delay)));
            if (_entries.Peek() == entry) Monitor.Pulse(_entries);
        }
    }

    private void Enqueue(Entry entry, long due)
    {
        (entry.Due, entry.Number) = (due, _number++);
        _entries.Enqueue(entry, entry);
    }

    // Cancelled entries stay until they are due; when they have piled up, they are thrown out together.
    private void Sweep()
    {
        var live = new List<Entry>();
        foreach (var (entry, _) in _entries.UnorderedItems)
            if (entry.Cancelable is not { IsCancellationRequested: true }) live.Add(entry);
        _entries.Clear();
        foreach (var entry in live) _entries.Enqueue(entry, entry);
        _sweepAt = Math.Max(SweepAt, 2 * _entries.Count);
    }

    private void Run()
    {
        while (true)
        {
            Entry entry;
            lock (_entries)
            {
                while (true)
                {
                    if (_stopped) return;
                    if (!_entries.TryPeek(out entry, out _)) Monitor.Wait(_entries);
                    else
                    {
                        var left = entry.Due - Stopwatch.GetTimestamp();
                        if (left <= 0) break;
                        Monitor.Wait(_entries, (int)Math.Min(int.MaxValue, left * 1000 / Stopwatch.Frequency + 1));
                    }
                }
                _entries.Dequeue();
                if (entry.Interval > 0 && entry.Cancelable is not { IsCancellationRequested: true })
                    Enqueue(entry, Math.Max(entry.Due + entry.Interval, Stopwatch.GetTimestamp() - entry.Interval));
            }
            Fire(entry);
        }
    }

    private void Fire(Entry entry)
    {
        if (entry.Cancelable is { IsCancellationRequested: true }) return;
        try
        {
            switch (entry.Work)
            {
                case ICanTell receiver: receiver.Tell(entry.Message, entry.Sender); break;
                case Action action: action(); break;
            }
        }
        catch (Exception e)
        {
            _log?.Error(e, "Exception while executing a scheduled task: {0}", e.Message);
        }
    }

    public void Dispose()
    {
        lock (_entries)
        {
            _stopped = true;
            _entries.Clear();
            Monitor.PulseAll(_entries);
        }
        if (_thread is not null && _thread != Thread.CurrentThread) _thread.Join(_shutdownTimeout);
    }
}
