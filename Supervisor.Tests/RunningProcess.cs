namespace Supervisor.Tests;

/// <summary>Processes with any parent: also this one, which inherits orphans from its tests' runtimes, and reaps none.</summary>
internal static class RunningProcess
{
    /// <summary>Whether it exists and is not a zombie, which its parent may reap later.</summary>
    public static bool Exists(int pid)
    {
        try
        {
            return !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
