using Supervisor.Client.Connection;
using Supervisor.Client.Errors;
using Supervisor.Client.Events;

namespace Supervisor.Client;

/// <summary>What a Supervisor daemon has, and containerd has not: there, these calls fail with Unimplemented.</summary>
public sealed class SupervisorCalls
{
    private readonly DaemonConnection _connection;

    internal SupervisorCalls(DaemonConnection connection) => _connection = connection;

    /// <summary>The kept events from a number on, and then new ones: nothing is missed between two subscriptions.</summary>
    /// <param name="from">
    /// <see cref="ProcessEvent.Number"/> of the last event that was processed, plus 1; 1 is the beginning of the history.
    /// </param>
    /// <param name="cancel">Ends the call.</param>
    /// <remarks>
    /// If the history does not have the number, the enumeration ends with OutOfRange; the message has the bounds.
    /// </remarks>
    public Task<EventSubscription> SubscribeAsync(long from, CancellationToken cancel = default)
    {
        if (from < 1) throw new ClientException(ErrorCode.InvalidArgument, $"from {from}: events are numbered from 1");
        return EventSubscription.OpenAsync(_connection, from, cancel);
    }

    /// <summary>What the daemon knows of a container's task: status, OOM kill, bundle, cgroups, start time.</summary>
    /// <exception cref="ClientException">NotFound: it has no task.</exception>
    public async Task<V1.InspectResponse> InspectAsync(string containerId, CancellationToken cancel = default) =>
        await _connection.CallAsync($"inspect container {containerId}",
            c => _connection.Inspection.InspectAsync(new V1.InspectRequest { Id = containerId }, c), cancel);
}
