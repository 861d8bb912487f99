using System.Buffers;
using System.Text;
using Supervisor.Cli.Output;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>
/// Prints what a log's file has: each stream to its own, byte for byte as the container wrote it. A log without records
/// (<see cref="LogFormat.Raw"/>) is all output.
/// </summary>
internal sealed class LogPrinter(Stream output, Stream errors, LogFormat format, LogSelection? selection = null)
{
    private readonly LogSelection _selection = selection ?? LogSelection.All;
    private readonly ArrayBufferWriter<byte> _pending = new();
    private readonly bool[] _inLine = new bool[2]; // of the output, and of the errors
    private bool _pendingIsError;

    /// <summary>Whether all that follows is too late to be printed.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Prints the records that are complete.</summary>
    /// <returns>How many bytes were used; the others are to be offered again with those that follow.</returns>
    public int Print(ReadOnlySpan<byte> bytes, bool isFull)
    {
        if (format is LogFormat.Raw)
        {
            output.Write(bytes);
            return bytes.Length;
        }
        var used = 0;
        for (int end; (end = bytes[used..].IndexOf((byte)'\n')) >= 0; used += end + 1) Line(bytes.Slice(used, end));
        if (used == 0 && isFull) Add(bytes[..(used = bytes.Length)], isError: false); // it is no record: they are shorter
        Flush();
        return used;
    }

    private void Line(ReadOnlySpan<byte> line)
    {
        if (!CriRecord.Is(line))
        {
            Add(line, isError: false);
            Add("\n"u8, isError: false);
            return;
        }
        var time = line[..CriRecord.TimeLength];
        if (_selection.IsBefore(time)) return;
        if (IsDone |= _selection.IsAfter(time)) return;
        var (isError, isWhole) = (CriRecord.IsError(line), line[CriRecord.TagAt] == CriRecord.Full);
        var content = line[CriRecord.HeaderLength..];
        if (_selection.AsJson)
        {
            Add(Encoding.UTF8.GetBytes(Json(time, isError, content, isWhole) + "\n"), isError: false);
            return;
        }
        ref var inLine = ref _inLine[isError ? 1 : 0];
        if (_selection.WithTimes && !inLine)
        {
            Add(time, isError);
            Add(" "u8, isError);
        }
        inLine = !isWhole;
        Add(content, isError);
        if (isWhole) Add("\n"u8, isError);
    }

    // The names of docker's json-file.
    private static string Json(ReadOnlySpan<byte> time, bool isError, ReadOnlySpan<byte> content, bool isWhole)
    {
        var (at, text) = (Encoding.ASCII.GetString(time), Encoding.UTF8.GetString(content));
        return JsonOutput.Render(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("log", isWhole ? text + '\n' : text);
                json.WriteString("stream", isError ? "stderr" : "stdout");
                json.WriteString("time", at);
                json.WriteEndObject();
            },
            indented: false);
    }

    private void Add(ReadOnlySpan<byte> bytes, bool isError)
    {
        if (isError != _pendingIsError) Flush();
        _pendingIsError = isError;
        _pending.Write(bytes);
    }

    private void Flush()
    {
        if (_pending.WrittenCount == 0) return;
        (_pendingIsError ? errors : output).Write(_pending.WrittenSpan);
        _pending.ResetWrittenCount();
    }
}
