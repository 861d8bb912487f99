using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.Resources;
using Supervisor.Runtime.Stdio;
using static Supervisor.Actors.Effects.ProcessReports;
using static Supervisor.Actors.Tasks.TaskEffect;

namespace Supervisor.Actors.Effects;

/// <summary>Carries out a task's effects: the only place where a decision becomes a system call.</summary>
/// <param name="state">The state directory, which holds the clients' FIFOs.</param>
/// <param name="criu">The program that makes checkpoints: a path, or a name that is searched in PATH.</param>
public sealed class KernelTaskEffects(IContainerRuntime runtime, TimeProvider clock, string state, string criu) : ITaskEffects
{
    private static readonly TimeSpan TearDownTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan FreezeTimeout = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public KernelOutcome Run(KernelWork work, CancellationToken deadline)
    {
        try
        {
            return work.Effect switch
            {
                SpawnInit effect => Spawn(work, effect, deadline),
                ReleaseInit => Release(work, deadline),
                TaskEffect.Signal effect => Send(work, effect),
                Freeze effect => Freezing(work, effect.CgroupPaths, freeze: true),
                Thaw effect => Freezing(work, effect.CgroupPaths, freeze: false),
                CheckpointInit effect => Checkpoint(work, effect, deadline),
                RestoreInit effect => Restore(work, effect, deadline),
                AdoptInit effect => Adopt(work, effect, deadline),
                TearDown effect => Remove(work, effect),
                var other => throw new ArgumentException($"no such effect: {other}"),
            };
        }
        catch (Exception e)
        {
            return Completed(work, new TaskCommand.EffectFailed(work.Id, clock.GetUtcNow(), work.Effect, Reason(e)));
        }
    }

    private KernelOutcome Spawn(KernelWork work, SpawnInit effect, CancellationToken deadline)
    {
        DescriptorLimit.CheckRoom();
        var container = runtime.Create($"{work.Id}", Request(work.Id, effect.Setup, effect.Spec), deadline);
        return new KernelOutcome(
            new TaskCommand.InitSpawned(
                work.Id, clock.GetUtcNow(), Named(container), container.Cgroup.Paths.ToSortedDictionary()), effect, container);
    }

    private KernelOutcome Restore(KernelWork work, RestoreInit effect, CancellationToken deadline)
    {
        var source = effect.Restore.Source;
        if (!Directory.Exists(source.Images))
            throw new DirectoryNotFoundException($"checkpoint: the images in \"{source.Images}\" are gone");
        if (source.Work.Length > 0) PrivateFiles.MakeDirectory(source.Work);
        var options = new CheckpointOptions {
            ImageDirectory = source.Images, WorkDirectory = NullIfEmpty(source.Work), Criu = CriuProgram.Find(criu) };
        DescriptorLimit.CheckRoom();
        var container = runtime.Restore(
            $"{work.Id}", Request(work.Id, effect.Setup, effect.Restore.Spec.Memory), options, deadline);
        RemoveImages(source.Owned);
        return new KernelOutcome(
            new TaskCommand.InitRestored(
                work.Id, clock.GetUtcNow(), Named(container), container.Cgroup.Paths.ToSortedDictionary()), effect, container);
    }

    private KernelOutcome Checkpoint(KernelWork work, CheckpointInit effect, CancellationToken deadline)
    {
        var request = effect.Request;
        var program = CriuProgram.Find(criu);
        PrivateFiles.MakeDirectory(request.Images);
        if (request.Work.Length > 0) PrivateFiles.MakeDirectory(request.Work);
        Held(work).Checkpoint(
            new CheckpointOptions
            {
                ImageDirectory = request.Images, WorkDirectory = NullIfEmpty(request.Work),
                ParentDirectory = NullIfEmpty(request.Parent),
                LeaveRunning = !request.Exit, TcpEstablished = request.OpenTcp, ExternalUnixSockets = request.ExternalUnixSockets,
                ShellJob = request.Terminal, FileLocks = request.FileLocks, EmptyNamespaces = request.EmptyNamespaces,
                ManageCgroups = NullIfEmpty(request.CgroupsMode), Criu = program,
            },
            deadline);
        return Completed(work, new TaskCommand.Checkpointed(work.Id, clock.GetUtcNow(), request));
    }

    private static ContainerRequest Request(ContainerId id, TaskSetup setup, ReadOnlyMemory<byte> spec) => new(
        setup.Bundle, spec, [.. setup.Rootfs.Select(m => new RootMount(m.Type, m.Source, m.Target, m.Options))],
        setup.Stdio.Of(id.Namespace, id.Value), $"/{id.Namespace}/{id.Value}") { Trace = setup.Trace };

    private static string? NullIfEmpty(string text) => text.Length > 0 ? text : null;

