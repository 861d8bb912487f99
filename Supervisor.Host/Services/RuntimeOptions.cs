using Containerd.Runc.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Identity;

namespace Supervisor.Host.Services;

/// <summary>
/// The runtime options that a client may set. An option that would change a container and is not supported is refused by its
/// field; only defaults, and options without a meaning here, are accepted.
/// </summary>
public static class RuntimeOptions
{
    /// <param name="options">The request's or the container record's; null for none.</param>
    /// <param name="field">The field that holds them.</param>
    /// <exception cref="InvalidFieldException">They set something that is not supported.</exception>
    public static void Check(Any? options, string field)
    {
        if (options is null || options.TypeUrl.Length == 0 && options.Value.IsEmpty) return;
        var type = options.TypeUrl[(options.TypeUrl.LastIndexOf('/') + 1)..];
        if (type != Options.Descriptor.FullName)
        {
            if (options.Value.IsEmpty) return; // sets nothing, whatever its type
            throw new InvalidFieldException(field, $"a {options.TypeUrl}: only {Options.Descriptor.FullName} is understood");
        }
        Options given;
        try
        {
            given = Options.Parser.ParseFrom(options.Value);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidFieldException(field, $"no {type}: {e.Message}");
        }
        Refuse(given.NoPivotRoot, "no_pivot_root", "the root is always pivoted");
        Refuse(given.NoNewKeyring, "no_new_keyring", "every container has a session keyring of its own");
        Refuse(given.ShimCgroup.Length > 0, "shim_cgroup", $"\"{given.ShimCgroup}\": the shim stays in the daemon's cgroup");
        Refuse(given.IoUid != 0, "io_uid", $"{given.IoUid}: streams belong to the container's user");
        Refuse(given.IoGid != 0, "io_gid", $"{given.IoGid}: streams belong to the container's group");
        // dockerd names its default, runc, and a directory for runc's state, which is not used here.
        Refuse(given.BinaryName.Length > 0 && Path.GetFileName(given.BinaryName) != "runc", "binary_name",
            $"\"{given.BinaryName}\": no other runtime is started; for that use containerd, or choose runc");
        Refuse(given.CriuPath.Length > 0, "criu_path",
            $"\"{given.CriuPath}\": the daemon's supervisor.criu says which program it is");
        Refuse(given.SystemdCgroup, "systemd_cgroup",
            "there is no systemd driver: choose cgroupfs (dockerd: --exec-opt native.cgroupdriver=cgroupfs)");
        Refuse(given.TaskApiAddress.Length > 0, "task_api_address", $"\"{given.TaskApiAddress}\": tasks are served here");

        void Refuse(bool wanted, string name, string why)
        {
            if (wanted) throw new InvalidFieldException($"{field}.{name}", why);
        }
    }
}
