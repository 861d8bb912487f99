namespace Supervisor.Registry;

/// <summary>Bounds of all that a registry can make this program do.</summary>
/// <param name="ManifestSize">Bytes of a manifest or an index. OCI distribution-spec asks registries for at least 4 MiB.</param>
/// <param name="Attempts">How often a request is made, with the first time.</param>
/// <param name="FirstDelay">Before the second attempt; each further delay is twice as long.</param>
/// <param name="LongestDelay">No delay is longer, whatever a Retry-After header says.</param>
/// <param name="AnswerTimeout">From a request until the head of its answer.</param>
/// <param name="StallTimeout">How long a body may bring no byte.</param>
public sealed record RegistryLimits(
    int ManifestSize, int Attempts, TimeSpan FirstDelay, TimeSpan LongestDelay, TimeSpan AnswerTimeout, TimeSpan StallTimeout)
{
    /// <summary>What suits the public registries.</summary>
    public static RegistryLimits Default { get; } = new(
        4 << 20, 5, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(30));
}
