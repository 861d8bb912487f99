using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>
/// A log with its rotated files, read in order while it is written and rotated: each file once, identified by inode, since its
/// name changes. A file that is removed before it was read is missing; nothing is read twice.
/// </summary>
internal sealed class LogFiles(string path, LogFormat format) : IDisposable
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

    /// <summary>Prints all that was not printed yet.</summary>
    /// <exception cref="FileNotFoundException">There is no such log.</exception>
    public void PrintTo(LogPrinter printer)
    {
        while (true)
        {
            var newer = Newer();
            // Newer files are listed before: if there are any, this file is complete.
            if (_current is not null) Drain(printer);
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

    /// <summary>Goes backwards by lines of the file. A line of output is the records up to one with a newline.</summary>
    /// <param name="wanted">Lines still wanted; 0 if the first of them starts in this file.</param>
    private long StartOfLast(SafeFileHandle file, bool isNewest, ref long wanted)
    {
        var end = RandomAccess.GetLength(file);
        if (isNewest && wanted == 0) return end;
        long? next = null; // the start of the line after the one that is being passed
        for (var at = end; at > 0;)
        {
            var length = (int)Math.Min(_buffer.Length, at);
            length = RandomAccess.Read(file, _buffer.AsSpan(0, length), at -= length);
            for (var rest = length; rest >= 0;)
            {
                rest = _buffer.AsSpan(0, rest).LastIndexOf((byte)'\n');
                if (rest < 0 && at > 0) break;
                var start = at + rest + 1;
                // The very last byte ends a line and starts none.
                if (next is { } border && !(isNewest && border == end) && EndsLine(file, start) && --wanted == 0) return border;
                next = start;
            }
        }
        return 0;
    }

    private bool EndsLine(SafeFileHandle file, long start)
    {
        Span<byte> tag = stackalloc byte[1];
        return format is LogFormat.Raw || RandomAccess.Read(file, tag, start + CriRecord.TagAt) != 1 || tag[0] != CriRecord.Part;
    }

    private void Drain(LogPrinter printer)
    {
        while (RandomAccess.Read(_current!, _buffer, _position) is > 0 and var count
            && printer.Print(_buffer.AsSpan(0, count), isFull: count == _buffer.Length) is > 0 and var used)
            _position += used;
    }
}
