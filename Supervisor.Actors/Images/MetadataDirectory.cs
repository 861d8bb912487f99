namespace Supervisor.Actors.Images;

/// <summary>Images, blobs and snapshots as last journalled, for read-only calls. One writer, <see cref="MetadataActor"/>;
/// any readers.</summary>
public sealed class MetadataDirectory
{
    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile MetadataState _state = MetadataState.Empty;

    /// <summary>A consistent view of all metadata.</summary>
    public MetadataState State => _state;

    /// <summary>Completes when the journal has been read and files that are not in it are removed.</summary>
    public Task Recovered => _recovered.Task;

    internal void Publish(MetadataState state) => _state = state;

    internal void IsRecovered() => _recovered.TrySetResult();

    internal void Failed(Exception cause) => _recovered.TrySetException(cause);
}
