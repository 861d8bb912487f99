using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>The calls about a container as a whole: its processes, its limits, its freezer, its images.</summary>
internal sealed partial class TaskServer
{
    private void Pids(TtrpcCall call)
    {
        var init = Find(new ProcessRequest(ContainerCall.Read(call.Payload).Id, "", 0, 0));
        if (init is { Exit: not null, Pid: > 0 })
        {
            // containerd 2 takes a shim that lists no process for a leaked one when it starts, and deletes the container before
            // anyone has seen its exit. Its init is named until it is deleted.
            call.Reply(new WireWriter().Message(1, new WireWriter().Number(1, (uint)init.Pid)));
            return;
        }
        var (id, container) = Running(init.ContainerId);
        var execs = _processes.Values.Where(p => p.ContainerId == id && p.ExecId.Length > 0 && p.Pid > 0)
            .ToLookup(p => p.Pid, p => p.ExecId);
        Work(call, (id, "\0read"), Patience, _ =>
        {
            var pids = container.Cgroup.Processes();
            return () =>
            {
                var reply = new WireWriter();
                foreach (var pid in pids)
                {
                    var process = new WireWriter().Number(1, (uint)pid);
                    if (execs[pid].FirstOrDefault() is { } exec)
                        process.Message(2, new AnyMessage(
                            "containerd.runc.v1.ProcessDetails", new WireWriter().Text(1, exec).Written.ToArray()).Write());
                    reply.Message(1, process);
                }
                call.Reply(reply);
            };
        });
    }

    private void Stats(TtrpcCall call)
    {
        var (id, container) = Running(ContainerCall.Read(call.Payload).Id);
        Work(call, (id, "\0read"), Patience, _ =>
        {
            var metrics = Metrics.Of(container.Cgroup);
            return () => call.Reply(new WireWriter().Message(1, metrics.Write()));
        });
    }

    private void Update(TtrpcCall call)
    {
        var request = UpdateRequest.Read(call.Payload);
        var (id, container) = Running(request.Id);
        if (request.Resources.Value.Length == 0) throw Invalid("resources", "missing: the new limits in JSON");
        if (request.HasAnnotations) _log($"container {id}: Update: annotations: they have no meaning for a running container");
        Work(call, (id, ""), Patience, _ =>
        {
            var resources = SpecReader.ReadResources(request.Resources.Value);
            SpecValidator.Validate(resources);
            var ignored = CgroupLimits.Update(container.Cgroup, resources);
            return () =>
            {
                foreach (var field in ignored) _log($"container {id}: Update: {field.Field}: {field.Reason}");
                call.Reply(new WireWriter());
            };
        });
    }

    private void Pause(TtrpcCall call)
    {
        var (id, container) = Running(ContainerCall.Read(call.Payload).Id);
        Work(call, (id, ""), FreezePatience, _ =>
        {
            if (container.IsHeld || container.HasExited || container.Cgroup.IsFrozen)
                throw new TtrpcException(
                    StatusCode.FailedPrecondition, $"container {id} cannot be paused: it is not running, or is paused already");
            container.Cgroup.Freeze(FreezePatience);
            return () =>
            {
                _events.Publish(TaskEvents.Paused(id));
                call.Reply(new WireWriter());
            };
        });
    }

    private void Resume(TtrpcCall call)
    {
        var (id, container) = Running(ContainerCall.Read(call.Payload).Id);
        Work(call, (id, ""), FreezePatience, _ =>
        {
            if (!container.Cgroup.IsFrozen)
                throw new TtrpcException(StatusCode.FailedPrecondition, $"container {id} is not paused");
            container.Cgroup.Thaw(FreezePatience);
            return () =>
            {
                _events.Publish(TaskEvents.Resumed(id));
                call.Reply(new WireWriter());
            };
        });
    }

    private void Checkpoint(TtrpcCall call)
    {
        var request = CheckpointRequest.Read(call.Payload);
        var (id, container) = Running(request.Id);
        var options = CheckpointFields.Read(request, _options[id].CriuPath);
        Work(call, (id, ""), ImagePatience, deadline =>
        {
            container.Checkpoint(options, deadline);
            return () =>
            {
                _events.Publish(TaskEvents.Checkpointed(id, options));
                call.Reply(new WireWriter());
            };
        });
    }
}
