using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.TestKit
{
    /// <summary>A scheduler whose time moves only by <see cref="Advance"/>; chosen with <see cref="Configs.TestConfigs.TestSchedulerConfig"/>.</summary>
    public class TestScheduler : IScheduler, IAdvancedScheduler
    {
        private sealed record Entry(DateTimeOffset Due, long Number, Action Fire, ICancelable Cancelable, TimeSpan? Interval);
        private readonly List<Entry> _entries = [];
        private long _number;
        private DateTimeOffset _now = DateTimeOffset.UtcNow;

        public TestScheduler(Config schedulerConfig, ILoggingAdapter log) { }

        public IAdvancedScheduler Advanced => this;
        public DateTimeOffset Now => _now;
        public TimeSpan MonotonicClock => _now.UtcDateTime.TimeOfDay;
        public TimeSpan HighResMonotonicClock => MonotonicClock;
        public void Advance(TimeSpan offset) => AdvanceTo(_now + offset);

        /// <summary>Fires, in order of their time, all that is due by then.</summary>
        public void AdvanceTo(DateTimeOffset when)
        {
            if (when < _now) throw new InvalidOperationException("You can't reverse time...");
            while (true)
            {
                Entry next;
                lock (_entries)
                {
                    next = _entries.Where(e => e.Due <= when).OrderBy(e => e.Due).ThenBy(e => e.Number).FirstOrDefault();
                    if (next is null) break;
                    _entries.Remove(next);
                    if (next.Due > _now) _now = next.Due;
                    if (next.Cancelable is { IsCancellationRequested: true }) continue;
                    if (next.Interval is { } interval) _entries.Add(next with { Due = next.Due + interval, Number = _number++ });
                }
                next.Fire();
            }
            _now = when;
        }

        private void Add(TimeSpan delay, TimeSpan? interval, Action fire, ICancelable cancelable = null)
        {
            lock (_entries) _entries.Add(new Entry(_now + delay, _number++, fire, cancelable, interval));
        }

        public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender) =>
            Add(delay, null, () => receiver.Tell(message, sender));
        public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
            Add(delay, null, () => receiver.Tell(message, sender), cancelable);
        public void ScheduleTellRepeatedly(
            TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender) =>
            Add(initialDelay, interval, () => receiver.Tell(message, sender));
        public void ScheduleTellRepeatedly(
            TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
            Add(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);
        public void ScheduleOnce(TimeSpan delay, Action action) => Add(delay, null, action);
        public void ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) => Add(delay, null, action, cancelable);
        public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action) => Add(initialDelay, interval, action);
        public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
            Add(initialDelay, interval, action, cancelable);
    }
}

namespace Akka.TestKit.Configs
{
    public static class TestConfigs
    {
        public static Config TestSchedulerConfig { get; } = ConfigurationFactory
            .ParseString("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"").WithFallback(TestKitBase.DefaultConfig);
    }
}
