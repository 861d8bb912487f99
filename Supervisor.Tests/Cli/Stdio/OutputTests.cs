using Microsoft.Win32.SafeHandles;
using Supervisor.Cli.Output;
using Supervisor.Cli.Stdio;
using Supervisor.Kernel.Abi;

namespace Supervisor.Tests.Cli.Stdio;

public sealed class OutputTests
{
    [Fact]
    public void A_table_is_aligned_without_trailing_spaces() =>
        Assert.Equal(
            "ID    STATUS\nc     -\nlong  running\n",
            TextTable.Render(["ID", "STATUS"], [["c", "-"], ["long", "running"]]));

    [Fact]
    public async Task Output_before_the_reader_opens_is_kept_and_end_of_file_follows()
    {
        var directory = Directory.CreateTempSubdirectory("fifo-").FullName;
        try
        {
            var path = $"{directory}/f";
            Fifo.Create(path);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            using var reader = Fifo.OpenForReading(path);
            using (var writer = Fifo.OpenForWriting(path))
            {
                Assert.Equal(Errno.None, RawIo.WriteAll(writer, "hello"u8));
            }
            var buffer = new byte[16];
            Assert.Equal(5, await Task.Run(() => RawIo.Read(reader, buffer)).WaitAsync(TimeSpan.FromSeconds(10)));
            Assert.Equal(0, await Task.Run(() => RawIo.Read(reader, buffer)).WaitAsync(TimeSpan.FromSeconds(10)));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData(1, 50)]        // a line now and then
    [InlineData(64 << 10, 0)]  // as fast as it is read
    public async Task A_process_that_goes_on_writing_after_the_exit_does_not_hold_the_client(int size, int pause)
    {
        using var pipe = new HeldPipe();
        using var stop = new CancellationTokenSource();
        try
        {
            var writing = Task.Run(async () =>
            {
                var bytes = new byte[size];
                while (!stop.IsCancellationRequested)
                {
                    RawIo.WriteAll(pipe.Holder, bytes);
                    await Task.Delay(pause);
                }
            });
            await pipe.Copy.DrainAsync(TimeSpan.FromMilliseconds(200)).WaitAsync(TimeSpan.FromSeconds(10));
            await stop.CancelAsync();
            await writing;
        }
        finally
        {
            await stop.CancelAsync();
        }
    }

    [Fact]
    public async Task What_was_written_before_the_exit_is_copied_however_slow_our_reader_is()
    {
        var directory = Directory.CreateTempSubdirectory("fifo-").FullName;
        try
        {
            foreach (var name in (string[])["f", "out"]) Fifo.Create($"{directory}/{name}");
            var reader = Fifo.OpenForReading($"{directory}/f");
            using var holder = Fifo.OpenForWriting($"{directory}/f");
            using var result = Fifo.OpenForReading($"{directory}/out");
            using var output = Fifo.OpenForWriting($"{directory}/out");
            var copy = new OutputCopy(reader, (int)output.DangerousGetHandle(), log: null);
            await Task.Run(() => RawIo.WriteAll(holder, new byte[180_000])).WaitAsync(TimeSpan.FromSeconds(10));
            var drained = copy.DrainAsync(TimeSpan.FromMilliseconds(50));
            var (got, buffer) = (0, new byte[1000]);
            while (!drained.IsCompleted || RawIo.HasInput(result))
            {
                if (RawIo.HasInput(result)) got += RawIo.Read(result, buffer);
                await Task.Delay(1);
            }
            Assert.Equal(180_000, got);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task A_pipe_that_another_process_holds_open_is_waited_for_within_a_limit()
    {
        using var pipe = new HeldPipe();
        Assert.Equal(Errno.None, RawIo.WriteAll(pipe.Holder, "x"u8));
        await pipe.Copy.DrainAsync(TimeSpan.FromMilliseconds(200)).WaitAsync(TimeSpan.FromSeconds(10));
    }

    /// <summary>A pipe whose output is copied to nowhere, and that a writer holds open.</summary>
    private sealed class HeldPipe : IDisposable
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("fifo-").FullName;
        private readonly SafeFileHandle _sink = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write);

        public HeldPipe()
        {
            var path = $"{_directory}/f";
            Fifo.Create(path);
            var reader = Fifo.OpenForReading(path);
            Holder = Fifo.OpenForWriting(path);
            Copy = new OutputCopy(reader, (int)_sink.DangerousGetHandle(), log: null);
        }

        public SafeFileHandle Holder { get; }

        public OutputCopy Copy { get; }

        public void Dispose()
        {
            Holder.Dispose();
            _sink.Dispose();
            Directory.Delete(_directory, recursive: true);
        }
    }
}
