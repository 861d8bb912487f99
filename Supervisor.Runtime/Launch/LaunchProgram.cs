using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Supervisor.Runtime.Launch;

/// <summary>An argument of a record: a number, or an offset into the program's data.</summary>
internal readonly record struct Operand(long Value, bool IsData)
{
    public static implicit operator Operand(long value) => new(value, IsData: false);

    public static implicit operator Operand(DataRef data) => new(data.Offset, IsData: true);
}

/// <summary>An offset into the program's data.</summary>
internal readonly record struct DataRef(int Offset);

/// <summary>
/// What a child does between clone and exec: system calls as data, with no logic beyond "tolerate this errno", "store the
/// result there" and "skip". It has no address until it is assembled, so the same program runs in memory shared with the
/// parent, in the init stub, or at the other end of a socket.
/// </summary>
/// <param name="capacity">Number of steps that fit without growing.</param>
/// <remarks>Not thread-safe. Decision record 0001.</remarks>
internal sealed partial class LaunchProgram(int capacity = 96)
{
    private const long Absolute = 1 << 28; // no program is as large; the stub's own memory begins here

    private List<LaunchRecord> _records = new(capacity);
    private List<string?> _subjects = new(capacity);
    private readonly Dictionary<int, string> _descriptions = [];
    private List<byte> _dataArguments = new(capacity); // bit n: argument n is an offset into the data
    private readonly List<int> _pointers = [];             // places in the data that hold offsets into the data
    private readonly List<(int At, int Argument)> _argumentPointers = [];
    private byte[] _data = new byte[8192];
    private int _used;

    /// <summary>How many records there are.</summary>
    public int Count => _records.Count;

    /// <summary>Bytes that the records and data take when assembled.</summary>
    public int Size => RecordsSize + _used;

    private int RecordsSize => _records.Count * Unsafe.SizeOf<LaunchRecord>();

    /// <summary>Adds a system call.</summary>
    /// <param name="number">Of <see cref="Kernel.Abi.Syscall"/>.</param>
    /// <param name="subject">Its object, for listings and failures; null where the call has none.</param>
    public Step Add(
        int number, string? subject, Operand a0 = default, Operand a1 = default, Operand a2 = default, Operand a3 = default,
        Operand a4 = default, Operand a5 = default)
    {
        var record = new LaunchRecord
        {
            Number = (uint)number,
            Tolerated = LaunchRecord.ToleratesNothing,
            Skip = (ushort)Unsafe.SizeOf<LaunchRecord>(),
        };
        byte dataArguments = 0;
        ReadOnlySpan<Operand> arguments = [a0, a1, a2, a3, a4, a5];
        for (var i = 0; i < arguments.Length; i++)
        {
            record.Argument[i] = arguments[i].Value;
            if (arguments[i].IsData) dataArguments |= (byte)(1 << i);
        }
        _records.Add(record);
        _subjects.Add(subject);
        _dataArguments.Add(dataArguments);
        return new Step(this, _records.Count - 1);
    }

    /// <summary>NUL-terminated UTF-8.</summary>
    public DataRef Text(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var place = Reserve(length + 1);
        Encoding.UTF8.GetBytes(text, _data.AsSpan(place.Offset, length));
        return place;
    }

    /// <summary>A NULL-terminated array of pointers to strings, as execve(2) takes it.</summary>
    public DataRef Strings(IReadOnlyList<string> strings)
    {
        var texts = strings.Select(Text).ToArray();
        var array = Reserve((strings.Count + 1) * sizeof(long));
        for (var i = 0; i < texts.Length; i++) PutPointer(new DataRef(array.Offset + i * sizeof(long)), texts[i]);
        return array;
    }

    /// <summary>A value in the kernel's layout.</summary>
    public DataRef Value<T>(in T value) where T : unmanaged
    {
        var place = Reserve(Unsafe.SizeOf<T>());
        MemoryMarshal.Write(_data.AsSpan(place.Offset), value);
        return place;
    }

