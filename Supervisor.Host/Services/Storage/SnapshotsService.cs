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
public sealed class SnapshotsService(StorageCalls storage, SnapshotMaking making, NamespaceRegistry namespaces)
    : Snapshots.SnapshotsBase
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
        await making.CommitAsync(
            snapshotter, record, request.Name, request.Labels.ToLabels("labels"), storage.CallerOf(context));
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<Empty> Remove(RemoveSnapshotRequest request, ServerCallContext context)
    {
        var snapshotter = making.Find(request.Snapshotter);
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
        var key = new SnapshotKey(context.RequireNamespace(), making.Find(request.Snapshotter).Name, request.Info.Name);
        var labels = request.Info.Labels.ToLabels("info.labels", keepEmpty: true);
        var state = await storage.AskAsync(
            new MetadataCommand.UpdateSnapshot(key, labels, [.. request.UpdateMask?.Paths ?? []], storage.Now), context);
        return new UpdateSnapshotResponse { Info = Message(state.Snapshots[key]) };
    }

    /// <inheritdoc/>
    public override async Task List(
        ListSnapshotsRequest request, IServerStreamWriter<ListSnapshotsResponse> responseStream, ServerCallContext context)
    {
        var (@namespace, snapshotter) = (context.RequireNamespace(), making.Find(request.Snapshotter).Name);
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
        var snapshotter = making.Find(request.Snapshotter);
        await RunAsync("clean up snapshots", cancel => { snapshotter.EmptyTrash(cancel); return true; }, context);
        return new Empty();
    }

    private async Task<IEnumerable<Mount>> MakeAsync(
        string name, string key, string parent, IDictionary<string, string> given, Kind kind, ServerCallContext context)
    {
        var caller = storage.CallerOf(context);
        var snapshotter = making.Find(name);
        CheckName(key, "key");
        var labels = given.ToLabels("labels");
        await namespaces.EnsureAsync(caller.Namespace, context);
        return (await making.MakeAsync(snapshotter, key, parent, labels, kind, caller)).Select(Message);
    }

    private (Snapshotter Snapshotter, SnapshotRecord Record, MetadataState State) Find(
        string name, string key, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var snapshotter = making.Find(name);
        var state = storage.State;
        return state.Snapshots.TryGetValue(new SnapshotKey(@namespace, snapshotter.Name, key), out var record)
            ? (snapshotter, record, state)
            : throw GrpcTranslation.Refuse(StatusCode.NotFound, $"snapshot {key} does not exist: not found");
    }

    private Task<T> RunAsync<T>(string what, Func<CancellationToken, T> work, ServerCallContext context) =>
        storage.Files.Workers.RunAsync(what, work, storage.Files.Limits.LayerDeadline, context.CancellationToken);

    private static void CheckName(string name, string field)
    {
        if (name.Length is 0 or > MaximumName)
            throw new InvalidFieldException(field, $"must be 1 to {MaximumName} characters long");
    }

    private static IEnumerable<Mount> MountsOf(Snapshotter snapshotter, SnapshotRecord record, MetadataState state) =>
        SnapshotMaking.MountsOf(snapshotter, record, state).Select(Message);

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
