using System.Collections.Immutable;

namespace Supervisor.Actors.Namespaces;

/// <summary>
/// The namespaces as last journalled, for read-only calls. One writer, <see cref="NamespacesActor"/>; any readers.
/// </summary>
public sealed class NamespaceDirectory
{
    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> _labels =
        NamespaceMachine.Empty;

    /// <summary>Labels by namespace, in the order of the names.</summary>
    public ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> All => _labels;

    /// <summary>Labels of a namespace; empty for one that does not exist, as containerd answers.</summary>
    public ImmutableSortedDictionary<string, string> LabelsOf(string name) =>
        _labels.GetValueOrDefault(name) ?? ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Completes when the journal has been read: until then the contents are incomplete.</summary>
    public Task Recovered => _recovered.Task;

    internal void Publish(ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> labels)
    {
        _labels = labels;
        _recovered.TrySetResult();
    }
}