    /// <summary>Several values, one after the other.</summary>
    public DataRef Values<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(values);
        var place = Reserve(bytes.Length);
        bytes.CopyTo(_data.AsSpan(place.Offset));
        return place;
    }

    /// <summary>Stores a pointer to other data into eight bytes of the data.</summary>
    public void PutPointer(DataRef at, DataRef target)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_data.AsSpan(at.Offset), target.Offset);
        _pointers.Add(at.Offset);
    }

    /// <summary>
    /// Stores a pointer to an argument of the next record into eight bytes of the data: the kernel fills it in.
    /// </summary>
    public void PutPointerToNext(DataRef at, int argument) =>
        _argumentPointers.Add((at.Offset, RecordsSize + 8 + argument * sizeof(long)));

    /// <summary>Writes records and data for execution at <paramref name="address"/>.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Assemble(Span<byte> destination, ulong address)
    {
        var records = MemoryMarshal.Cast<byte, LaunchRecord>(destination[..RecordsSize]);
        var dataAddress = (long)address + RecordsSize;
        for (var i = 0; i < records.Length; i++)
        {
            var record = _records[i];
            for (var a = 0; a < 6; a++)
                if ((_dataArguments[i] & (1 << a)) != 0) record.Argument[a] += dataAddress;
            if (record.Store < 0) record.Store = dataAddress - record.Store - 1; // kept as minus offset of data, minus 1
            // kept as offset + 1, so that 0 stays "nowhere"
            else if (record.Store is not 0 and < Absolute) record.Store += (long)address - 1;
            records[i] = record;
        }
        var data = destination.Slice(RecordsSize, _used);
        _data.AsSpan(0, _used).CopyTo(data);
        foreach (var at in _pointers)
            BinaryPrimitives.WriteInt64LittleEndian(data[at..], BinaryPrimitives.ReadInt64LittleEndian(data[at..]) + dataAddress);
        foreach (var (at, argument) in _argumentPointers)
            BinaryPrimitives.WriteInt64LittleEndian(data[at..], (long)address + argument);
    }

    /// <summary>Offset of data, in bytes from the first record.</summary>
    public int OffsetOf(DataRef place) => RecordsSize + place.Offset;

    /// <summary>The call of record <paramref name="index"/>.</summary>
    public int NumberOf(int index) => (int)_records[index].Number;

    /// <summary>What record <paramref name="index"/> does, e.g. <c>mount "proc"</c>.</summary>
    public string Describe(int index)
    {
        if (_descriptions.TryGetValue(index, out var description)) return description;
        var name = Kernel.Abi.Syscall.NameOf(_records[index].Number);
        return _subjects[index] is { } subject ? $"{name} \"{subject}\"" : name;
    }

    /// <summary>One record per line, without addresses: the same for the same input on every machine.</summary>
    public string List() => string.Concat(Enumerable.Range(0, Count).Select(i =>
    {
        var record = _records[i];
        var then = record.Flags.HasFlag(LaunchFlags.SkipOnSuccess) ? $" [ok: +{record.Skip / 72}]" : "";
        if (record.Flags.HasFlag(LaunchFlags.SkipOnPositive)) then += $" [above 0: +{record.Skip / 72}]";
        if (record.Tolerated != LaunchRecord.ToleratesNothing)
            then += $" [{(Kernel.Abi.Errno)record.Tolerated}: +{record.Skip / 72}]";
        if (record.Flags.HasFlag(LaunchFlags.IgnoreErrors)) then += " [any error: +1]";
        return $"{Describe(i)}{then}\n";
    }));

    private DataRef Reserve(int bytes)
    {
        var start = (_used + 7) & ~7;
        if (start + bytes > _data.Length) Array.Resize(ref _data, Math.Max(_data.Length * 2, start + bytes));
        _used = start + bytes;
        return new DataRef(start);
    }

    /// <summary>The record that was added last, to configure its result.</summary>
    public readonly struct Step(LaunchProgram program, int index)
    {
        private ref LaunchRecord Record => ref CollectionsMarshal.AsSpan(program._records)[index];

        /// <summary>
        /// This errno counts as success: continue with the next record, or where <see cref="SkipsToHere"/> says.
        /// </summary>
        public Step Tolerating(Kernel.Abi.Errno errno)
        {
            Record.Tolerated = (ushort)errno;
            return this;
        }

        /// <summary>Any error continues with the next record.</summary>
        public Step IgnoringErrors()
        {
            Record.Flags |= LaunchFlags.IgnoreErrors;
            return this;
        }

        /// <summary>Success continues where <see cref="SkipsToHere"/> says.</summary>
        public Step SkippingOnSuccess()
        {
            Record.Flags |= LaunchFlags.SkipOnSuccess;
            return this;
        }

        /// <summary>A result above 0 continues where <see cref="SkipsToHere"/> says: the parent's side of a clone.</summary>
        public Step SkippingOnPositive()
        {
            Record.Flags |= LaunchFlags.SkipOnPositive;
            return this;
        }

        /// <summary>
        /// See <see cref="LaunchFlags.ServeAsInit"/>. An interrupted wait starts again: it never continues with the next record.
        /// </summary>
        public Step ServingAsInit()
        {
            (Record.Flags, Record.Least, Record.Tolerated, Record.Skip) =
                (LaunchFlags.ServeAsInit, 1, (ushort)Kernel.Abi.Errno.EINTR, 0);
            return this;
        }

        /// <summary>The step's name in listings and failures, where call and subject are not enough.</summary>
        public Step Called(string description)
        {
            program._descriptions[index] = description;
            return this;
        }

        /// <summary>A smaller result is a failure: turns a short read or write, and the end of a file, into an error.</summary>
        public Step AtLeast(int least)
        {
            Record.Least = least;
            return this;
        }

        /// <summary>Stores the result in an argument of the next record.</summary>
        public Step IntoNext(int argument)
        {
            Record.Store = (index + 1) * Unsafe.SizeOf<LaunchRecord>() + 8 + argument * sizeof(long) + 1;
            return this;
        }

        /// <summary>Stores the result, as 64 bits, in the data.</summary>
        public Step Into(DataRef place)
        {
            Record.Store = -(place.Offset + 1L);
            return this;
        }

        /// <summary>Stores the result at an address in the stub.</summary>
        public Step IntoStub(ulong address)
        {
            Record.Store = (long)address;
            return this;
        }

        /// <summary>This record's skip ends before the record that is added next.</summary>
        /// <exception cref="InvalidOperationException">More than 910 records ahead: the field has 16 bits.</exception>
        public void SkipsToHere()
        {
            var distance = (program.Count - index) * Unsafe.SizeOf<LaunchRecord>();
            Record.Skip = distance <= ushort.MaxValue
                ? (ushort)distance : throw new InvalidOperationException($"{program.Describe(index)}: skips too far");
        }
    }
}
