using System.Runtime.InteropServices;
using Supervisor.Cli.Errors;
using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Cli.Connection;

/// <summary>The daemon's executable, which is installed beside ours.</summary>
internal static class DaemonProgram
{
    private const string Name = "supervisor-daemon";

    private static readonly string[] Places = [Name, $"../daemon/{Name}"];

    /// <summary>Beside this program, or where <c>./supervisor build</c> puts it.</summary>
    /// <exception cref="CliException">It is in neither place.</exception>
    public static string Find() =>
        Places.Select(p => Path.GetFullPath(p, AppContext.BaseDirectory)).FirstOrDefault(File.Exists)
        ?? throw new CliException(
            $"{Name}, the daemon's program, is not beside {AppContext.BaseDirectory}: install it in that directory");

    /// <summary>Replaces this process by the daemon: same pid, environment and descriptors. execve(2).</summary>
    /// <exception cref="CliException">It cannot be executed. Otherwise this call does not return.</exception>
    public static unsafe CliException Execute(IReadOnlyList<string> arguments)
    {
        var path = Find();
        // As we got it: .NET's own copy has no entries that are not UTF-8.
        var environment = File.ReadAllBytes("/proc/self/environ");
        byte[][] words = [CString.Of(path), .. arguments.Select(CString.Of)];
        var pins = words.Append([.. environment, 0]).Select(w => GCHandle.Alloc(w, GCHandleType.Pinned)).ToList();
        var entries = (byte*)pins[^1].AddrOfPinnedObject();
        var argv = stackalloc byte*[words.Length + 1];
        for (var i = 0; i < words.Length; i++) argv[i] = (byte*)pins[i].AddrOfPinnedObject();
        argv[words.Length] = null;
        var starts = Enumerable.Range(0, environment.Length).Where(i => i == 0 || environment[i - 1] == 0).ToArray();
        fixed (nint* envp = new nint[starts.Length + 1])
        {
            for (var i = 0; i < starts.Length; i++) envp[i] = (nint)(entries + starts[i]);
            syscall(Syscall.execve, argv[0], argv, envp);
        }
        return new CliException($"{path}: cannot be executed: {Marshal.GetPInvokeErrorMessage((int)Errno.Last)} ({Errno.Last})");
    }
}
