using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Shim.Serving;

/// <summary>
/// <c>--id ID --bundle DIR</c>: one container without a daemon, in the foreground, driven by the Shim service on its socket.
/// Exits when a client asks for it and nothing runs, and leaves nothing. One that is killed leaves its container running, without
/// a parent that relays its streams and collects its exit: the next one of the same id removes it first.
/// </summary>
internal static class AloneCommand
{
    private const string BundleFile = "bundle"; // the path of the bundle; there until we have removed the container

    private static readonly TimeSpan RemoveWithin = TimeSpan.FromSeconds(20);

    private const string DefaultState = "/run/supervisor-shim", DefaultNamespace = "default";

    public static int Run(string[] args)
    {
        string id = "", bundle = "", socket = "", space = DefaultNamespace, state = DefaultState;
        var idle = FrontArguments.IdleOfEnvironment;
        for (var i = 0; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length) throw new UsageException($"\"{args[i]}\" is an unknown flag, or lacks its value");
            var value = args[i + 1];
            switch (args[i])
            {
                case "--id": id = value; break;
                case "--bundle": bundle = Path.GetFullPath(value); break;
                case "--socket": socket = Path.GetFullPath(value); break;
                case "--namespace": space = value; break;
                case "--state": state = Path.GetFullPath(value); break;
                case "--idle":
                    idle = FrontArguments.TryIdle(value)
                        ?? throw new UsageException($"--idle: \"{value}\" is not a number of seconds, at most a day");
                    break;
                default: throw new UsageException($"\"{args[i]}\" is an unknown flag");
            }
        }
        CheckName("--id", id);
        CheckName("--namespace", space);
        if (bundle.Length == 0) throw new UsageException("--bundle is missing");
        if (!Directory.Exists(bundle)) throw new UsageException($"--bundle: {bundle} is not a directory");
        var directory = Path.Join(state, space, id);
        Serve(directory, socket, new FrontArguments($"{space}/{id}", bundle, idle));
        return 0;
    }

    private static void Serve(string directory, string socket, FrontArguments front)
    {
        PrivateFiles.MakeDirectory(directory);
        if (socket.Length == 0) socket = Path.Join(directory, Runtime.Oci.Bundle.ServiceSocket);
        using var single = ServeCommand.OpenLock(directory);
        if (Native.flock(single.Number, Native.LOCK_EX | Native.LOCK_NB) != 0)
            throw new IOException(
                $"another shim serves the container {front.Container} in {directory}: use its socket, or another --id");
        using var bundle = Fd.Open(front.Bundle, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        if (!ExclusiveLock.TryTake(bundle))
            throw new IOException($"another shim uses the bundle {front.Bundle}: use its socket, or another --bundle");
        RemoveLeftover(directory);
        PrivateFiles.Write(Path.Join(directory, BundleFile), Encoding.UTF8.GetBytes(front.Bundle));
        if (Directory.Exists(socket)) throw new UsageException($"--socket: {socket} is a directory");
        DescriptorLimit.Raise();
        using (var server = new ShimServer(directory, null, ServeCommand.Log, (socket, front)))
        {
            Console.WriteLine(socket);
            ServeCommand.RunUntilDone(server.Done, server.RequestExit);
        }
        Runtime.Oci.Bundle.RemoveCgroupRecord(front.Bundle);
        foreach (var name in (string[])["exits", "parents", BundleFile, "lock"]) File.Delete(Path.Join(directory, name));
        RemoveIfEmpty(directory);
        RemoveIfEmpty(Path.GetDirectoryName(directory)!);
    }

    /// <summary>The container of a shim that was killed.</summary>
    private static void RemoveLeftover(string directory)
    {
        var file = Path.Join(directory, BundleFile);
        if (!File.Exists(file)) return;
        var bundle = File.ReadAllText(file);
        if (Runtime.Oci.Bundle.HasCgroupRecord(bundle))
        {
            ServeCommand.Log($"the last shim was killed: removing its container, with the bundle {bundle}");
            Container.TearDown(
                bundle, new Dictionary<string, string>(), RemoveWithin, e => ServeCommand.Log(e.Message), ownsBundle: false);
        }
        File.Delete(Path.Join(directory, "exits"));
    }

    private static void CheckName(string flag, string name)
    {
        if (name.Length == 0) throw new UsageException($"{flag} is missing");
        if (name.Length > 76 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
            || !char.IsAsciiLetterOrDigit(name[0]) || !char.IsAsciiLetterOrDigit(name[^1]))
            throw new UsageException(
                $"{flag}: \"{name}\" is not a name: at most 76 letters, digits, '.', '_' and '-', with a letter or digit first "
                + "and last");
    }

    /// <summary>Another container's is left.</summary>
    private static void RemoveIfEmpty(string directory) => PathCalls.TryRemoveDirectory(directory);
}
