using System.Globalization;
using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Shim.Serving;

/// <summary>
/// A file of the exits that have not been collected yet: once we have reaped a process, its status is nowhere else. One line
/// each, written before the kernel releases the process; another line when it is collected. On a tmpfs, so it is lost on reboot.
/// </summary>
internal sealed class ExitLedger : IDisposable
{
    private const long CompactAbove = 1 << 20;
    private readonly string _path;
    private readonly Action<string> _log;
    private readonly Dictionary<(string Key, int Pid, ulong StartTime), ExitRecord> _uncollected = [];
    private Fd? _file;
    private long _size;

    public ExitLedger(string path, Action<string> log)
    {
        (_path, _log) = (path, log);
        try
        {
            if (File.Exists(path)) foreach (var line in File.ReadLines(path)) Take(line);
        }
        catch (IOException e)
        {
            log($"{path}: {e.Message}: recorded exits are lost");
        }
        Compact();
    }

    public IEnumerable<ExitRecord> Uncollected => _uncollected.Values;

    public int Count => _uncollected.Count;

    public void Add(ExitRecord exit)
    {
        if (!_uncollected.TryAdd((exit.Key, exit.Pid, exit.StartTime), exit)) return;
        Append(Line(exit));
    }

    public ExitRecord? Find(string key, int pid, ulong startTime) => _uncollected.GetValueOrDefault((key, pid, startTime));

    public void Collected(string key, int pid, ulong startTime)
    {
        if (!_uncollected.Remove((key, pid, startTime))) return;
        Append(string.Create(CultureInfo.InvariantCulture, $"-\t{key}\t{pid}\t{startTime}\n"));
        if (_size > CompactAbove) Compact();
    }

    /// <summary>Removes all exits of a container's processes, once their client has seen them.</summary>
    public void Forget(string key)
    {
        foreach (var id in _uncollected.Keys.Where(k => k.Key == key || k.Key.StartsWith(key + "/", StringComparison.Ordinal))
            .ToList())
            Collected(id.Key, id.Pid, id.StartTime);
    }

    public void Dispose() => _file?.Dispose();

    private static string Line(ExitRecord e) => string.Create(
        CultureInfo.InvariantCulture,
        $"+\t{e.Key}\t{e.Pid}\t{e.StartTime}\t{e.Status ?? -1}\t{e.At.UtcTicks}\t{e.OomKills}\t"
        + $"{e.Usage.User.Ticks}\t{e.Usage.System.Ticks}\t{e.Usage.MaximumResident}\n");

    private void Take(string line)
    {
        // A line that was cut short by a crash has too few fields, or is not followed by another.
        var f = line.Split('\t');
        if (f is ["+", _, _, _, _, _, _, _, _, _] && int.TryParse(f[2], out var pid) && ulong.TryParse(f[3], out var start)
            && int.TryParse(f[4], out var status)
            && long.TryParse(f[5], out var at) && ulong.TryParse(f[6], out var oom) && long.TryParse(f[7], out var user)
                && long.TryParse(f[8], out var system)
            && long.TryParse(f[9], out var resident))
            _uncollected[(f[1], pid, start)] = new ExitRecord(
                f[1], pid, start, status < 0 ? null : status, new DateTimeOffset(at, TimeSpan.Zero), oom,
                new ProcessUsage(TimeSpan.FromTicks(user), TimeSpan.FromTicks(system), resident));
        else if (f is ["-", _, _, _] && int.TryParse(f[2], out pid) && ulong.TryParse(f[3], out start))
            _uncollected.Remove((f[1], pid, start));
    }

    /// <summary>
    /// A full disk loses nothing while we run: the record is in memory, and the next compaction writes it to the file.
    /// </summary>
    private void Append(string line)
    {
        try
        {
            var bytes = Encoding.UTF8.GetBytes(line);
            _file!.Write(bytes);
            _size += bytes.Length;
        }
        catch (SyscallException e)
        {
            _log($"{_path}: {e.Message}: keeping exits in memory only");
            _size = CompactAbove + 1;
        }
    }

    private void Compact()
    {
        var text = Encoding.UTF8.GetBytes(string.Concat(_uncollected.Values.Select(Line)));
        try
        {
            var file = Fd.Open(_path + ".new", OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC | OpenFlags.O_APPEND,
                0x180);
            file.Write(text);
            File.Move(_path + ".new", _path, overwrite: true);
            _file?.Dispose();
            (_file, _size) = (file, text.Length);
        }
        catch (IOException e) when (_file is not null)
        {
            _log($"{_path}: {e.Message}: cannot compact it");
            _size = 0;
        }
    }
}
