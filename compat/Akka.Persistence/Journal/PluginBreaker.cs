using Akka.Configuration;

namespace Akka.Persistence.Journal;

/// <summary>
/// Keeps actors from waiting for a store that does not answer: a call has a deadline, and after so many failures in a row
/// calls fail at once until the reset time is over; then one call may try.
/// </summary>
internal sealed class PluginBreaker
{
    private readonly string _plugin;
    private readonly int _maxFailures;
    private readonly TimeSpan _callTimeout;
    private readonly long _resetMilliseconds;
    private readonly Lock _lock = new();
    private int _failures;
    private long _closedUntil;
    private Exception _last;

    public PluginBreaker(string plugin, Config config)
    {
        _plugin = plugin;
        _maxFailures = config.GetInt("circuit-breaker.max-failures", 10);
        _callTimeout = config.GetTimeSpan("circuit-breaker.call-timeout", TimeSpan.FromSeconds(10), false);
        _resetMilliseconds = (long)config.GetTimeSpan("circuit-breaker.reset-timeout", TimeSpan.FromSeconds(30), false).TotalMilliseconds;
    }

    /// <exception cref="TimeoutException">No answer within circuit-breaker.call-timeout; the work itself may still succeed.</exception>
    /// <exception cref="InvalidOperationException">The breaker is open.</exception>
    public async Task<T> Call<T>(Func<Task<T>> work)
    {
        Enter();
        try
        {
            var task = work();
            var result = task.IsCompletedSuccessfully ? task.Result : await task.WaitAsync(_callTimeout).ConfigureAwait(false);
            if (Volatile.Read(ref _failures) > 0)
            {
                lock (_lock) _failures = 0;
            }
            return result;
        }
        catch (Exception e)
        {
            if (e is TimeoutException) e = new TimeoutException($"{_plugin}: no answer within {_callTimeout.TotalSeconds} s (circuit-breaker.call-timeout)", e);
            Failed(e);
            if (e is TimeoutException) throw e;
            throw;
        }
    }

    private void Enter()
    {
        if (Volatile.Read(ref _failures) < _maxFailures) return;
        lock (_lock)
        {
            if (_failures < _maxFailures) return;
            var left = _closedUntil - Environment.TickCount64;
            if (left > 0)
                throw new InvalidOperationException($"{_plugin} has failed {_failures} times in a row and is tried again in {left / 1000.0:F1} s; the last failure: {_last.Message}", _last);
            // This call tries; the others go on failing until it has succeeded.
            _closedUntil = Environment.TickCount64 + _resetMilliseconds;
        }
    }

    private void Failed(Exception e)
    {
        lock (_lock)
        {
            _failures++;
            _last = e;
            _closedUntil = Environment.TickCount64 + _resetMilliseconds;
        }
    }
}
