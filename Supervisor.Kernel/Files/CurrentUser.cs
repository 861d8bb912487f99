using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>The user that this process acts as. credentials(7).</summary>
public static class CurrentUser
{
    /// <summary>geteuid(2).</summary>
    public static uint Uid => geteuid();
}
