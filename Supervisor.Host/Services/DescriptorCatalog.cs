using Google.Protobuf.Reflection;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Supervisor.Host.Services;

/// <summary>The descriptors of all services that the daemon serves, by file, by symbol and by name of service.</summary>
public sealed class DescriptorCatalog
{
    private readonly Dictionary<string, FileDescriptor> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _symbols = new(StringComparer.Ordinal);

    /// <summary>Indexes the files of these services and all that they import.</summary>
    public DescriptorCatalog(IEnumerable<ServiceDescriptor> services)
    {
        foreach (var service in services)
        {
            Services.Add(service.FullName);
            Add(service.File);
        }
    }

    /// <summary>Those of the daemon.</summary>
    public static DescriptorCatalog Served { get; } = new(
    [
        Containerd.Services.Containers.V1.Containers.Descriptor,
        Containerd.Services.Tasks.V1.Tasks.Descriptor,
        Containerd.Services.Events.V1.Events.Descriptor,
        Containerd.Services.Version.V1.Version.Descriptor,
        Containerd.Services.Introspection.V1.Introspection.Descriptor,
        Containerd.Services.Namespaces.V1.Namespaces.Descriptor,
        Containerd.Services.Leases.V1.Leases.Descriptor,
        Containerd.Services.Images.V1.Images.Descriptor,
        Containerd.Services.Content.V1.Content.Descriptor,
        Containerd.Services.Snapshots.V1.Snapshots.Descriptor,
        Containerd.Services.Diff.V1.Diff.Descriptor,
        Grpc.Health.V1.Health.Descriptor,
        Grpc.Reflection.V1.ServerReflection.Descriptor,
        Grpc.Reflection.V1Alpha.ServerReflection.Descriptor,
        Supervisor.V1.Tasks.Descriptor,
        Supervisor.V1.Events.Descriptor,
    ]);

    /// <summary>Full names, sorted.</summary>
    public SortedSet<string> Services { get; } = new(StringComparer.Ordinal);

    /// <summary>The file of that name, as it is imported, or null.</summary>
    public FileDescriptor? FileNamed(string name) => _files.GetValueOrDefault(name);

    /// <summary>The file that defines the service, method, message or enum of that full name, or null.</summary>
    public FileDescriptor? FileDefining(string symbol) => _symbols.GetValueOrDefault(symbol);

    /// <summary>The file, then all that it imports, directly or not, each once.</summary>
    public static IEnumerable<FileDescriptor> WithImports(FileDescriptor file)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal) { file.Name };
        var open = new Queue<FileDescriptor>([file]);
        while (open.TryDequeue(out var next))
        {
            yield return next;
            foreach (var import in next.Dependencies)
                if (seen.Add(import.Name)) open.Enqueue(import);
        }
    }

    private void Add(FileDescriptor file)
    {
        if (!_files.TryAdd(file.Name, file)) return;
        foreach (var service in file.Services)
        {
            _symbols[service.FullName] = file;
            foreach (var method in service.Methods) _symbols[method.FullName] = file;
        }
        foreach (var message in file.MessageTypes) Add(message, file);
        foreach (var type in file.EnumTypes) _symbols[type.FullName] = file;
        foreach (var import in file.Dependencies) Add(import);
    }

    private void Add(MessageDescriptor message, FileDescriptor file)
    {
        _symbols[message.FullName] = file;
        foreach (var nested in message.NestedTypes) Add(nested, file);
        foreach (var type in message.EnumTypes) _symbols[type.FullName] = file;
    }
}
