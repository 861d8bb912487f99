using System.Collections.Immutable;
using Containerd.Services.Snapshots.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Images;
using Supervisor.Host.Filters;
using Supervisor.Storage;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Snapshots;
using Kind = Supervisor.Actors.Images.SnapshotKind;
using Mount = Containerd.Types.Mount;

namespace Supervisor.Host.Services.Storage;

/// <summary>containerd.services.snapshots.v1: layers of filesystems. Stats and lists ask no actor.</summary>
public sealed class SnapshotsService(StorageCalls storage, NamespaceRegistry namespaces) : Snapshots.SnapshotsBase
{
    private const int MaximumName = 4096, ListBatch = 100;

    /// <inheritdoc/>
    public override async Task<PrepareSnapshotResponse> Prepare(PrepareSnapshotRequest request, ServerCallContext context) =>
        new() { Mounts = { await MakeAsync(
            request.Snapshotter, request.Key, request.Parent, request.Labels, Kind.Active, context) } };

    /// <inheritdoc/>
    public override async Task<ViewSnapshotResponse> View(ViewSnapshotRequest request, ServerCallContext context) =>
        new() { Mounts = { await MakeAsync(
            request.Snapshotter, request.Key, request.Parent, request.Labels, Kind.View, context) } };

    /// <inheritdoc/>
    public override Task<MountsResponse> Mounts(MountsRequest request, ServerCallContext context)
    {
        var (snapshotter, record, state) = Find(request.Snapshotter, request.Key, context);
        if (record.Kind is Kind.Committed)
            throw GrpcTranslation.Refuse(
                StatusCode.FailedPrecondition,
                $"snapshot {request.Key} is committed, only active ones and views are mounted: failed precondition");
        return Task.FromResult(new MountsResponse { Mounts = { MountsOf(snapshotter, record, state) } });
    }

