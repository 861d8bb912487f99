namespace Supervisor.Tests;

/// <summary>
/// For tests that load the machine or measure time: they run one at a time, after all others.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
