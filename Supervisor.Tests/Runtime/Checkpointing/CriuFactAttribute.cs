namespace Supervisor.Tests.Runtime.Checkpointing;

/// <summary>A test with the real criu(8), which ./test fetches and names in SUPERVISOR_CRIU.</summary>
public sealed class CriuFactAttribute : FactAttribute
{
    /// <summary>Null if criu is present.</summary>
    public static string? WhyNot { get; } = Environment.GetEnvironmentVariable("SUPERVISOR_CRIU") is { Length: > 0 }
        ? null
        : "SUPERVISOR_CRIU names no criu that works on this kernel (./test fetches one; see out/log/criu.log)";

    public CriuFactAttribute() => Skip = WhyNot;
}
