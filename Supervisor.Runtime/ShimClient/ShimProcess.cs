using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// The daemon's view of a shim's process: its pidfd, and copies of its stream ends, which keep the streams open if the shim
/// exits. The daemon does signals and cgroups itself and calls the shim for the rest.
/// </summary>
internal sealed class ShimProcess : IContainer
{
    private readonly ShimRuntime _runtime;
    private readonly Lock _gate = new();
    private readonly Pidfd? _pidfd; // null for one that exited before we reattached
    private readonly Fd?[] _ends;
    private readonly string _stdoutLog, _stderrLog;
    private IDisposable? _localWatch;
    private Action<ProcessExit>? _onExit;
    private Action? _onOom;
    private ProcessExit? _end;
    private ulong _oomKills, _oomKillsReported;
    private bool _ended, _held;
    private Action<ServiceReport>? _onService;
    private List<ServiceReport>? _unreported; // what clients of the Shim service did before anything watched

    public ShimProcess(
        ShimRuntime runtime, ProcessHandover from, string? containerKey, ServiceMarks marks = ServiceMarks.None,
        byte[]? spec = null)
    {
        (_runtime, Key, ContainerKey, IsExec, Pid, StartTime, Bundle, CgroupPaths, Terminal, _oomKills) =
            (runtime, from.Key, containerKey, from.IsExec, from.Pid, from.StartTime, from.Bundle, from.CgroupPaths, from.Terminal,
                from.OomKillsReported);
        (_stdoutLog, _stderrLog) = (from.StdoutLog, from.StderrLog);
        if (from.Handles[ProcessHandover.PidfdPlace] is not null) _pidfd = from.Pidfd;
        _ends = new Fd?[ProcessHandover.Places];
        for (var i = 1; i < ProcessHandover.Places; i++) _ends[i] = from.Descriptor(i);
        _held = _ends[ProcessHandover.HeldPlace] is not null;
        InputClosing = from.InputClosing;
        (Marks, Spec) = (marks, spec ?? []);
    }

    public string Key { get; }

    public string? ContainerKey { get; }

    public bool IsExec { get; }

    public string? Bundle { get; }

    public IReadOnlyDictionary<string, string> CgroupPaths { get; }

    public bool Terminal { get; }

    public bool InputClosing { get; private set; }

    public int Pid { get; }

    public ulong StartTime { get; }

    public bool IsHeld => _held;

    public bool HasExited => _ended;

    /// <summary>What clients of the Shim service did with it.</summary>
    public ServiceMarks Marks { get; set; }

    /// <summary>Of an exec of the Shim service.</summary>
    public byte[] Spec { get; }

    public bool IsStartedByService => Marks.HasFlag(ServiceMarks.Started);

    public Cgroup Cgroup => Cgroup.Open(CgroupPaths);

    public void Watch(Action<ProcessExit> onExit, Action onOom)
    {
        lock (_gate)
        {
            (_onExit, _onOom) = (onExit, onOom);
            ReportOom();
            if (_end is { } end) onExit(end);
        }
    }

    public void WatchService(Action<ServiceReport> onReport)
    {
        lock (_gate)
        {
            _onService = onReport;
            foreach (var report in _unreported ?? []) onReport(report);
            _unreported = null;
        }
    }

    /// <summary>A client of the container's Shim service did something.</summary>
    public void Report(ServiceReport report)
    {
        lock (_gate)
        {
            if (_onService is { } onService) onService(report);
            else if (!_ended) (_unreported ??= []).Add(report);
        }
    }

    /// <summary>It no longer waits for its start.</summary>
    public void Released()
    {
        lock (_gate)
        {
            _held = false;
            Close(ProcessHandover.HeldPlace);
        }
    }

    /// <summary>Records a report of the shim or of our own watch. A duplicate is not reported again.</summary>
    public void Record(ProcessExit? end, ulong oomKills)
    {
        lock (_gate)
        {
            if (_end is not null) return;
            _oomKills = Math.Max(_oomKills, oomKills);
            ReportOom();
            if (end is null) return;
            (_end, _ended, _held) = (end, true, false);
            CloseEnds();
            _onExit?.Invoke(end.Value);
        }
    }

