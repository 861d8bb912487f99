using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// A traced program: before each of its calls it reads the clock, by one more call, and each call's result is stored. The routine
/// is the same; a program that is not traced has none of it.
/// </summary>
/// <remarks>
/// The times are CLOCK_REALTIME's: a time namespace, which the program may enter, changes the others.
/// </remarks>
internal sealed partial class LaunchProgram
{
    /// <summary>The first number of a report over the stub's socket; no offset of a failure, nor a failed hook's.</summary>
    public const long TraceReport = -1000;

    /// <summary>Bytes of a report after its first two numbers: when the call begins, and the last result.</summary>
    public const int TraceReportRest = TimeSize + sizeof(long);

    private const int CLOCK_REALTIME = 0, TimeSize = 2 * sizeof(long);
    private static readonly int RecordSize = Unsafe.SizeOf<LaunchRecord>();
    private List<DataRef>? _times; // one for each traced call: when it began, and its result
    private DataRef _last;         // of a program that reports: the place of all results that have no other
    private List<int>? _places;    // where the traced calls are among the records

    /// <summary>Traces a program in memory that we share: <see cref="ReadTrace"/> has the times.</summary>
    public void Trace()
    {
        (_times, _places) = ([], []);
        Rewrite(Count, (rewritten, index) =>
        {
            var time = Reserve(TimeSize + sizeof(long));
            _times.Add(time);
            rewritten.Add(Clock(time), isData: 2);
            return new DataRef(time.Offset + TimeSize);
        });
    }

    /// <summary>
    /// Traces a program in the stub, which writes a report over the socket before each call: <see cref="TraceReport"/>, the
    /// call's index in the program as it was, when it begins, and the result of the last one that has no other place for it.
    /// </summary>
    /// <param name="count">How many calls: those until it waits, and before a filter of system calls.</param>
    /// <param name="socket">The socket's number there.</param>
    public void TraceReports(int count, int socket)
    {
        _places = [];
        var time = _last = Reserve(TraceReportRest);
        Rewrite(count, (rewritten, index) =>
        {
            rewritten.Add(Clock(time), isData: 2);
            var head = Values<long>([TraceReport, index]);
            var parts = Values<long>([0, 2 * sizeof(long), 0, TraceReportRest]);
            PutPointer(parts, head);
            PutPointer(new DataRef(parts.Offset + 2 * sizeof(long)), time);
            rewritten.Add(Call(Syscall.writev, socket, parts.Offset, 2), isData: 2);
            return new DataRef(time.Offset + TimeSize);
        });
    }

    /// <summary>The calls that were made, in order, with their results and durations.</summary>
    /// <param name="memory">The program as it was assembled, and has run.</param>
    /// <param name="end">When the last one ended.</param>
    public IEnumerable<TracedCall> ReadTrace(ReadOnlySpan<byte> memory, DateTimeOffset end)
    {
        var calls = new List<TracedCall>();
        DateTimeOffset? next = end;
        for (var i = _times!.Count - 1; i >= 0; i--)
        {
            var slot = memory[OffsetOf(_times[i])..];
            if (TimeOf(slot) is not { } begin) continue; // skipped
            var store = _records[_places![i]].Store;
            long? result = store == ResultAt(_times[i]) ? BinaryPrimitives.ReadInt64LittleEndian(slot[TimeSize..])
                : store is > 0 and < Absolute ? BinaryPrimitives.ReadInt64LittleEndian(memory[(int)(store - 1)..])
                : store < 0 ? BinaryPrimitives.ReadInt64LittleEndian(memory[(RecordsSize + (int)(-store - 1))..]) : null;
            calls.Add(Traced(i, begin, result, next - begin));
            next = begin;
        }
        calls.Reverse();
        return calls;
    }

    /// <summary>The call of a report.</summary>
    /// <param name="rest">What follows its first two numbers.</param>
    /// <param name="last">The result of the call before, if that had no other place for it.</param>
    public TracedCall ReadReport(long index, ReadOnlySpan<byte> rest, out long last)
    {
        last = BinaryPrimitives.ReadInt64LittleEndian(rest[TimeSize..]);
        return Traced((int)index, TimeOf(rest) ?? default, null, null);
    }

    /// <summary>Whether the result of a traced call is in the next report.</summary>
    public bool IsReported(long index) => _records[_places![(int)index]].Store == ResultAt(_last);

