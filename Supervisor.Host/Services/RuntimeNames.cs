using System.Text.RegularExpressions;
using Grpc.Core;
using Supervisor.Actors.Containers;

namespace Supervisor.Host.Services;

/// <summary>
/// The names that clients use for the runtime that this daemon is. Another one, of virtual machines perhaps, promises what
/// we do not keep: it is refused rather than quietly replaced.
/// </summary>
public static partial class RuntimeNames
{
    /// <exception cref="RpcException">INVALID_ARGUMENT: it is none of ours.</exception>
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
