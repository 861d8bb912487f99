namespace Supervisor.Tests.Fuzz;

/// <summary>Every parser of foreign input.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } = [.. DocumentTargets.All, .. TextTargets.All, .. CommandTargets.All,
        .. WireTargets.All, .. RegistryTargets.All];

    /// <exception cref="InvalidOperationException">A result that the parser must not return.</exception>
    public static void Holds(bool condition, string what)
    {
        if (!condition) throw new InvalidOperationException(what);
    }
}
