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
/// What the services of images, content, snapshots and layers share: ask, keep under the caller's lease, collect.
/// </summary>
public sealed class StorageCalls(SupervisorSystem system, TimeProvider clock)
{
    private const string LeaseHeader = "containerd-lease";

    /// <summary>Files, limits and threads.</summary>
    public StorageFiles Files => system.Storage.Files;

    /// <summary>The journalled metadata.</summary>
    public MetadataState State => system.Storage.Known.State;

    /// <summary>The time.</summary>
    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>For whom a call works.</summary>
    /// <exception cref="RpcException">The namespace's header is missing.</exception>
    public StorageCaller CallerOf(ServerCallContext context) =>
        new(context.RequireNamespace(), LeaseOf(context), context.TimeLeft(clock), context.CancellationToken);

    /// <inheritdoc cref="AskAsync(MetadataCommand, StorageCaller)"/>
    public Task<MetadataState> AskAsync(MetadataCommand command, ServerCallContext context) =>
        AskAsync(command, CallerOf(context));

    /// <summary>
    /// Carries out a command; a refusal is thrown as the call's status. Freed files are removed before this returns.
    /// </summary>
    public async Task<MetadataState> AskAsync(MetadataCommand command, StorageCaller caller)
    {
        var reply = await system.Storage.Metadata.Ask<MetadataReply>(command, caller.Patience, caller.Cancel);
        if (reply.Refusal is { } refusal) throw refusal.ToRpcException();
        if (reply.Freed.Length > 0) await Files.RemoveAsync(reply.Freed);
        return reply.State;
    }

    /// <inheritdoc cref="PinAsync(string, string, StorageCaller)"/>
    public Task PinAsync(string type, string id, ServerCallContext context) => PinAsync(type, id, CallerOf(context));

    /// <summary>
    /// Adds a resource to the caller's lease, if there is one. Called before the resource is created: a collection in between
    /// would remove it.
    /// </summary>
    /// <exception cref="RpcException">NOT_FOUND: there is no such lease.</exception>
    public async Task PinAsync(string type, string id, StorageCaller caller)
    {
        if (caller.Lease is not { } key) return;
        if (system.KnownLeases.Find(key)?.Resources.Contains(new LeasedResource(type, id)) == true) return;
        var reply = await system.Leases.Ask<LeaseReply>(
            new LeaseCommand.AddResource(key, Now, new LeasedResource(type, id)), caller.Patience, caller.Cancel);
        if (reply.Refusal is { } refusal) throw refusal.ToRpcException();
    }

    /// <summary>Checks that the caller's lease exists, if it names one.</summary>
    /// <exception cref="RpcException">NOT_FOUND: it does not.</exception>
    public void CheckLease(ServerCallContext context)
    {
        if (LeaseOf(context) is { } key && system.KnownLeases.Find(key)?.HasExpired(Now) != false)
            throw GrpcTranslation.Refuse(StatusCode.NotFound, $"lease \"{key.Id}\": not found");
    }

    /// <summary>Records a blob under the caller's lease. If it exists already, it also gets these labels.</summary>
    public async Task RecordAsync(StoredBlob blob, ImmutableSortedDictionary<string, string> labels, StorageCaller caller)
    {
        var key = new BlobKey(caller.Namespace, blob.Digest.Text);
        await PinAsync("content", key.Digest, caller);
        try
        {
            var state = await AskAsync(new MetadataCommand.CommitContent(key, blob.Size, blob.File, labels, Now), caller);
            if (state.Blobs.GetValueOrDefault(key)?.File == blob.File) return;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.AlreadyExists)
        {
            await LabelAsync(key, labels, caller);
        }
        await Files.RemoveAsync([new Freed(blob.File, null, 0)]);
    }

    /// <summary>Adds labels to a blob.</summary>
    public async Task LabelAsync(BlobKey key, ImmutableSortedDictionary<string, string> labels, StorageCaller caller)
    {
        // Without paths all labels would be replaced, also those that another client has set.
        if (labels.Count > 0)
            await AskAsync(
                new MetadataCommand.UpdateContent(key, labels, [.. labels.Keys.Select(k => $"labels.{k}")], Now), caller);
    }

    private static LeaseKey? LeaseOf(ServerCallContext context) =>
        context.RequestHeaders.GetValue(LeaseHeader) is { Length: > 0 } lease
        ? new LeaseKey(context.RequireNamespace(), LeaseId.Check(lease, LeaseHeader))
        : null;

    /// <summary>A reference was released: what only that referred to is collected soon.</summary>
    public void CollectSoon() => system.Storage.Collector.Tell(new CollectSoon(), ActorRefs.NoSender);

    /// <summary>Collects now, and returns when it is done.</summary>
    public async Task CollectAsync(ServerCallContext context)
    {
        var collected = await system.Storage.Collector.Ask<Collected>(
            new CollectNow(), context.TimeLeft(clock), context.CancellationToken);
        if (collected.Failure is { } failure)
            throw GrpcTranslation.Refuse(StatusCode.Unknown, $"garbage collection failed: {failure}");
    }
}