    /// <inheritdoc/>
    public override async Task<Empty> Commit(CommitSnapshotRequest request, ServerCallContext context)
    {
        CheckName(request.Name, "name");
        var (snapshotter, record, _) = Find(request.Snapshotter, request.Key, context);
        await storage.PinAsync($"snapshots/{snapshotter.Name}", request.Name, context);
        var usage = await RunAsync("measure a snapshot", cancel => snapshotter.Usage(record.Id, cancel), context);
        await storage.AskAsync(
            new MetadataCommand.CommitSnapshot(
                record.Key, request.Name, request.Labels.ToLabels("labels"), usage.Size, usage.Inodes, storage.Now), context);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<Empty> Remove(RemoveSnapshotRequest request, ServerCallContext context)
    {
        var snapshotter = Snapshotter(request.Snapshotter);
        await storage.AskAsync(
            new MetadataCommand.RemoveSnapshot(
                new SnapshotKey(context.RequireNamespace(), snapshotter.Name, request.Key), storage.Now),
            context);
        storage.CollectSoon();
        return new Empty();
    }

    /// <inheritdoc/>
    public override Task<StatSnapshotResponse> Stat(StatSnapshotRequest request, ServerCallContext context) =>
        Task.FromResult(new StatSnapshotResponse { Info = Message(Find(request.Snapshotter, request.Key, context).Record) });

    /// <inheritdoc/>
    public override async Task<UpdateSnapshotResponse> Update(UpdateSnapshotRequest request, ServerCallContext context)
    {
        if (request.Info is null) throw new InvalidFieldException("info", "must be set");
        var key = new SnapshotKey(context.RequireNamespace(), Snapshotter(request.Snapshotter).Name, request.Info.Name);
        var labels = request.Info.Labels.ToLabels("info.labels", keepEmpty: true);
        var state = await storage.AskAsync(
            new MetadataCommand.UpdateSnapshot(key, labels, [.. request.UpdateMask?.Paths ?? []], storage.Now), context);
        return new UpdateSnapshotResponse { Info = Message(state.Snapshots[key]) };
    }

    /// <inheritdoc/>
    public override async Task List(
        ListSnapshotsRequest request, IServerStreamWriter<ListSnapshotsResponse> responseStream, ServerCallContext context)
    {
        var (@namespace, snapshotter) = (context.RequireNamespace(), Snapshotter(request.Snapshotter).Name);
        var filters = FilterSet.Parse(request.Filters);
        var snapshots = storage.State.Snapshots.Values
            .Where(s => s.Namespace == @namespace && s.Snapshotter == snapshotter && filters.Matches(RecordFields.Of(s)))
                .OrderBy(s => s.Name, StringComparer.Ordinal);
        foreach (var batch in snapshots.Chunk(ListBatch))
            await responseStream.WriteAsync(
                new ListSnapshotsResponse { Info = { batch.Select(Message) } }, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<UsageResponse> Usage(UsageRequest request, ServerCallContext context)
    {
        var (snapshotter, record, _) = Find(request.Snapshotter, request.Key, context);
        if (record.Kind is Kind.Committed) return new UsageResponse { Size = record.Size, Inodes = record.Inodes };
        if (record.Kind is Kind.View) return new UsageResponse();
        var usage = await RunAsync("measure a snapshot", cancel => snapshotter.Usage(record.Id, cancel), context);
        return new UsageResponse { Size = usage.Size, Inodes = usage.Inodes };
    }

    /// <summary>Removes what is already in the trash.</summary>
    public override async Task<Empty> Cleanup(CleanupRequest request, ServerCallContext context)
    {
        context.RequireNamespace();
        var snapshotter = Snapshotter(request.Snapshotter);
        await RunAsync("clean up snapshots", cancel => { snapshotter.EmptyTrash(cancel); return true; }, context);
        return new Empty();
    }

    /// <summary>The directory first, then the record: a restart removes directories without a record.</summary>
    private async Task<IEnumerable<Mount>> MakeAsync(
        string name, string key, string parent, IDictionary<string, string> given, Kind kind, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var snapshotter = Snapshotter(name);
        CheckName(key, "key");
        var labels = given.ToLabels("labels");
        await namespaces.EnsureAsync(@namespace, context);
        await storage.PinAsync($"snapshots/{snapshotter.Name}", key, context);
        var id = storage.Files.Names.Next();
        var command = new MetadataCommand.PrepareSnapshot(
            new SnapshotKey(@namespace, snapshotter.Name, key), parent, kind, id, labels, storage.Now);
        // Checked before anything is copied; the actor checks again.
        var decided = MetadataMachine.Decide(storage.State, command, () => []);
        if (decided.Refusal is { } refusal) throw refusal.ToRpcException();
        var parentId = parent.Length == 0
            ? (long?)null : storage.State.Snapshots.GetValueOrDefault(command.Key with { Name = parent })?.Id;
        var made = false;
        try
        {
            await RunAsync(
                "make a snapshot", cancel =>
                    { snapshotter.Make(id, parentId, kind is Kind.Active, cancel); return true; }, context);
            var state = await storage.AskAsync(command, context);
            made = true;
            return MountsOf(snapshotter, state.Snapshots[command.Key], state);
        }
        catch (Exception e) when (
            e is not (StorageException or IOException)
            and not RpcException { StatusCode: StatusCode.AlreadyExists or StatusCode.NotFound or StatusCode.InvalidArgument })
        {
            made = true; // the result is unknown: if it is not recorded, the next start removes it
            throw;
        }
        finally
        {
            if (!made) await storage.Files.RemoveAsync([new Freed(null, snapshotter.Name, id)]);
        }
    }

    private (Snapshotter Snapshotter, SnapshotRecord Record, MetadataState State) Find(
        string name, string key, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var snapshotter = Snapshotter(name);
        var state = storage.State;
        return state.Snapshots.TryGetValue(new SnapshotKey(@namespace, snapshotter.Name, key), out var record)
            ? (snapshotter, record, state)
            : throw GrpcTranslation.Refuse(StatusCode.NotFound, $"snapshot {key} does not exist: not found");
    }

    private Snapshotter Snapshotter(string name)
    {
        if (name.Length == 0)
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, "snapshotter argument missing: invalid argument");
        if (storage.Files.Snapshotter(name) is { } usable) return usable;
        var why = storage.Files.Snapshotters.FirstOrDefault(s => s.Name == name)?.Unusable;
        throw GrpcTranslation.Refuse(
            StatusCode.InvalidArgument,
            $"snapshotter not loaded: {name[..Math.Min(name.Length, 76)]}{(why is null ? "" : $" ({why})")}: invalid argument");
    }

    private Task<T> RunAsync<T>(string what, Func<CancellationToken, T> work, ServerCallContext context) =>
        storage.Files.Workers.RunAsync(what, work, storage.Files.Limits.LayerDeadline, context.CancellationToken);

    private static void CheckName(string name, string field)
    {
        if (name.Length is 0 or > MaximumName)
            throw new InvalidFieldException(field, $"must be 1 to {MaximumName} characters long");
    }

    private static IEnumerable<Mount> MountsOf(Snapshotter snapshotter, SnapshotRecord record, MetadataState state) =>
        snapshotter.Mounts(record.Id, state.ChainOf(record), record.Kind is Kind.Active).Select(Message);

    private static Mount Message(TreeMount mount) =>
        new() { Type = mount.Type, Source = mount.Source, Options = { mount.Options } };

    private static Info Message(SnapshotRecord r) => new()
    {
        Name = r.Name,
        Parent = r.Parent,
        Kind = (Containerd.Services.Snapshots.V1.Kind)r.Kind,
        CreatedAt = r.CreatedAt.ToTimestamp(),
        UpdatedAt = r.UpdatedAt.ToTimestamp(),
        Labels = { r.Labels },
    };
}
