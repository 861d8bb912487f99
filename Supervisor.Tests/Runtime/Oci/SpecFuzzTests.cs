using System.Text;
using System.Text.Json.Nodes;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Oci;

/// <summary>Damaged specs: random bytes changed, and values exchanged in well-formed documents.</summary>
public sealed class SpecFuzzTests
{
    private const int Documents = 10_000;

    private static readonly string[] Odd =
    [
        "null", "true", "0", "-1", "1e999", "1.5", "18446744073709551615", "99999999999999999999", "\"\"", "\"\\u0000\"", "\"/\"",
        "\"..\"", "\"\\ud83d\\ude00\"", "[]", "{}", "[null]", "[[]]", "[{}]", "{\"a\":null}", "{\"\":{}}", "[\"\"]",
        "\"RLIMIT_CPU\"", "\"0-1-2\"",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_spec_with_damaged_bytes_is_read_or_refused(int seed)
    {
        var random = new Random(seed);
        byte[][] originals = [Fixture.Bytes("ctr.json"), Fixture.Bytes("dockerd.json")];
        var refused = 0;
        for (var i = 0; i < Documents / 2; i++)
        {
            var json = originals[i % 2].ToArray();
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                var at = random.Next(json.Length);
                switch (random.Next(4))
                {
                    case 0: json[at] = (byte)random.Next(256); break;
                    case 1: json[at] ^= (byte)(1 << random.Next(8)); break;
                    case 2: json = [.. json[..at], .. json[(at + random.Next(Math.Min(20, json.Length - at)))..]]; break;
                    default: json = [.. json[..at], .. json[random.Next(json.Length)..]]; break;
                }
                if (json.Length == 0) json = [(byte)'{'];
            }
            if (Refused(json, i)) refused++;
        }
        Assert.InRange(refused, Documents / 4, Documents / 2 - 1); // both outcomes are exercised
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void A_spec_with_exchanged_values_is_read_or_refused(int seed)
    {
        var random = new Random(seed);
        string[] originals =
            [Encoding.UTF8.GetString(Fixture.Bytes("ctr.json")), Encoding.UTF8.GetString(Fixture.Bytes("dockerd.json"))];
        var refused = 0;
        for (var i = 0; i < Documents / 2; i++)
        {
            var text = JsonNode.Parse(originals[i % 2])!.ToJsonString();
            var values = ValueRanges(text);
            var (start, end) = values[random.Next(values.Count)];
            if (Refused(Encoding.UTF8.GetBytes(text[..start] + Odd[random.Next(Odd.Length)] + text[end..]), i)) refused++;
        }
        Assert.InRange(refused, Documents / 4, Documents / 2 - 1);
    }

    private static bool Refused(byte[] json, int number)
    {
        try
        {
            var spec = SpecReader.Read(json);
            _ = SpecValidator.Unsupported(spec);
            SpecValidator.Validate(spec);
            SpecWriter.Write(spec);
            return false;
        }
        catch (InvalidSpecException e)
        {
            Assert.NotEmpty(e.Field);
            return true;
        }
        catch (Exception e)
        {
            Assert.Fail($"document {number}: {e}\n{Encoding.UTF8.GetString(json)}");
            throw;
        }
    }

    // Start and end of every value in a compact document.
    private static List<(int Start, int End)> ValueRanges(string json)
    {
        var found = new List<(int, int)>();
        var open = new Stack<int>();
        for (var i = 0; i < json.Length; i++)
        {
            if (json[i] is '{' or '[') open.Push(i);
            else if (json[i] is '}' or ']') found.Add((open.Pop(), i + 1));
            else if (json[i] is not (',' or ':'))
            {
                var start = i;
                if (json[i] == '"')
                {
                    for (i++; json[i] != '"'; i++) if (json[i] == '\\') i++;
                    if (json[i + 1] == ':') continue; // a name
                }
                else while (json[i + 1] is not (',' or '}' or ']')) i++;
                found.Add((start, i + 1));
            }
        }
        return found;
    }
}
