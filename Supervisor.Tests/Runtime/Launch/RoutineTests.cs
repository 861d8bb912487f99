using System.Diagnostics;
using Supervisor.Runtime.Launch.Routine;

namespace Supervisor.Tests.Runtime.Launch;

/// <summary>The bytes that the child executes are those of the assembly sources: assembled and compared.</summary>
public class RoutineTests
{
    [Fact]
    public void The_x86_64_bytes_are_the_assembled_source() =>
        Compare("x64.S", "as", "objcopy", "nm", LaunchRoutineBytes.X64.ToArray(), LaunchRoutineBytes.X64Stub,
            LaunchRoutineBytes.X64Early);

    [Fact]
    public void The_arm64_bytes_are_the_assembled_source() => Compare(
        "arm64.S", "aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy", "aarch64-linux-gnu-nm",
        LaunchRoutineBytes.Arm64.ToArray(),
        LaunchRoutineBytes.Arm64Stub, LaunchRoutineBytes.Arm64Early);

    private static void Compare(string source, string assembler, string objcopy, string nm, byte[] expected, int stub, int early)
    {
        var directory = Directory.CreateTempSubdirectory("routine-");
        try
        {
            string from = Path.Join(Repository.Root, "Supervisor.Runtime", "Launch", "Routine", source),
                @object = Path.Join(directory.FullName, "o"), binary = Path.Join(directory.FullName, "bin");
            Tool(assembler, "-o", @object, from);
            Tool(objcopy, "-O", "binary", "-j", ".text", @object, binary);
            Assert.Equal(expected, File.ReadAllBytes(binary));
            var symbols = Tool(nm, @object).Split('\n');
            Assert.Equal((stub, early), (OffsetOf("stub"), OffsetOf("early")));

            int OffsetOf(string name) =>
                Convert.ToInt32(symbols.Single(l => l.EndsWith($" t {name}", StringComparison.Ordinal)).Split(' ')[0], 16);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static string Tool(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)), $"{program} does not exit");
        Assert.True(process.ExitCode == 0, $"{program}: {errors.Result}");
        return output.Result;
    }
}
