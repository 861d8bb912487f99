using System.Diagnostics;
using Supervisor.Actors.Identity;
using static Supervisor.Actors.Containers.ContainerCommand;
using E = Supervisor.Actors.Containers.ContainerEvent;

namespace Supervisor.Actors.Containers;

/// <summary>Whether the container exists, and its record. What runs is the task's state.</summary>
public abstract record ContainerState
{
    /// <summary>There is none.</summary>
    public sealed record Absent : ContainerState;

    /// <summary>There is one.</summary>
    public sealed record Present(ContainerRecord Record) : ContainerState;
}

/// <summary>What follows from a command to a container.</summary>
public sealed record ContainerDecision(ContainerEvent? Event, Refusal? Refusal);

/// <summary>The life of a container's record. Pure.</summary>
public static class ContainerMachine
{
    /// <summary>What a command leads to. A <see cref="Delete"/> comes here only when there is no task.</summary>
    public static ContainerDecision Decide(ContainerState state, ContainerCommand command) => (state, command) switch
    {
        (ContainerState.Absent, Create c) => Record(new E.Created(c.At, c.Record with { CreatedAt = c.At, UpdatedAt = c.At })),
        (ContainerState.Present, Create) =>
            Refuse(RefusalCode.AlreadyExists, $"container \"{command.Id.Value}\": already exists"),
        (ContainerState.Absent, _) => Refuse(RefusalCode.NotFound, NotFoundMessage(command.Id)),
        (ContainerState.Present s, Update c) => Change(s.Record, c),
        (ContainerState.Present, Delete c) => Record(new E.Deleted(c.At)),
        (ContainerState.Present, CreateTask or AdoptTask) => new ContainerDecision(null, null), // handed to the task
        _ => throw new UnreachableException($"{state} × {command}"),
    };

    /// <summary>The state after an event.</summary>
    public static ContainerState Apply(ContainerState state, ContainerEvent @event) => @event switch
    {
        E.Created e => new ContainerState.Present(e.Record),
        E.Updated e => new ContainerState.Present(e.Record),
        E.Deleted => new ContainerState.Absent(),
        _ => throw new UnreachableException($"{state} × {@event}"),
    };

    /// <summary>containerd's words, which clients match on.</summary>
    public static string NotFoundMessage(ContainerId id) =>
        $"container \"{id.Value}\" in namespace \"{id.Namespace}\": not found";

    private static ContainerDecision Change(ContainerRecord old, Update command)
    {
        var given = command.Record;
        var changed = old;
        if (command.Paths.Count == 0)
        {
            if (given.RuntimeName != old.RuntimeName)
                return Refuse(RefusalCode.InvalidArgument, "container.runtime.name: cannot be changed");
            if (given.Snapshotter != old.Snapshotter)
                return Refuse(RefusalCode.InvalidArgument, "container.snapshotter: cannot be changed");
            changed = old with {
                Labels = given.Labels, Image = given.Image, Spec = given.Spec, SnapshotKey = given.SnapshotKey,
                Extensions = given.Extensions };
        }
        foreach (var path in command.Paths)
        {
            if (Replace(changed, given, path) is not { } replaced)
                return Refuse(RefusalCode.InvalidArgument,
                    $"update_mask: cannot update \"{path}\" of container \"{command.Id.Value}\"");
            changed = replaced;
        }
        return Record(new E.Updated(
            command.At, changed with { Labels = FieldMask.WithoutEmpty(changed.Labels), UpdatedAt = command.At }));
    }

    private static ContainerRecord? Replace(ContainerRecord old, ContainerRecord given, string path) => path switch
    {
        "image" => old with { Image = given.Image },
        "spec" => old with { Spec = given.Spec },
        "snapshotkey" => old with { SnapshotKey = given.SnapshotKey },
        _ when FieldMask.Apply(old.Labels, given.Labels, path, "labels") is { } labels => old with { Labels = labels },
        _ when FieldMask.Apply(old.Extensions, given.Extensions, path, "extensions") is { } extensions =>
            old with { Extensions = extensions },
        _ => null,
    };

    private static ContainerDecision Record(ContainerEvent @event) => new(@event, null);

    private static ContainerDecision Refuse(RefusalCode code, string message) => new(null, new Refusal(code, message));
}
