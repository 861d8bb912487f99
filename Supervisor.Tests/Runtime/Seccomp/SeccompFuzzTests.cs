using System.Text;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Seccomp;

namespace Supervisor.Tests.Runtime.Seccomp;

/// <summary>Random profiles: each is compiled, or refused with the path of the wrong field.</summary>
public sealed class SeccompFuzzTests
{
    private static readonly string[] Names =
        ["read", "write", "mkdir", "clone", "socket", "personality", "not_a_call", "", "statx", "ioctl"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Any_profile_is_compiled_or_refused_with_the_path_of_the_error(int seed)
    {
        var random = new Random(seed);
        var (compiled, refused) = (0, 0);
        for (var i = 0; i < 300; i++)
        {
            var profile = Profile(random);
            try
            {
                SeccompRules.Check(profile, "linux.seccomp.");
                var filter = SeccompFilter.Compile(profile);
                Assert.Equal(0, filter.Instructions.Length % 8);
                Assert.InRange(filter.Instructions.Length / 8, 1, 4096);
                compiled++;
            }
            catch (InvalidSpecException e)
            {
                Assert.StartsWith("linux.seccomp", e.Field, StringComparison.Ordinal);
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"profile {i}: "
                    + $"{e}\n{System.Text.Json.JsonSerializer.Serialize(profile, SpecJson.Of<SeccompSpec>())}");
            }
        }
        Assert.True(compiled > 20 && refused > 20, $"{compiled} compiled, {refused} refused: one was hardly exercised");
    }

    private static SeccompSpec Profile(Random random) => new()
    {
        DefaultAction = Word(random, SeccompWords.Actions.Keys, rarely: "SCMP_ACT_MAYBE"),
        DefaultErrnoRet = random.Next(3) == 0 ? (uint)random.Next(5000) : null,
        Architectures = [.. Enumerable.Range(0, random.Next(3))
            .Select(_ => Word(random, SeccompWords.Architectures, rarely: "SCMP_ARCH_VAX"))],
        Flags = random.Next(2) == 0 ? null : [.. SeccompWords.Flags.Keys.Where(_ => random.Next(2) == 0)],
        ListenerPath = random.Next(4) == 0 ? "/run/listener" : null,
        Syscalls = [.. Enumerable.Range(0, random.Next(5)).Select(_ => new SeccompSyscallSpec
        {
            Names = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Names[random.Next(Names.Length * 3) % Names.Length])],
            Action = Word(random, SeccompWords.Actions.Keys, rarely: ""),
            ErrnoRet = random.Next(3) == 0 ? (uint)random.Next(200) : null,
            Args = [.. Enumerable.Range(0, random.Next(3)).Select(_ => new SeccompArgumentSpec
            {
                Index = (uint)random.Next(7), Value = (ulong)random.NextInt64(), ValueTwo = (ulong)random.NextInt64(),
                Op = Word(random, SeccompWords.Comparisons.Keys, rarely: "SCMP_CMP_MAYBE"),
            })],
        })],
    };

    private static string Word(Random random, IEnumerable<string> words, string rarely) =>
        random.Next(30) == 0 ? rarely : words.ElementAt(random.Next(words.Count()));
}
