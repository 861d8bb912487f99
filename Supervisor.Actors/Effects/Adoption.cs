using System.Collections.Immutable;
using Akka.Actor;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Namespaces;
using Supervisor.Actors.Tasks;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Effects;

/// <summary>
/// Adopts running containers that are not in the journal, after it was lost: the shim has their processes and cgroups, the
/// bundle their spec. What only the journal had is lost: labels, image, snapshot, and where their output goes.
/// </summary>
internal static class Adoption
{
    private const string Runtime = "io.containerd.runc.v2", SpecType = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <returns>The adopted containers.</returns>
    public static async Task<IReadOnlySet<ContainerId>> RunAsync(
        ContainerDirectory directory, IActorRef containers, IActorRef namespaces, IContainerRuntime runtime, TimeProvider clock,
        Action<string> log, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(Patience);
        var adopted = new HashSet<ContainerId>();
        foreach (var found in await Task.Run(() => runtime.Found(deadline.Token), cancellation).ConfigureAwait(false))
        {
            var parts = found.Key.Split('/');
            var id = ContainerId.Parse(parts[0], parts[1]);
            if (directory.Find(id) is { Task.Exists: true }) continue;
            adopted.Add(id); // also when it fails: it must not be killed for that
            log(await AdoptAsync(directory, containers, namespaces, id, found, clock.GetUtcNow())
                .ConfigureAwait(false) is { } refusal
                ? $"container {id}, process {found.Init.Pid}: cannot be adopted ({refusal.Message}): it is left alone"
                : $"container {id}, process {found.Init.Pid}: adopted");
        }
        return adopted;
    }

    private static async Task<Refusal?> AdoptAsync(
        ContainerDirectory directory, IActorRef containers, IActorRef namespaces, ContainerId id, FoundContainer found,
            DateTimeOffset now)
    {
        try
        {
            if (directory.Find(id) is null)
            {
                var spec = new Any
                {
                    TypeUrl = SpecType, Value =
                        ByteString.CopyFrom(await File.ReadAllBytesAsync(Path.Join(found.Bundle, "config.json"))
                        .ConfigureAwait(false)),
                };
                await namespaces.Ask<NamespaceReply>(new NamespaceCommand.Ensure(id.Namespace, now), Patience)
                    .ConfigureAwait(false);
                var record = new ContainerRecord(
                    id, ImmutableSortedDictionary<string, string>.Empty, "", Runtime, null, spec, "", "",
                        ImmutableSortedDictionary<string, Any>.Empty, "", now, now);
                var made = await containers.Ask<ContainerReply>(new ContainerCommand.Create(id, now, record), Patience)
                    .ConfigureAwait(false);
                if (made.Refusal is not null) return made.Refusal;
            }
            var setup = new TaskSetup(found.Bundle, new StdioPaths("", "", "", found.Terminal), []);
            var init = new InitProcess(found.Init.Pid, found.Init.StartTime, found.Init.BootId);
            var order = new TaskCommand.Adopt(
                id, now, setup, init, found.CgroupPaths.ToSortedDictionary(), IsStarted: !found.IsHeld);
            return await containers.Ask<object>(new ContainerCommand.AdoptTask(id, now, order), Patience)
                .ConfigureAwait(false) switch
            {
                TaskReply reply => reply.Refusal,
                ContainerReply reply => reply.Refusal,
                var other => throw new InvalidOperationException($"container {id} answered {other}"),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or AskTimeoutException)
        {
            return new Refusal(RefusalCode.Unknown, e.Message);
        }
    }
}
