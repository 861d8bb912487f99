namespace Supervisor.Tests.Fuzz;

/// <summary>Every parser of what others write.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } = [.. DocumentTargets.All, .. TextTargets.All, .. CommandTargets.All];

    /// <exception cref="InvalidOperationException">An answer that the parser must not give.</exception>
    public static void Holds(bool condition, string what)
    {
        if (!condition) throw new InvalidOperationException(what);
    }
}
