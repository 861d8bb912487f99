using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Lifecycle;
using static Supervisor.Actors.Effects.ProcessReports;
using static Supervisor.Actors.Tasks.ExecEffect;

namespace Supervisor.Actors.Effects;

/// <summary>Carries out an exec's effects.</summary>
public sealed class KernelExecEffects(IContainerRuntime runtime, TimeProvider clock) : IExecEffects
{
    private static readonly TimeSpan KillTimeout = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public ExecOutcome Run(ExecWork work, CancellationToken deadline)
    {
        try
        {
            return work.Effect switch
            {
                Spawn effect => Spawning(work, effect, deadline),
                Release => Releasing(work, deadline),
                ExecEffect.Signal effect => Send(work, effect),
                Adopt effect => Adopting(work, effect, deadline),
                End => Finish(work),
                var other => throw new ArgumentException($"no such effect: {other}"),
            };
        }
        catch (Exception e)
        {
            return Completed(work, new ExecCommand.EffectFailed(work.Exec, clock.GetUtcNow(), work.Effect, Reason(e)));
        }
    }

    private ExecOutcome Spawning(ExecWork work, Spawn effect, CancellationToken deadline)
    {
        var container = work.Container
            ?? throw new InvalidOperationException("this daemon does not hold the container's init");
        DescriptorLimit.CheckRoom();
        var stdio = effect.Setup.Stdio;
        var process = container.Exec(
            $"{work.Exec}", new ExecRequest(effect.Setup.Process, stdio.Of(work.Id.Namespace, work.Exec.Value)), deadline);
        return new ExecOutcome(new ExecCommand.Spawned(work.Exec, clock.GetUtcNow(), Named(process)), effect, process);
    }

    private ExecOutcome Releasing(ExecWork work, CancellationToken deadline)
    {
        try
        {
            Held(work).Start(deadline);
            return Completed(work, new ExecCommand.Released(work.Exec, clock.GetUtcNow()));
        }
        catch
        {
            work.Process?.End(KillTimeout); // it may start late: a failed start must leave no process
            throw;
        }
    }

    private ExecOutcome Send(ExecWork work, ExecEffect.Signal effect) => Completed(work, Held(work).Signal(effect.Number)
        ? new ExecCommand.Signalled(work.Exec, clock.GetUtcNow())
        : new ExecCommand.EffectFailed(work.Exec, clock.GetUtcNow(), effect, Finished));

    private ExecOutcome Adopting(ExecWork work, Adopt effect, CancellationToken deadline)
    {
        var at = clock.GetUtcNow();
        if (effect.Process is not { } known)
        {
            runtime.EndExec($"{work.Exec}", KillTimeout); // it may have been spawned and not journalled
            return Completed(work, new ExecCommand.EffectFailed(
                work.Exec, at, effect, new Refusal(RefusalCode.Unavailable, "the daemon exited before the process was started")));
        }
        if (runtime.TryAdoptExec($"{work.Exec}", IdentityOf(known), deadline) is { } process)
        {
            try
            {
                process.Start(deadline); // the start was requested: start it if it still waits
                return new ExecOutcome(new ExecCommand.Adopted(work.Exec, at), effect, process);
            }
            catch (LaunchException e)
            {
                process.End(KillTimeout);
                return Completed(work, new ExecCommand.EffectFailed(
                    work.Exec, at, new Release(known), new Refusal(RefusalCode.Unknown, e.Message)));
            }
        }
        return Completed(work, new ExecCommand.Exited(work.Exec, at, Gone(known, at)));
    }

    private ExecOutcome Finish(ExecWork work)
    {
        work.Process?.End(KillTimeout);
        return Completed(work, new ExecCommand.Signalled(work.Exec, clock.GetUtcNow()));
    }

    private static IContainerProcess Held(ExecWork work) =>
        work.Process ?? throw new InvalidOperationException("this daemon does not hold its process");

    private static ExecOutcome Completed(ExecWork work, ExecCommand.Report report) => new(report, work.Effect, null);
}
