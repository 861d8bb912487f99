using System.Collections.Immutable;
using Akka.Actor;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Images;
using Supervisor.Actors.Leases;
using Supervisor.Storage;
using Supervisor.Storage.Content;

namespace Supervisor.Host.Services.Storage;

/// <summary>
/// What the services of images, content, snapshots and layers do alike: ask, pin under the caller's lease, collect.
/// </summary>
public sealed class StorageCalls(SupervisorSystem system, TimeProvider clock)
{
    private const string LeaseHeader = "containerd-lease";

    /// <summary>Files, limits and threads.</summary>
    public StorageFiles Files => system.Storage.Files;

    /// <summary>All that is journalled.</summary>
    public MetadataState State => system.Storage.Known.State;

    /// <summary>The time.</summary>
    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>
    /// Carries out a command; a refusal is thrown as the call's status. What it frees is removed before this returns.
    /// </summary>
    public async Task<MetadataState> AskAsync(MetadataCommand command, ServerCallContext context)
    {
        var reply = await system.Storage.Metadata.Ask<MetadataReply>(command, context.TimeLeft(clock), context.CancellationToken);
        if (reply.Refusal is { } refusal) throw refusal.ToRpcException();
        if (reply.Freed.Length > 0) await Files.RemoveAsync(reply.Freed);
        return reply.State;
    }

    /// <summary>
    /// Keeps a resource while the caller's lease lives; without one nothing. Before the resource is made: between the two, a
    /// collection would take it.
    /// </summary>
    /// <exception cref="RpcException">NOT_FOUND: there is no such lease.</exception>
    public async Task PinAsync(string type, string id, ServerCallContext context)
    {
        if (LeaseOf(context) is not { } key) return;
        if (system.KnownLeases.Find(key)?.Resources.Contains(new LeasedResource(type, id)) == true) return;
        var reply = await system.Leases.Ask<LeaseReply>(
            new LeaseCommand.AddResource(key, Now, new LeasedResource(type, id)), context.TimeLeft(clock),
                context.CancellationToken);
        if (reply.Refusal is { } refusal) throw refusal.ToRpcException();
    }

    /// <summary>The caller's lease must be there, if it names one.</summary>
    /// <exception cref="RpcException">NOT_FOUND: it is not.</exception>
    public void CheckLease(ServerCallContext context)
    {
        if (LeaseOf(context) is { } key && system.KnownLeases.Find(key)?.HasExpired(Now) != false)
            throw GrpcTranslation.Refuse(StatusCode.NotFound, $"lease \"{key.Id}\": not found");
    }

    /// <summary>
    /// Records a blob under the caller's lease. The same one may be there already: then that is it, with these labels too.
    /// </summary>
    public async Task RecordAsync(
        StoredBlob blob, string @namespace, ImmutableSortedDictionary<string, string> labels, ServerCallContext context)
    {
        var key = new BlobKey(@namespace, blob.Digest.Text);
        await PinAsync("content", key.Digest, context);
        try
        {
            var state = await AskAsync(new MetadataCommand.CommitContent(key, blob.Size, blob.File, labels, Now), context);
            if (state.Blobs.GetValueOrDefault(key)?.File == blob.File) return;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.AlreadyExists)
        {
            // No paths would mean: all labels, and take those away that somebody else has set.
            if (labels.Count > 0)
                await AskAsync(new MetadataCommand.UpdateContent(key, labels, [.. labels.Keys.Select(k => $"labels.{k}")], Now),
                    context);
        }
        await Files.RemoveAsync([new Freed(blob.File, null, 0)]);
    }

    private static LeaseKey? LeaseOf(ServerCallContext context) =>
        context.RequestHeaders.GetValue(LeaseHeader) is { Length: > 0 } lease
        ? new LeaseKey(context.RequireNamespace(), LeaseId.Check(lease, LeaseHeader))
        : null;

    /// <summary>Something was let go of: what only that referred to goes soon.</summary>
    public void CollectSoon() => system.Storage.Collector.Tell(new CollectSoon(), ActorRefs.NoSender);

    /// <summary>Collects before it returns.</summary>
    public async Task CollectAsync(ServerCallContext context)
    {
        var collected = await system.Storage.Collector.Ask<Collected>(
            new CollectNow(), context.TimeLeft(clock), context.CancellationToken);
        if (collected.Failure is { } failure)
            throw GrpcTranslation.Refuse(StatusCode.Unknown, $"garbage collection failed: {failure}");
    }
}
