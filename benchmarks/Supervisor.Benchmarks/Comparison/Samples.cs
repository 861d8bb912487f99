namespace Supervisor.Benchmarks.Comparison;

/// <summary>Times in milliseconds, added by any thread.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];

    /// <summary>In no order.</summary>
    public IReadOnlyList<double> All
    {
        get
        {
            lock (_values) return [.. _values];
        }
    }

    public double P50 => At(0.50);

    public double P90 => At(0.90);

    public double P99 => At(0.99);

    public void Add(double milliseconds)
    {
        lock (_values) _values.Add(milliseconds);
    }

    public void Clear()
    {
        lock (_values) _values.Clear();
    }

    private double At(double share)
    {
        lock (_values)
        {
            if (_values.Count == 0) throw new InvalidOperationException("nothing was measured");
            _values.Sort();
            return _values[(int)(_values.Count * share)];
        }
    }
}
