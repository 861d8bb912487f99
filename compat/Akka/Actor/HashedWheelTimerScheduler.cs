using System.Diagnostics;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Actor;

/// <summary>The default scheduler. Named after the published one; ours keeps a heap and sleeps until the next deadline, so
/// that an idle system does not tick. Tells and actions run on its one thread and must not block.</summary>
public sealed class HashedWheelTimerScheduler : SchedulerBase, IDateTimeOffsetNowTimeProvider, IDisposable
{
    private sealed class Entry(object work, object message, IActorRef sender, ICancelable cancelable, long interval)
    {
        public readonly object Work = work, Message = message;
        public readonly IActorRef Sender = sender;
        public readonly ICancelable Cancelable = cancelable;
        public readonly long Interval = interval;
    }

    private const int SweepAt = 1024;
    private readonly PriorityQueue<Entry, (long Due, long Number)> _entries = new();
    private readonly TimeSpan _shutdownTimeout;
    private Thread _thread;
    private long _number;
    private int _sweepAt = SweepAt;
    private bool _stopped;

    public HashedWheelTimerScheduler(Config scheduler, ILoggingAdapter log) : base(scheduler, log) =>
        _shutdownTimeout = scheduler.GetTimeSpan("akka.scheduler.shutdown-timeout", TimeSpan.FromSeconds(5));

    protected override DateTimeOffset TimeNow => DateTimeOffset.Now;
    public override TimeSpan MonotonicClock => TimeSpan.FromMilliseconds(Environment.TickCount64);
    public override TimeSpan HighResMonotonicClock => Stopwatch.GetElapsedTime(0);

    protected override void InternalScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Add(delay, new Entry(receiver, message, sender, cancelable, 0));
    protected override void InternalScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Add(initialDelay, new Entry(receiver, message, sender, cancelable, Ticks(interval)));
    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) =>
        Add(delay, new Entry(action, null, null, cancelable, 0));
    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        Add(delay, new Entry(action, null, null, cancelable, 0));
    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Add(initialDelay, new Entry(action, null, null, cancelable, Ticks(interval)));
    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) =>
        Add(initialDelay, new Entry(action, null, null, cancelable, Ticks(interval)));

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
            _entries.Enqueue(entry, (Stopwatch.GetTimestamp() + (delay == TimeSpan.Zero ? 0 : Ticks(delay)), _number++));
            if (_entries.Peek() == entry) Monitor.Pulse(_entries);
        }
    }

    // Cancelled entries stay until they are due; when they have piled up, they are thrown out together.
    private void Sweep()
    {
        (Entry, (long, long))[] live = [.. _entries.UnorderedItems.Where(e => e.Element.Cancelable is not { IsCancellationRequested: true })];
        _entries.Clear();
        _entries.EnqueueRange(live);
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
                    if (!_entries.TryPeek(out entry, out var when)) Monitor.Wait(_entries);
                    else
                    {
                        var left = when.Due - Stopwatch.GetTimestamp();
                        if (left <= 0) break;
                        Monitor.Wait(_entries, (int)Math.Min(int.MaxValue, left * 1000 / Stopwatch.Frequency + 1));
                    }
                }
                _entries.TryDequeue(out entry, out var due);
                if (entry.Interval > 0 && entry.Cancelable is not { IsCancellationRequested: true })
                    _entries.Enqueue(entry, (Math.Max(due.Due + entry.Interval, Stopwatch.GetTimestamp() - entry.Interval), _number++));
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
                case IRunnable runnable: runnable.Run(); break;
            }
        }
        catch (Exception e)
        {
            Log?.Error(e, "Exception while executing a scheduled task: {0}", e.Message);
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
