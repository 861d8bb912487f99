using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>
/// A log with its rotated files, read in order while it is written and rotated: each file once, identified by inode, since its
/// name changes. A file that is removed before it was read is missing; nothing is read twice.
/// </summary>
internal sealed class LogFiles(string path) : IDisposable
{
    // Enough for any log that is not rotated all the time.
    private const int MostListings = 100;

    private readonly byte[] _buffer = new byte[64 << 10];
    private SafeFileHandle? _current;
    private string _identity = "";
    private long _position;

    /// <summary>Skips all but the last lines of the present log.</summary>
    public void SkipToLast(long lines)
    {
        var there = Newer();
        var wanted = lines;
        for (var i = there.Count - 1; i >= 0; i--)
        {
            var start = StartOfLast(there[i].File, isNewest: i == there.Count - 1, ref wanted);
            if (wanted > 0 && i > 0) continue;
            ((_current, _identity), _position) = (there[i], start);
            foreach (var other in there) if (other.File != _current) other.File.Dispose();
            return;
        }
    }

    /// <summary>Copies all that was not copied yet.</summary>
    /// <exception cref="FileNotFoundException">There is no such log.</exception>
    public async Task CopyToAsync(Stream output, CancellationToken cancel)
    {
        while (true)
        {
            var newer = Newer();
            // Newer files are listed before: if there are any, this file is complete.
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

    /// <summary>The files newer than the current one, oldest first.</summary>
    /// <remarks>
    /// Opened newest first: a file that is renamed once in the meantime is found twice, and none is missed. If they are renamed
    /// more often, one newer than the first may come after it: they are listed again.
    /// </remarks>
    private List<(SafeFileHandle File, string Identity)> Newer()
    {
        for (var again = MostListings; ; again--)
        {
            var newer = List(out var first);
            if (newer.Count == 0 || again == 0 || IsAt(newer[^1].Identity, first) || IsAt(newer[^1].Identity, first + 1))
                return newer;
            foreach (var (file, _) in newer) file.Dispose();
        }
    }

    private bool IsAt(string identity, int number)
    {
        using var file = TryOpen(Name(number));
        return file is not null && FileIdentity.Of(file) == identity;
    }

    private string Name(int number) => number == 0 ? path : $"{path}.{number}";

    /// <param name="first">The number of the newest one.</param>
    private List<(SafeFileHandle File, string Identity)> List(out int first)
    {
        first = 0;
        var newer = new List<(SafeFileHandle File, string Identity)>();
        for (var number = 0; number <= LogTarget.MostFiles; number++)
        {
            if (TryOpen(Name(number)) is not { } file)
            {
                // Between its two names, or a gap left by a crash.
                if (number > 0 && !LogTarget.RotatedFiles(path).Any(f => int.Parse(f[(path.Length + 1)..]) > number)) break;
                continue;
            }
            var identity = FileIdentity.Of(file);
            if (identity == _identity || newer.Any(n => n.Identity == identity))
            {
                file.Dispose();
                if (identity == _identity) break;
                continue;
            }
            if (newer.Count == 0) first = number;
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

    /// <param name="wanted">Lines still wanted; 0 if the first of them starts in this file.</param>
    private long StartOfLast(SafeFileHandle file, bool isNewest, ref long wanted)
    {
        var end = RandomAccess.GetLength(file);
        if (isNewest && wanted == 0) return end;
        for (var at = end; at > 0;)
        {
            var length = (int)Math.Min(_buffer.Length, at);
            length = RandomAccess.Read(file, _buffer.AsSpan(0, length), at -= length);
            for (var i = length - 1; i >= 0; i--)
            {
                // The very last byte ends a line and starts none.
                if (_buffer[i] != (byte)'\n' || (isNewest && at + i == end - 1)) continue;
                if (--wanted == 0) return at + i + 1;
            }
        }
        return 0;
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
