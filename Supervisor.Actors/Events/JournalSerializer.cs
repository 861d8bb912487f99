using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Google.Protobuf;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Images;
using Supervisor.Actors.Leases;
using Supervisor.Actors.Namespaces;
using Supervisor.Actors.Persistence;
using Supervisor.Actors.Tasks;
using Supervisor.Journal.V1;

namespace Supervisor.Actors.Events;

/// <summary>
/// Events to and from the journal's bytes. The manifest names the message and its version; every version ever written stays
/// readable (docs/journal.md).
/// </summary>
public sealed class JournalSerializer : SerializerWithStringManifest
{
    private const string Task = "task.v1", Container = "container.v1", Registry = "registry.v1",
    Compacted = ContainerJournal.CompactedManifest,
        Exec = "exec.v1", ExecRegistry = "exec-registry.v1", Event = "event.v1";

    /// <param name="system">The serialization extension's.</param>
    public JournalSerializer(ExtendedActorSystem system) : base(system) { }

    /// <summary>Written into the journal beside every event: never changes.</summary>
    public override int Identifier => JournalConfig.Serializer;

    /// <inheritdoc/>
    public override string Manifest(object o) => o switch
    {
        TaskEvent => Task,
        ContainerEvent => Container,
        ExecEvent => Exec,
        ExecRegistered => ExecRegistry,
        ContainerRegistered => Registry,
        Containers.RegistryCompacted => Compacted,
        ClientEvent => Event,
        NamespaceEvent e => NamespaceJournal.ToProto(e).Descriptor.FullName,
        LeaseEvent e => LeaseJournal.ToProto(e).Descriptor.FullName,
        MetadataEvent e => MetadataJournal.ToProto(e).Descriptor.FullName,
        _ => throw new ArgumentException($"{o.GetType()} is not journalled", nameof(o)),
    };

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => obj switch
    {
        TaskEvent e => TaskJournal.ToProto(e).ToByteArray(),
        ContainerEvent e => ContainerJournal.ToProto(e).ToByteArray(),
        ExecEvent e => ExecJournal.ToProto(e).ToByteArray(),
        ExecRegistered e => ExecJournal.ToProto(e).ToByteArray(),
        ContainerRegistered e => ContainerJournal.ToProto(e).ToByteArray(),
        Containers.RegistryCompacted e => ContainerJournal.ToProto(e).ToByteArray(),
        ClientEvent e => ClientEventJournal.ToProto(e).ToByteArray(),
        NamespaceEvent e => NamespaceJournal.ToProto(e).ToByteArray(),
        LeaseEvent e => LeaseJournal.ToProto(e).ToByteArray(),
        MetadataEvent e => MetadataJournal.ToProto(e).ToByteArray(),
        _ => throw new ArgumentException($"{obj.GetType()} is not journalled", nameof(obj)),
    };

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => manifest switch
    {
        Task => TaskJournal.FromProto(TaskEntry.Parser.ParseFrom(bytes.AsSpan())),
        Exec => ExecJournal.FromProto(ExecEntry.Parser.ParseFrom(bytes.AsSpan())),
        ExecRegistry => ExecJournal.FromProto(ExecRegistryEntry.Parser.ParseFrom(bytes.AsSpan())),
        Container => ContainerJournal.FromProto(ContainerEntry.Parser.ParseFrom(bytes.AsSpan())),
        Registry => ContainerJournal.FromProto(RegistryEntry.Parser.ParseFrom(bytes.AsSpan())),
        Compacted => ContainerJournal.FromProto(Supervisor.Journal.V1.RegistryCompacted.Parser.ParseFrom(bytes.AsSpan())),
        Event => ClientEventJournal.FromProto(EventEntry.Parser.ParseFrom(bytes.AsSpan())),
        _ => (object?)NamespaceJournal.FromProto(manifest, bytes) ?? (object?)LeaseJournal.FromProto(manifest, bytes)
            ?? MetadataJournal.FromProto(manifest, bytes)
            ?? throw new SerializationException(
                $"the journal holds \"{manifest}\", which this version does not know: it was written by a newer one"),
    };
}