    /// <summary>What cannot be removed now is removed at the next start.</summary>
    private static void RemoveImages(string directory)
    {
        try
        {
            if (directory.Length > 0) Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>What cannot be removed now is removed at the next start.</summary>
    private void RemoveFifos(ContainerId id)
    {
        try
        {
            ClientFifos.RemoveUnused(state, id.Namespace, id.Value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private KernelOutcome Release(KernelWork work, CancellationToken deadline)
    {
        try
        {
            Held(work).Start(deadline);
            return Completed(work, new TaskCommand.InitStarted(work.Id, clock.GetUtcNow()));
        }
        catch (LaunchException e)
        {
            return Completed(work, StartFailed(work, e));
        }
    }

    private TaskCommand.StartFailed StartFailed(KernelWork work, LaunchException e)
    {
        var status = e.Errno is Errno.ENOENT or Errno.ENOTDIR ? 127 : e.Errno is Errno.None ? 137 : 126;
        return new TaskCommand.StartFailed(work.Id, clock.GetUtcNow(), e.Message, status);
    }

    private KernelOutcome Send(KernelWork work, TaskEffect.Signal effect)
    {
        var container = Held(work);
        var sent = effect.All ? container.SignalAll(effect.Number) : container.Signal(effect.Number);
        // A signal to all succeeds also when no process is left.
        return Completed(work, sent || effect.All
            ? new TaskCommand.Signalled(work.Id, clock.GetUtcNow())
            : new TaskCommand.EffectFailed(work.Id, clock.GetUtcNow(), effect, Finished));
    }

    private KernelOutcome Freezing(KernelWork work, IReadOnlyDictionary<string, string> cgroupPaths, bool freeze)
    {
        var cgroup = Cgroup.Open(cgroupPaths);
        if (freeze) cgroup.Freeze(FreezeTimeout);
        else cgroup.Thaw(FreezeTimeout);
        work.Container?.ReportFrozen(freeze);
        return Completed(work, freeze
            ? new TaskCommand.Frozen(work.Id, clock.GetUtcNow()) : new TaskCommand.Thawed(work.Id, clock.GetUtcNow()));
    }

    private KernelOutcome Adopt(KernelWork work, AdoptInit effect, CancellationToken deadline)
    {
        var init = effect.Init;
        var container = runtime.TryAdopt($"{work.Id}", effect.Setup.Bundle, IdentityOf(init), effect.CgroupPaths, deadline);
        try
        {
            // requested from the previous daemon, which may have done it: a start is idempotent
            if (effect.Release) container?.Start(deadline);
        }
        catch (LaunchException e)
        {
            return new KernelOutcome(StartFailed(work, e), effect, container);
        }
        if (container is not null)
            return new KernelOutcome(
                new TaskCommand.InitAdopted(
                work.Id, clock.GetUtcNow(), container.Cgroup is { Exists: true, IsFrozen: true }, container.IsHeld,
                container.IsStartedByService), effect, container);
        // Its remaining processes are killed before its exit is published, as when a daemon is watching.
        if (init.BootId == ProcStat.BootId && Cgroup.Open(effect.CgroupPaths) is { Exists: true } cgroup)
            cgroup.KillAll(TearDownTimeout);
        return Completed(work, new TaskCommand.InitGone(work.Id, clock.GetUtcNow(), Gone(init, clock.GetUtcNow())));
    }

    private KernelOutcome Remove(KernelWork work, TearDown effect)
    {
        if (work.Container is { } container) container.End(TearDownTimeout);
        else runtime.TearDown($"{work.Id}", effect.Setup.Bundle, effect.CgroupPaths, TearDownTimeout);
        RemoveImages(effect.Images);
        RemoveFifos(work.Id);
        return Completed(work, new TaskCommand.TornDown(work.Id, clock.GetUtcNow()));
    }

    private static IContainer Held(KernelWork work) =>
        work.Container ?? throw new InvalidOperationException("this daemon does not hold its init");

    private static KernelOutcome Completed(KernelWork work, TaskCommand.Report report) => new(report, work.Effect, null);

    /// <inheritdoc/>
    public TaskInquiryReply Answer(TaskInquiryWork work)
    {
        try
        {
            var cgroup = Cgroup.Open(work.CgroupPaths);
            switch (work.Inquiry)
            {
                case TaskInquiry.Pids: return new TaskInquiryReply(null, [.. cgroup.Processes()]);
                case TaskInquiry.Stats: return new TaskInquiryReply(null, Stats: cgroup.Stats());
                case TaskInquiry.Update update:
                    var resources = SpecReader.ReadResources(update.Resources.Span);
                    SpecValidator.Validate(resources);
                    CgroupLimits.Update(cgroup, resources);
                    return new TaskInquiryReply(null);
                default: throw new ArgumentException($"no such inquiry: {work.Inquiry}");
            }
        }
        catch (Exception e)
        {
            return new TaskInquiryReply(Reason(e));
        }
    }
}
