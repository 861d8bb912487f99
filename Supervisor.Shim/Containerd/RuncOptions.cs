using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>
/// The options of a container that containerd's clients set for runc: containerd.runc.v1.Options. What we cannot do is refused
/// by its field.
/// </summary>
internal sealed record RuncOptions
{
    private const string Name = "containerd.runc.v1.Options";

    public bool NoPivotRoot { get; private init; }

    public bool NoNewKeyring { get; private init; }

    /// <summary>Empty for the default.</summary>
    public string CriuPath { get; private init; } = "";

    /// <summary>The directory of criu's log in a restore; empty for that of the images.</summary>
    public string CriuWorkPath { get; private init; } = "";

    /// <exception cref="TtrpcException">They set something that is not supported.</exception>
    public static RuncOptions Read(AnyMessage options)
    {
        if (options.Value.Length == 0) return new RuncOptions(); // sets nothing, whatever its type
        if (options.TypeName != Name)
            throw new TtrpcException(
                StatusCode.InvalidArgument, $"options: a {options.TypeUrl}: only {Name} is understood; leave them out");
        var read = new RuncOptions();
        for (var reader = new WireReader(options.Value); reader.Next();)
        {
            switch (reader.Field)
            {
                case 1: read = read with { NoPivotRoot = reader.Flag }; break;
                case 2: read = read with { NoNewKeyring = reader.Flag }; break;
                case 3: Refuse(reader.Text, "shim_cgroup", "the shim stays in containerd's cgroup"); break;
                case 4: Refuse(reader.UInt32, "io_uid", "streams belong to the container's user"); break;
                case 5: Refuse(reader.UInt32, "io_gid", "streams belong to the container's group"); break;
                case 6:
                    if (Path.GetFileName(reader.Text) is not ("runc" or "supervisor-oci"))
                        Refuse(reader.Text, "binary_name",
                            "this shim starts no other runtime; for that use io.containerd.runc.v2");
                    break;
                case 7: _ = reader.Text; break; // the directory of runc's state: there is none
                case 8: read = read with { CriuPath = reader.Text }; break;
                case 9:
                    if (reader.Flag)
                        Refuse("true", "systemd_cgroup", "there is no systemd driver: use cgroupfs (SystemdCgroup = false)");
                    break;
                case 10: Refuse(reader.Text, "criu_image_path", "the images are where the checkpoint's path says"); break;
                case 11: read = read with { CriuWorkPath = reader.Text }; break;
                case 12: Refuse(reader.Text, "task_api_address", "the tasks are served here"); break;
            }
        }
        return read;
    }

    private static void Refuse(uint value, string field, string why) => Refuse(value == 0 ? "" : $"{value}", field, why);

    private static void Refuse(string value, string field, string why)
    {
        if (value.Length > 0)
            throw new TtrpcException(StatusCode.InvalidArgument, $"options.{field}: \"{value}\" is not supported: {why}");
    }
}
