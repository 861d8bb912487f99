namespace Supervisor.Tests.Kernel.Checkpointing;

/// <summary>A test with the real criu(8), which ./test fetches and names in SUPERVISOR_CRIU.</summary>
public sealed class CriuFactAttribute : FactAttribute
{
    public CriuFactAttribute()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("SUPERVISOR_CRIU")))
            Skip = "SUPERVISOR_CRIU names no criu that works on this kernel (./test fetches one; see out/log/criu.log)";
    }
}
