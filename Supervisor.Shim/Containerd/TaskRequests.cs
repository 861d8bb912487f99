using Supervisor.Runtime.Plans;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>A message of any type: its name and its bytes. google.protobuf.Any.</summary>
internal sealed record AnyMessage(string TypeUrl, byte[] Value)
{
    public static AnyMessage None { get; } = new("", []);

    public bool IsEmpty => TypeUrl.Length == 0 && Value.Length == 0;

    /// <summary>The name without the part before its last slash.</summary>
    public string TypeName => TypeUrl[(TypeUrl.LastIndexOf('/') + 1)..];

    public static AnyMessage Read(ReadOnlySpan<byte> message)
    {
        var (url, value) = ("", Array.Empty<byte>());
        for (var reader = new WireReader(message); reader.Next();)
            if (reader.Field == 1) url = reader.Text;
            else if (reader.Field == 2) value = reader.Bytes.ToArray();
        return new AnyMessage(url, value);
    }

    public WireWriter Write() => new WireWriter().Text(1, TypeUrl).Bytes(2, Value);
}

/// <summary>
/// What most calls have in common: the container's id, the exec's (empty for the init), and two numbers whose meaning is the
/// call's. containerd.task.v2 and v3 have the same messages.
/// </summary>
/// <param name="Third">Field 3: width, signal, close stdin.</param>
/// <param name="Fourth">Field 4: height, all.</param>
internal readonly record struct ProcessRequest(string Id, string ExecId, uint Third, uint Fourth)
{
    public static ProcessRequest Read(ReadOnlySpan<byte> message)
    {
        var (id, exec, third, fourth) = ("", "", 0u, 0u);
        for (var reader = new WireReader(message); reader.Next();)
            switch (reader.Field)
            {
                case 1: id = reader.Text; break;
                case 2: exec = reader.Text; break;
                case 3: third = reader.UInt32; break;
                case 4: fourth = reader.UInt32; break;
            }
        return new ProcessRequest(id, exec, third, fourth);
    }
}

/// <summary>The requests of which only the id is like the others'.</summary>
/// <param name="Now">Of Shutdown.</param>
internal readonly record struct ContainerCall(string Id, bool Now)
{
    public static ContainerCall Read(ReadOnlySpan<byte> message)
    {
        var (id, now) = ("", false);
        for (var reader = new WireReader(message); reader.Next();)
            if (reader.Field == 1) id = reader.Text;
            else if (reader.Field == 2) now = reader.Flag;
        return new ContainerCall(id, now);
    }
}

/// <summary>Create.</summary>
/// <param name="Checkpoint">The directory of the images to restore from; empty for a new container.</param>
internal sealed record CreateRequest(
    string Id, string Bundle, IReadOnlyList<RootMount> Rootfs, bool Terminal, string Stdin, string Stdout, string Stderr,
    string Checkpoint, string ParentCheckpoint, AnyMessage Options)
{
    public static CreateRequest Read(ReadOnlySpan<byte> message)
    {
        var (id, bundle, stdin, stdout, stderr, checkpoint, parent) = ("", "", "", "", "", "", "");
        var (mounts, terminal, options) = (new List<RootMount>(), false, AnyMessage.None);
        for (var reader = new WireReader(message); reader.Next();)
            switch (reader.Field)
            {
                case 1: id = reader.Text; break;
                case 2: bundle = reader.Text; break;
                case 3: mounts.Add(ReadMount(reader.Bytes)); break;
                case 4: terminal = reader.Flag; break;
                case 5: stdin = reader.Text; break;
                case 6: stdout = reader.Text; break;
                case 7: stderr = reader.Text; break;
                case 8: checkpoint = reader.Text; break;
                case 9: parent = reader.Text; break;
                case 10: options = AnyMessage.Read(reader.Bytes); break;
            }
        return new CreateRequest(id, bundle, mounts, terminal, stdin, stdout, stderr, checkpoint, parent, options);
    }

    private static RootMount ReadMount(ReadOnlySpan<byte> message)
    {
        var (type, source, target, options) = ("", "", "", new List<string>());
        for (var reader = new WireReader(message); reader.Next();)
            switch (reader.Field)
            {
                case 1: type = reader.Text; break;
                case 2: source = reader.Text; break;
                case 3: target = reader.Text; break;
                case 4: options.Add(reader.Text); break;
            }
        return new RootMount(type, source, target, options);
    }
}

/// <summary>Exec.</summary>
internal sealed record ExecProcessRequest(
    string Id, string ExecId, bool Terminal, string Stdin, string Stdout, string Stderr, AnyMessage Spec)
{
    public static ExecProcessRequest Read(ReadOnlySpan<byte> message)
    {
        var (id, exec, terminal, stdin, stdout, stderr, spec) = ("", "", false, "", "", "", AnyMessage.None);
        for (var reader = new WireReader(message); reader.Next();)
            switch (reader.Field)
            {
                case 1: id = reader.Text; break;
                case 2: exec = reader.Text; break;
                case 3: terminal = reader.Flag; break;
                case 4: stdin = reader.Text; break;
                case 5: stdout = reader.Text; break;
                case 6: stderr = reader.Text; break;
                case 7: spec = AnyMessage.Read(reader.Bytes); break;
            }
        return new ExecProcessRequest(id, exec, terminal, stdin, stdout, stderr, spec);
    }
}

/// <summary>Checkpoint.</summary>
/// <param name="Path">Where containerd wants the images.</param>
internal sealed record CheckpointRequest(string Id, string Path, AnyMessage Options)
{
    public static CheckpointRequest Read(ReadOnlySpan<byte> message)
    {
        var (id, path, options) = ("", "", AnyMessage.None);
        for (var reader = new WireReader(message); reader.Next();)
            switch (reader.Field)
            {
                case 1: id = reader.Text; break;
                case 2: path = reader.Text; break;
                case 3: options = AnyMessage.Read(reader.Bytes); break;
            }
        return new CheckpointRequest(id, path, options);
    }
}

/// <summary>Update.</summary>
/// <param name="HasAnnotations">The OCI has no meaning for annotations of a running container; Kubernetes sends some.</param>
internal sealed record UpdateRequest(string Id, AnyMessage Resources, bool HasAnnotations)
{
    public static UpdateRequest Read(ReadOnlySpan<byte> message)
    {
        var (id, resources, annotations) = ("", AnyMessage.None, false);
        for (var reader = new WireReader(message); reader.Next();)
            switch (reader.Field)
            {
                case 1: id = reader.Text; break;
                case 2: resources = AnyMessage.Read(reader.Bytes); break;
                case 3: annotations = true; break;
            }
        return new UpdateRequest(id, resources, annotations);
    }
}
