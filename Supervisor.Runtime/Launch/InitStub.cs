using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// The program that a created container's init runs while it waits for start: the launch routine as an ELF file in a
/// sealed memfd, made once per process. It has its own address space, so the waiting init shares no memory with us, and
/// nothing of ours can be reached or overwritten through its /proc/PID/exe.
/// </summary>
/// <remarks>
/// <code>
///   us                                        stub (descriptor 3 is its end of a stream socket)
///    │── one record: recvfrom(3, area, N) ──────▶ read(3) of 72 bytes, executed
///    │── N bytes: the second half ──────────────▶ ... recvfrom, then executed from there
///    │◀────────────── {-1, 0} ready, or {offset, -errno}
///    │── 1 byte: start ─────────────────────────▶ read(3), execve: the socket closes on exec
///    │◀────────────── end of file: it runs, or {offset, -errno}
/// </code>
/// Executed by anything else, it has no such socket, says so and exits with 126. If we die, the read returns 0 bytes, which is
/// too few, and the init exits. An init that must outlive its creator (OCI's
/// <c>create</c>) has a listening socket too, and starts at the first connection to it: <c>StartSocket</c>.
/// </remarks>
internal static unsafe class InitStub
{
    /// <summary>The stub's end of the socket.</summary>
    public const int SocketFd = 3;

    /// <summary>
    /// Maximum size of a second half: mostly arguments and environment, which execve(2) limits to 2 MiB by default.
    /// </summary>
    public const int Capacity = 3 << 20;

    /// <summary>Additional memory for the records that run before it.</summary>
    private const int EntryCapacity = 1 << 20;

    private const ulong BaseAddress = 0x1000_0000;
    private const int Page = 4096;
    private const ulong ContextAddress = BaseAddress + 2 * Page;
    private static readonly int ContextSize = Unsafe.SizeOf<LaunchContext>();
    private static readonly int RecordSize = Unsafe.SizeOf<LaunchRecord>();

    // Context, the bootstrap record, the record that the first 72 bytes become, then the second half.
    private static readonly ulong BootstrapAddress = ContextAddress + (ulong)ContextSize;
    private static readonly ulong LoaderAddress = BootstrapAddress + (ulong)RecordSize;
    private static readonly ulong SecondHalfAddress = LoaderAddress + (ulong)RecordSize;

    /// <summary>Where the stub keeps the descriptor for failure reports: storing another there redirects them.</summary>
    public static ulong ErrorFdAddress => ContextAddress + 5 * sizeof(ulong);

    /// <summary>Address of the stub's handler that exits with 128 + the signal's number.</summary>
    public static ulong EarlyHandlerAddress => BaseAddress + Page + (ulong)LaunchRoutine.EarlyHandler;

    private const string Lost = "supervisor: exec: /proc/self/exe is the supervisor's own start program here, not one of the "
        + "container's: permission denied\n";

    private static readonly Lazy<byte[]> Image = new(Build);

    /// <summary>
    /// A sealed file of its own with the stub, opened read-only; for execveat(2) with AT_EMPTY_PATH. The caller's to close. Each
    /// process gets another: a container's root may change the owner, mode and times of the file that its init runs
    /// (/proc/1/exe), which no seal forbids.
    /// </summary>
    public static Fd Open()
    {
        using var file = Memfd.Create("supervisor-init", executable: true);
        file.Write(Image.Value);
        var readOnly = Memfd.Seal(file);
        if (readOnly.Number > SocketFd) return readOnly;
        using (readOnly) return Fd.DuplicateOf(readOnly.Number, SocketFd + 1); // programs put others at fixed numbers
    }

    /// <summary>Sends the stub a program.</summary>
    /// <param name="after">The program that it ran before and that ended in <see cref="Continue"/>; null for the first
    /// one.</param>
    /// <remarks>That the stub has exited is no error here: the reason is in what it may have sent.</remarks>
    /// <exception cref="LaunchException">The program is larger than <see cref="Capacity"/> (E2BIG).</exception>
    public static void Send(StreamSocket socket, LaunchProgram program, LaunchProgram? after, CancellationToken deadline)
    {
        var message = Message(program, after);
        try
        {
            socket.Send(message, deadline);
        }
        catch (SyscallException e) when (e.Errno is Errno.EPIPE or Errno.ECONNRESET)
        {
        }
    }

    /// <summary>What to send after clone: the loading record and the second half, assembled for the stub's address.</summary>
    private static byte[] Message(LaunchProgram secondHalf, LaunchProgram? after)
    {
        if (secondHalf.Size > Capacity || SizeBefore(after) > EntryCapacity)
            throw new LaunchException("process.args and process.env", Errno.E2BIG, "", 0, 0);
        const int MSG_WAITALL = 0x100;
        var recvfrom = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? 207u : 45u;
        var address = SecondHalfAddress + (ulong)SizeBefore(after);
        var message = new byte[RecordSize + secondHalf.Size];
        var loader = new LaunchRecord
        {
            Number = recvfrom,
            Least = secondHalf.Size,
            Tolerated = LaunchRecord.ToleratesNothing,
            Skip = (ushort)RecordSize,
        };
        (loader.Argument[0], loader.Argument[1], loader.Argument[2], loader.Argument[3]) =
            (SocketFd, (long)address, secondHalf.Size, MSG_WAITALL);
        MemoryMarshal.Write(message, loader);
        secondHalf.Assemble(message.AsSpan(RecordSize), address);
        return message;
    }

