using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Stdio;

namespace Supervisor.Host.Cli.Running;

/// <summary>
/// A log with its former files, read in order while it is written and begun anew: each file once, by its identity, since its name
/// changes. What is removed before it was read is not there; nothing is read twice.
/// </summary>
internal sealed class LogFiles(string path) : IDisposable
{
    private readonly byte[] _buffer = new byte[64 << 10];
    private SafeFileHandle? _current;
    private string _identity = "";
    private long _position;

    /// <summary>The former files that are there, the latest first.</summary>
    public static IEnumerable<string> Former(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(directory)) return [];
        return Directory.EnumerateFiles(directory).Where(f => f.StartsWith(path + ".", StringComparison.Ordinal))
            .Select(f => (File: f, Number: int.TryParse(f[(path.Length + 1)..], out var number) ? number : 0))
            .Where(f => f.Number > 0).OrderBy(f => f.Number).Select(f => f.File);
    }

    /// <summary>All that is there and was not copied yet.</summary>
    /// <exception cref="FileNotFoundException">There is no such log.</exception>
    public async Task CopyToAsync(Stream output, CancellationToken cancel)
    {
        while (true)
        {
            var newer = Newer();
            // Looked for others before: if there are some, nothing more comes to this one after what is there now.
            if (_current is not null) await DrainAsync(output, cancel);
            else if (newer.Count == 0 && _identity.Length == 0) throw new FileNotFoundException($"{path}: no such log", path);
            if (newer.Count == 0) return;
            foreach (var unused in newer.Skip(1)) unused.File.Dispose();
            _current?.Dispose();
            (_current, _identity) = newer[0];
            _position = 0;
        }
    }

    public void Dispose() => _current?.Dispose();

    /// <summary>The files that are newer than the current one, the oldest first.</summary>
    /// <remarks>Opened from the newest on: one that gets its next name meanwhile is met twice, and none is passed over.</remarks>
    private List<(SafeFileHandle File, string Identity)> Newer()
    {
        var newer = new List<(SafeFileHandle File, string Identity)>();
        for (var number = 0; number <= LogTarget.MostFiles; number++)
        {
            if (TryOpen(number == 0 ? path : $"{path}.{number}") is not { } file)
            {
                // Between its two names; or a gap, which a death has left.
                if (number > 0 && !Former(path).Any(f => int.Parse(f[(path.Length + 1)..]) > number)) break;
                continue;
            }
            var identity = FileIdentity.Of(file);
            if (identity == _identity || newer.Any(n => n.Identity == identity))
            {
                file.Dispose();
                if (identity == _identity) break;
                continue;
            }
            newer.Add((file, identity));
        }
        newer.Reverse();
        return newer;
    }

    private static SafeFileHandle? TryOpen(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private async Task DrainAsync(Stream output, CancellationToken cancel)
    {
        while (RandomAccess.Read(_current!, _buffer, _position) is > 0 and var count)
        {
            await output.WriteAsync(_buffer.AsMemory(0, count), cancel);
            _position += count;
        }
    }
}
