using System.Text;

namespace Supervisor.Tests.Fuzz;

/// <summary>Mutations that know the structure of their inputs: bytes, or lines of words.</summary>
internal static class Mutation
{
    /// <summary>
    /// Numbers at the limits of their types, paths with parent components, and separators of the parsed files.
    /// </summary>
    public static readonly string[] Odd =
    [
        "", " ", "0", "-1", "-0", "+1", "00", "0x10", "1e9", "4294967294", "4294967295", "4294967296", "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808", "18446744073709551615", "18446744073709551616", "99999999999999999999999999", "max", "..",
        "../..", "/", "//", "/..", ".",
        "\0", "\t", "\n", "\r\n", ":", ",", "=", "-", "--", "\\", "\\134", "\\0", "\\777", "\"", "'", "%s%n", "é", "\ud83d\ude00",
        "\u2028", "\ufeff",
        "١٢", "NaN", "Infinity", "1.5", ".", "1.", "root", "cgroup2", "a\0b",
    ];

    public static T Pick<T>(Random random, IReadOnlyList<T> list) => list[random.Next(list.Count)];

    /// <summary>Changes, duplicates, removes bits, bytes and ranges, or takes them from another input.</summary>
    public static byte[] Bytes(Random random, byte[] original, IReadOnlyList<byte[]> others)
    {
        var bytes = original;
        for (var n = random.Next(1, 5); n > 0; n--)
        {
            var at = random.Next(bytes.Length + 1);
            var length = Math.Min(random.Next(1, 24), bytes.Length - at);
            switch (random.Next(6))
            {
                case 0 when length > 0: bytes = [.. bytes]; bytes[at] = (byte)random.Next(256); break;
                case 1 when length > 0: bytes = [.. bytes]; bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes = [.. bytes[..at], .. bytes[(at + length)..]]; break;
                case 3: bytes = [.. bytes[..(at + length)], .. bytes[at..]]; break;
                case 4: bytes = [.. bytes[..at], .. Encoding.UTF8.GetBytes(Pick(random, Odd)), .. bytes[at..]]; break;
                default:
                    var other = Pick(random, others);
                    var from = random.Next(other.Length + 1);
                    bytes = [.. bytes[..at], .. other[from..Math.Min(other.Length, from + random.Next(64))], .. bytes[at..]];
                    break;
            }
        }
        return bytes;
    }

    /// <summary>Duplicates, removes, exchanges lines, or builds new ones from the words of all inputs.</summary>
    /// <param name="separators">Separators of words.</param>
    public static byte[] Lines(Random random, byte[] original, IReadOnlyList<byte[]> others, string separators)
    {
        var lines = Encoding.UTF8.GetString(original).Split('\n').ToList();
        for (var n = random.Next(1, 6); n > 0 && lines.Count > 0; n--)
        {
            var at = random.Next(lines.Count);
            switch (random.Next(6))
            {
                case 0: lines.RemoveAt(at); break;
                case 1: lines.Insert(random.Next(lines.Count), lines[at]); break;
                case 2: lines.Insert(at, Pick(random, Encoding.UTF8.GetString(Pick(random, others)).Split('\n'))); break;
                case 3: lines[at] += string.Concat(
                    Enumerable.Repeat(separators[random.Next(separators.Length)] + Pick(random, Odd), random.Next(1, 40))); break;
                default:
                    var separator = separators[random.Next(separators.Length)];
                    var words = lines[at].Split(separator);
                    words[random.Next(words.Length)] = random.Next(3) == 0 ? words[random.Next(words.Length)] : Pick(random, Odd);
                    lines[at] = string.Join(separator, words);
                    break;
            }
        }
        var changed = Encoding.UTF8.GetBytes(string.Join('\n', lines));
        return random.Next(4) == 0 ? Bytes(random, changed, others) : changed;
    }
}