    /// <summary>
    /// Adds the last record of a program that is followed by another: like the stub's own, it reads the next record.
    /// </summary>
    /// <remarks>It is read to where the program's data begin, which are no longer needed.</remarks>
    public static void Continue(LaunchProgram program) =>
        program.Add(Syscall.read, "the rest of the program", SocketFd, (long)SecondHalfAddress + SizeOf(program) + RecordSize,
            RecordSize).AtLeast(RecordSize);

    /// <summary>How many bytes a program's records take.</summary>
    public static int SizeOf(LaunchProgram program) => program.Count * RecordSize;

    /// <summary>The byte of the second half that a failure's offset refers to; negative for what is before it.</summary>
    /// <param name="after">As in <see cref="Send"/>.</param>
    public static long OffsetInSecondHalf(long offset, LaunchProgram? after = null) =>
        offset - 2 * RecordSize - SizeBefore(after);

    /// <summary>Size of the previous program's records, and of the one that it read.</summary>
    private static int SizeBefore(LaunchProgram? after) => after is null ? 0 : SizeOf(after) + RecordSize;

    /// <summary>The record of the second half that a failure's offset refers to.</summary>
    public static int IndexInSecondHalf(long offset) => (int)(OffsetInSecondHalf(offset) / RecordSize);

    /// <summary>How many records are before those of a second half.</summary>
    public static int RecordsBefore(LaunchProgram? after) => SizeBefore(after) / RecordSize;

    private static byte[] Build()
    {
        if (Environment.SystemPageSize != Page)
            throw new PlatformNotSupportedException(
                $"the init stub is laid out for pages of {Page} bytes, this kernel has {Environment.SystemPageSize}");
        var code = LaunchRoutine.Code;
        var lost = LostProgram();
        var dataSize = ContextSize + 2 * RecordSize + lost.Length;
        var image = new byte[2 * Page + dataSize];
        WriteElfHeader(image, entry: BaseAddress + Page + (ulong)LaunchRoutine.StubEntry, codeSize: code.Length, dataSize);
        code.CopyTo(image.AsSpan(Page));
        var context = new LaunchContext { Records = BootstrapAddress, ErrorFd = SocketFd, FailedOffset = -1 };
        MemoryMarshal.Write(image.AsSpan(2 * Page), context);
        var bootstrap = new LaunchRecord
        {
            Number = (uint)Syscall.read,
            Least = RecordSize,
            Tolerated = (ushort)Errno.EBADF,
            Skip = (ushort)(2 * RecordSize),
        };
        (bootstrap.Argument[0], bootstrap.Argument[1], bootstrap.Argument[2]) = (SocketFd, (long)LoaderAddress, RecordSize);
        MemoryMarshal.Write(image.AsSpan(2 * Page + ContextSize), bootstrap);
        lost.CopyTo(image.AsSpan(2 * Page + ContextSize + 2 * RecordSize));
        return image;
    }

    /// <summary>
    /// What the stub does when it has no socket (EBADF), where the second half goes otherwise: a program was
    /// started as /proc/self/exe, which is the stub itself.
    /// </summary>
    private static byte[] LostProgram()
    {
        const int standardError = 2, notExecutable = 126;
        var program = new LaunchProgram();
        program.Add(Syscall.write, "why it exits", standardError, program.Text(Lost), Lost.Length).IgnoringErrors();
        program.Add(Syscall.exit_group, "the lost stub", notExecutable);
        var assembled = new byte[program.Size];
        program.Assemble(assembled, SecondHalfAddress);
        return assembled;
    }

    /// <summary>
    /// elf(5): one file header, then code (read-execute), data with room for the second half (read-write), stack (read-write).
    /// </summary>
    private static void WriteElfHeader(Span<byte> image, ulong entry, int codeSize, int dataSize)
    {
        const ushort ET_EXEC = 2, EM_X86_64 = 62, EM_AARCH64 = 183;
        const uint PT_LOAD = 1, PT_GNU_STACK = 0x6474e551, R = 4, W = 2, X = 1;
        var machine = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? EM_AARCH64 : EM_X86_64;
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write(ET_EXEC);
        writer.Write(machine);
        writer.Write(1u);
        writer.Write(entry);
        writer.Write(64ul); // program headers follow this header
        writer.Write(0ul);
        writer.Write(0u);
        writer.Write((ushort)64);
        writer.Write((ushort)56);
        writer.Write((ushort)3);
        writer.Write(new byte[6]);
        Segment(PT_LOAD, R | X, Page, BaseAddress + Page, (ulong)codeSize, (ulong)codeSize, Page);
        Segment(PT_LOAD, R | W, 2 * Page, ContextAddress, (ulong)dataSize,
            (ulong)dataSize + (ulong)RecordSize + Capacity + EntryCapacity, Page);
        Segment(PT_GNU_STACK, R | W, 0, 0, 0, 0, 16);
        stream.ToArray().CopyTo(image);

        void Segment(uint type, uint flags, ulong offset, ulong address, ulong fileSize, ulong memorySize, ulong alignment)
        {
            writer.Write(type);
            writer.Write(flags);
            writer.Write(offset);
            writer.Write(address);
            writer.Write(address);
            writer.Write(fileSize);
            writer.Write(memorySize);
            writer.Write(alignment);
        }
    }
}
