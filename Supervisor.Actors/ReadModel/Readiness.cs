using System.Collections.Concurrent;

namespace Supervisor.Actors.ReadModel;

/// <summary>Completes when every actor that the journal knows of has recovered: until then a list would not be the truth.</summary>
public sealed class Readiness
{
    private readonly ConcurrentDictionary<string, bool> _recovered = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyCollection<string>? _expected;

    /// <summary>Completes once.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Says whom to wait for. Once.</summary>
    internal void Expect(IEnumerable<string> persistenceIds)
    {
        _expected = [.. persistenceIds];
        Check();
    }

    /// <summary>One has recovered, or has nothing to recover.</summary>
    internal void Recovered(string persistenceId)
    {
        if (_ready.Task.IsCompleted) return;
        _recovered[persistenceId] = true;
        Check();
    }

    private void Check()
    {
        if (_expected is { } expected && expected.All(_recovered.ContainsKey)) _ready.TrySetResult();
    }
}
