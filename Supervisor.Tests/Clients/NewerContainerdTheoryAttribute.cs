namespace Supervisor.Tests.Clients;

/// <summary>A theory with the clients of containerd 2, which <c>./test</c> fetches.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NewerContainerdTheoryAttribute : TheoryAttribute
{
    public NewerContainerdTheoryAttribute()
    {
        if (Ctr is null) Skip = "no containerd 2 (SUPERVISOR_CONTAINERD): Debian's unstable suite could not be read";
    }

    /// <summary>Its ctr.</summary>
    internal static string? Ctr => Environment.GetEnvironmentVariable("SUPERVISOR_CONTAINERD") is { Length: > 0 } directory
        ? Path.Join(directory, "ctr") : null;
}