    private TracedCall Traced(int index, DateTimeOffset begin, long? result, TimeSpan? took)
    {
        var record = _records[_places![index]];
        var arguments = new List<string>();
        for (var a = 0; a < 6; a++)
            arguments.Add((_dataArguments[_places[index]] & (1 << a)) != 0 ? "&" : Short(record.Argument[a]));
        while (arguments.Count > 0 && arguments[^1] == "0") arguments.RemoveAt(arguments.Count - 1);
        return new TracedCall(
            $"{Describe(_places[index])} ({string.Join(", ", arguments)})", begin, result, took,
            record.Tolerated != LaunchRecord.ToleratesNothing || record.Flags.HasFlag(LaunchFlags.IgnoreErrors));
    }

    private static string Short(long value) => value is >= -100 and < 1 << 16 ? $"{value}" : $"0x{value:x}";

    /// <returns>Null for a time that was not read.</returns>
    private static DateTimeOffset? TimeOf(ReadOnlySpan<byte> time) =>
        BinaryPrimitives.ReadInt64LittleEndian(time) is > 0 and var seconds
        ? DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(BinaryPrimitives.ReadInt64LittleEndian(time[8..]) / 100) : null;

    private static long ResultAt(DataRef time) => -(time.Offset + TimeSize + 1L);

    private static LaunchRecord Clock(DataRef time) => Call(Syscall.clock_gettime, CLOCK_REALTIME, time.Offset, 0);

    private static LaunchRecord Call(int number, long a0, long a1, long a2)
    {
        var record = new LaunchRecord
        {
            Number = (uint)number, Flags = LaunchFlags.IgnoreErrors, Tolerated = LaunchRecord.ToleratesNothing,
            Skip = (ushort)RecordSize,
        };
        (record.Argument[0], record.Argument[1], record.Argument[2]) = (a0, a1, a2);
        return record;
    }

    /// <summary>Puts further calls before the first ones, and keeps what refers to a record by its number.</summary>
    /// <param name="before">Adds the calls before one; returns where its result goes, if it goes nowhere yet.</param>
    private void Rewrite(int count, Func<Rewritten, int, DataRef> before)
    {
        var now = new Rewritten();
        var starts = new int[Count + 1]; // of the calls before each, or of the call itself
        var places = new int[Count];
        for (var i = 0; i < Count; i++)
        {
            starts[i] = now.Records.Count;
            DataRef? result = i < count ? before(now, i) : null;
            var record = _records[i];
            if (result is { } place && record.Store == 0) record.Store = -(place.Offset + 1L);
            places[i] = now.Records.Count;
            if (i < count) _places!.Add(places[i]);
            now.Records.Add(record);
            now.DataArguments.Add(_dataArguments[i]);
            now.Subjects.AddRange(Enumerable.Repeat<string?>(null, places[i] - starts[i]).Append(_subjects[i]));
        }
        starts[Count] = now.Records.Count;
        for (var i = 0; i < Count; i++)
        {
            ref var record = ref CollectionsMarshal.AsSpan(now.Records)[places[i]];
            if (record.Skip > 0) record.Skip = checked((ushort)((starts[i + record.Skip / RecordSize] - places[i]) * RecordSize));
            if (record.Store is > 0 and < Absolute) record.Store = Moved(record.Store - 1) + 1;
        }
        for (var i = 0; i < _argumentPointers.Count; i++)
            _argumentPointers[i] = (_argumentPointers[i].At, (int)Moved(_argumentPointers[i].Argument));
        var descriptions = _descriptions.ToDictionary(d => places[d.Key], d => d.Value);
        _descriptions.Clear();
        foreach (var (index, description) in descriptions) _descriptions.Add(index, description);
        (_records, _subjects, _dataArguments) = (now.Records, now.Subjects, now.DataArguments);

        long Moved(long offset) => places[(int)(offset / RecordSize)] * (long)RecordSize + offset % RecordSize;
    }

    private sealed class Rewritten
    {
        public List<LaunchRecord> Records { get; } = [];
        public List<string?> Subjects { get; } = [];
        public List<byte> DataArguments { get; } = [];

        /// <param name="isData">Bit n: argument n is an offset into the data.</param>
        public void Add(LaunchRecord record, byte isData)
        {
            Records.Add(record);
            DataArguments.Add(isData);
        }
    }
}
