using System.Text.RegularExpressions;
using Grpc.Core;
using Supervisor.Actors.Containers;

namespace Supervisor.Host.Services;

/// <summary>
/// The runtime names that this daemon accepts. Another runtime, for example of virtual machines, makes promises that this one
/// does not: it is refused rather than silently replaced.
/// </summary>
public static partial class RuntimeNames
{
    /// <exception cref="RpcException">INVALID_ARGUMENT: it is not one of these.</exception>
    public static void Check(ContainerRecord record)
    {
        if (!Ours().IsMatch(record.RuntimeName))
            throw GrpcTranslation.Refuse(
                StatusCode.InvalidArgument,
                $"failed to start shim: runtime \"{record.RuntimeName}\" is not installed, only io.containerd.runc.v2 is: "
                    + "invalid argument");
    }

    [GeneratedRegex(@"\A(io\.containerd\.(runc|supervisor)\.v[0-9]+|io\.containerd\.runtime\.v1\.linux)\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex Ours();
}
