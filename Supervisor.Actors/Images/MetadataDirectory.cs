namespace Supervisor.Actors.Images;

/// <summary>Images, blobs and snapshots as last journalled, for calls that only look. One writer, <see cref="MetadataActor"/>;
/// any readers.</summary>
public sealed class MetadataDirectory
{
    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile MetadataState _state = MetadataState.Empty;

    /// <summary>All there is, at one moment.</summary>
    public MetadataState State => _state;

    /// <summary>Completes when the journal has been read and what it does not name is swept away.</summary>
    public Task Recovered => _recovered.Task;

    internal void Publish(MetadataState state) => _state = state;

    internal void IsRecovered() => _recovered.TrySetResult();

    internal void Failed(Exception cause) => _recovered.TrySetException(cause);
}
