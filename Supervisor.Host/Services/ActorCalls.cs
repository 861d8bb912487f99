using Akka.Actor;
using Grpc.Core;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Tasks;

namespace Supervisor.Host.Services;

/// <summary>Asks an actor on behalf of a call, within the caller's deadline; a refusal is thrown as the call's status.</summary>
internal static class ActorCalls
{
    public static async Task<ContainerRecord> AskAsync(
        this IActorRef container, ContainerCommand command, ServerCallContext context, TimeProvider clock)
    {
        var reply = await container.Ask<ContainerReply>(command, context.TimeLeft(clock), context.CancellationToken);
        if (reply.Refusal is { } refusal) throw refusal.ToRpcException();
        return reply.Record ?? throw GrpcTranslation.NoContainer(command.Id);
    }

    public static async Task<TaskState> AskAsync(
        this IActorRef task, TaskCommand command, ServerCallContext context, TimeProvider clock)
    {
        var reply = await task.Ask<TaskReply>(command, context.TimeLeft(clock), context.CancellationToken);
        return reply.Refusal is { } refusal ? throw refusal.ToRpcException() : reply.State;
    }

    public static async Task<ExecState> AskAsync(
        this IActorRef task, ExecCommand command, ServerCallContext context, TimeProvider clock)
    {
        var reply = await task.Ask<ExecReply>(command, context.TimeLeft(clock), context.CancellationToken);
        return reply.Refusal is { } refusal ? throw refusal.ToRpcException() : reply.State;
    }

    public static async Task AskAsync(this IActorRef task, ProcessInput input, ServerCallContext context, TimeProvider clock)
    {
        var reply = await task.Ask<ProcessInputReply>(input, context.TimeLeft(clock), context.CancellationToken);
        if (reply.Refusal is { } refusal) throw refusal.ToRpcException();
    }

    public static async Task<TaskInquiryReply> AskAsync(
        this IActorRef task, TaskInquiry inquiry, ServerCallContext context, TimeProvider clock)
    {
        var reply = await task.Ask<TaskInquiryReply>(inquiry, context.TimeLeft(clock), context.CancellationToken);
        return reply.Refusal is { } refusal ? throw refusal.ToRpcException() : reply;
    }

    /// <summary>The container may refuse before the command reaches its task.</summary>
    public static async Task<TaskState> AskForTaskAsync(
        this IActorRef container, ContainerCommand.CreateTask command, ServerCallContext context, TimeProvider clock) =>
        await container.Ask<object>(command, context.TimeLeft(clock), context.CancellationToken) switch
        {
            TaskReply { Refusal: { } refusal } => throw refusal.ToRpcException(),
            TaskReply reply => reply.State,
            ContainerReply { Refusal: { } refusal } => throw refusal.ToRpcException(),
            var other => throw new InvalidOperationException(
                $"container {command.Id} answered a create of its task with {other}"),
        };
}
