using Supervisor.Shim.Oci;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary><c>-info</c>: what this runtime is and can do, as containerd.runc.v1's RuntimeInfo on standard output.</summary>
internal static class InfoCommand
{
    private const string Features = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

    public static int Run()
    {
        Streams.Write(new WireWriter().Text(1, "io.containerd.supervisor.v2")
            .Message(2, new WireWriter().Text(1, OciCommandLine.Version))
            .Message(4, new AnyMessage(Features, FeaturesVerb.Document()).Write()).Written);
        return 0;
    }
}
