using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Shim.Oci;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>
/// <c>delete</c>: removes what a dead shim has left of a container. containerd calls it after every container; then there is
/// nothing to do. Prints a DeleteResponse.
/// </summary>
internal static class DeleteCommand
{
    private const string AddressFile = "address", Scheme = "unix://";
    private const int Killed = 137;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static int Run(ShimArguments arguments)
    {
        var bundle = Path.GetFullPath(arguments.Bundle.Length > 0 ? arguments.Bundle : Environment.CurrentDirectory);
        var pid = Directory.Exists(bundle) ? BundleRecord.ReadPid(bundle) : 0;
        if (Directory.Exists(bundle))
        {
            if (Bundle.HasCgroupRecord(bundle))
                Container.TearDown(
                    bundle, new Dictionary<string, string>(), Patience,
                    e => Streams.WriteError($"{ContainerdCommandLine.Name}: {e.Message}\n"), ownsBundle: false);
            RemoveSocket(Path.Join(bundle, AddressFile));
        }
        Streams.Write(new WireWriter().Number(1, (uint)pid).Number(2, Killed)
            .Message(3, TaskEvents.Timestamp(DateTimeOffset.UtcNow)).Written);
        return 0;
    }

    private static void RemoveSocket(string addressFile)
    {
        var address = File.Exists(addressFile) ? File.ReadAllText(addressFile).Trim() : "";
        if (address.StartsWith(Scheme, StringComparison.Ordinal)) ShimSocket.RemoveDead(address[Scheme.Length..]);
    }
}