    /// <summary>The shim exited: its children are now reparented to us or to pid 1, and we watch their exits ourselves.</summary>
    public void WatchLocally(ContainerHost host)
    {
        lock (_gate)
        {
            if (_end is not null || _pidfd is not { IsClosed: false } || _localWatch is not null) return;
            _localWatch = host.Reaper.WatchExit(
                _pidfd, status => _ = RecordLocalExit(host, new ProcessExit(status, DateTimeOffset.UtcNow)));
        }
    }

    private async Task RecordLocalExit(ContainerHost host, ProcessExit end)
    {
        try
        {
            if (!IsExec) await LeftoverProcesses.KillAsync(Cgroup).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            host.OnError(e); // the exit is reported even if the cleanup failed
        }
        Record(end, OomKillsNow());
    }

    /// <summary>No more input will come: our copy of the input's end must not keep it open.</summary>
    public void InputEnded()
    {
        lock (_gate) Close(ProcessHandover.InputPlace, ProcessHandover.InputPipePlace);
    }

    /// <summary>
    /// For a new shim; does nothing where it has exited. The handles stay ours, and open while <paramref name="send"/> runs.
    /// </summary>
    public void HandOver(Action<ProcessHandover> send)
    {
        lock (_gate)
        {
            if (_end is not null || _pidfd is not { IsClosed: false }) return;
            send(new ProcessHandover
            {
                Key = Key, IsExec = IsExec, Pid = Pid, StartTime = StartTime, Bundle = Bundle, CgroupPaths = CgroupPaths,
                OomKillsReported = _oomKillsReported,
                Terminal = Terminal, InputClosing = InputClosing, StdoutLog = _stdoutLog, StderrLog = _stderrLog,
                Handles = [_pidfd, .. _ends.Skip(1)],
            });
        }
    }

    public void Collected() => _runtime.Collected(this);

    public void ReportFrozen(bool isFrozen) =>
        _runtime.Notify(ShimFrame.Begin(isFrozen ? ShimKind.Frozen : ShimKind.Thawed).Text(Key));

    public void Start(CancellationToken deadline)
    {
        if (!_held) return;
        _runtime.Start(this, deadline);
        Released();
    }

    public void Checkpoint(CheckpointOptions options, CancellationToken deadline) => _runtime.Checkpoint(this, options, deadline);

    public IContainerProcess Exec(string key, ExecRequest request, CancellationToken deadline) =>
        _runtime.Exec(this, key, request, deadline);

    public bool Signal(int signal)
    {
        if (_pidfd is not { IsClosed: false } pidfd || !pidfd.TrySignal(signal)) return false;
        if (signal != (int)Kernel.Processes.Signal.SIGKILL) return true;
        if (IsExec) _runtime.ThawAfterKill(this, pidfd);
        else Cgroup.ThawAfterKill();
        return true;
    }

    public bool SignalAll(int signal) => Cgroup.SignalAll(signal);

    public void CloseInput()
    {
        InputClosing = true;
        _runtime.SendInBackground(this, ShimKind.CloseInput, m => m.Text(Key));
    }

    public void Resize(ushort columns, ushort rows) =>
        _runtime.SendInBackground(this, ShimKind.Resize, m => m.Text(Key).I32(columns).I32(rows));

    public void End(TimeSpan timeout)
    {
        _runtime.End(Key, Bundle ?? "", CgroupPaths, timeout);
        Dispose();
        _runtime.Removed(Key);
    }

    public void Dispose()
    {
        _runtime.Forget(this);
        lock (_gate)
        {
            _localWatch?.Dispose();
            CloseEnds();
            _pidfd?.Dispose();
        }
    }

    private ulong OomKillsNow()
    {
        try
        {
            return IsExec || !Cgroup.Exists ? 0 : Cgroup.OomKills();
        }
        catch (IOException)
        {
            return 0; // it is being removed
        }
    }

    private void ReportOom()
    {
        if (_oomKills <= _oomKillsReported || _onOom is null) return;
        _oomKillsReported = _oomKills;
        _onOom();
    }

    private void CloseEnds() => Close([.. Enumerable.Range(1, ProcessHandover.Places - 1)]);

    private void Close(params ReadOnlySpan<int> places)
    {
        foreach (var place in places)
        {
            _ends[place]?.Dispose();
            _ends[place] = null;
        }
    }
}
