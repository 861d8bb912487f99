namespace Supervisor.Tests;

/// <summary>
/// For tests that load the machine, or are about how long something takes: they run by themselves, after all others.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
