using System.Diagnostics;

namespace Supervisor.Tests.Fuzz;

/// <summary>
/// Parses many inputs with one parser. An input depends only on the seed, the parser's name and its own number, so that each
/// can be reproduced alone.
/// </summary>
internal static class FuzzRun
{
    /// <summary>Longer than any input may take, on a loaded machine; ordinary ones take some hundred microseconds.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    /// <param name="count">Number of inputs.</param>
    /// <param name="seed">Of all of them.</param>
    public static FuzzResult Over(FuzzTarget target, long count, int seed)
    {
        long at = -1, accepted = 0;
        string? finding = null;
        var thread = new Thread(() =>
        {
            for (var i = 0L; i < count; i++)
            {
                Volatile.Write(ref at, i);
                if (Finding(target, Input(target, seed, i), ref accepted) is not { } what) continue;
                finding = $"input {i} of seed {seed}: {what}";
                return;
            }
        }, 16 << 20) { IsBackground = true };
        thread.Start();
        var (last, since) = (-1L, Stopwatch.StartNew());
        while (!thread.Join(100))
        {
            var now = Volatile.Read(ref at);
            if (now != last) (last, since) = (now, Stopwatch.StartNew());
            else if (since.Elapsed > Longest)
                return new FuzzResult(
                    target.Name, now, accepted,
                    $"input {now} of seed {seed}: not read after {Longest.TotalSeconds} s: {Text(Input(target, seed, now))}");
        }
        return new FuzzResult(target.Name, at + 1, accepted, finding);
    }

    /// <summary>Parses one input.</summary>
    /// <returns>The failure; null for none.</returns>
    public static string? Finding(FuzzTarget target, byte[] input)
    {
        var accepted = 0L;
        return Finding(target, input, ref accepted);
    }

    private static string? Finding(FuzzTarget target, byte[] input, ref long accepted)
    {
        try
        {
            if (target.Read(input)) accepted++;
            return null;
        }
        catch (Exception e)
        {
            return $"{e.GetType().Name}: {e.Message}\n{e.StackTrace}\n{Text(input)}";
        }
    }

    private static byte[] Input(FuzzTarget target, int seed, long number) =>
        target.Make(new Random(Hash($"{target.Name} {seed} {number}")));

    /// <summary>FNV-1a: the same in every process, unlike string.GetHashCode.</summary>
    private static int Hash(string text)
    {
        var hash = 2166136261u;
        foreach (var c in text) hash = (hash ^ c) * 16777619;
        return (int)hash;
    }

    private static string Text(byte[] input) => $"base64: {Convert.ToBase64String(input)}";
}
