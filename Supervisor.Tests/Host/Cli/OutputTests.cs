using Supervisor.Host.Cli;
using Supervisor.Host.Cli.Stdio;
using Supervisor.Kernel.Abi;

namespace Supervisor.Tests.Host.Cli;

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

    [Fact]
    public async Task A_pipe_that_another_process_holds_open_is_waited_for_within_a_limit()
    {
        var directory = Directory.CreateTempSubdirectory("fifo-").FullName;
        try
        {
            var path = $"{directory}/f";
            Fifo.Create(path);
            var reader = Fifo.OpenForReading(path);
            using var holder = Fifo.OpenForWriting(path);
            using var sink = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write);
            var copy = new OutputCopy(reader, (int)sink.DangerousGetHandle(), log: null);
            Assert.Equal(Errno.None, RawIo.WriteAll(holder, "x"u8));
            await copy.DrainAsync(TimeSpan.FromMilliseconds(200)).WaitAsync(TimeSpan.FromSeconds(10));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
