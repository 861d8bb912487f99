using System.Text;
using System.Text.Json.Nodes;

namespace Supervisor.Tests.Fuzz;

/// <summary>
/// Mutations of JSON documents that keep most of them well-formed: values exchanged, members duplicated, removed and renamed.
/// </summary>
internal sealed class JsonMutation
{
    private static readonly string[] Odd =
    [
        "null", "true", "false", "0", "-1", "-0", "1.0", "1.5", "1e3", "1e999", "-1e-5", "4294967295", "4294967296", "2147483648",
        "9223372036854775808",
        "18446744073709551615", "99999999999999999999", "\"\"", "\"0\"", "\"true\"", "\"\\u0000\"", "\"/\"", "\"..\"",
        "\"/../..\"", "\"a/../../b\"",
        "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\u000a\"", "[]", "{}", "[null]", "[[]]", "[{}]", "[\"\"]", "[1,2]",
        "{\"a\":null}", "{\"\":{}}", "{\"a\":{\"b\":[1]}}",
        "{\"limit\":1}", "\"RLIMIT_CPU\"", "\"0-1-2\"", "\"rbind\"", "\"SCMP_ACT_ALLOW\"", "\"CAP_SYS_ADMIN\"", "\"user\"",
        "[\"bind\",\"ro\"]", "1 ", "01", "tru",
    ];

    private readonly List<(string Text, List<(int Start, int End, bool Name)> Parts)> _documents = [];
    private readonly List<byte[]> _bytes = [];
    private readonly List<string> _names, _values;

    public JsonMutation(IEnumerable<byte[]> documents)
    {
        foreach (var document in documents)
        {
            var text = JsonNode.Parse(document)!.ToJsonString();
            _documents.Add((text, Parts(text)));
            _bytes.Add(Encoding.UTF8.GetBytes(text));
        }
        var all = _documents.SelectMany(d => d.Parts.Select(p => (p.Name, Text: d.Text[p.Start..p.End]))).Distinct().ToList();
        _names = [.. all.Where(p => p.Name).Select(p => p.Text), "\"\"", "\"ociVersion\"", "\"unknown\"", "\"a\\u0000b\""];
        _values = [.. all.Where(p => !p.Name && p.Text.Length < 400).Select(p => p.Text)];
    }

    /// <summary>The documents themselves, compact.</summary>
    public IReadOnlyList<byte[]> Documents => _bytes;

    public byte[] Make(Random random)
    {
        var number = random.Next(_documents.Count);
        if (random.Next(5) == 0) return Mutation.Bytes(random, _bytes[number], _bytes);
        var (text, parts) = _documents[number];
        // From the end to the start: the offsets of earlier parts stay valid.
        var before = text.Length;
        foreach (var part in Enumerable.Range(0, random.Next(1, 3)).Select(_ => parts[random.Next(parts.Count)])
            .OrderByDescending(p => p.Start).ToList())
        {
            if (part.End > before) continue;
            before = part.Start;
            var value = random.Next(2) == 0 ? Mutation.Pick(random, Odd) : Mutation.Pick(random, _values);
            var changed = (part.Name, random.Next(4)) switch
            {
                (true, 0) => $"{text[part.Start..part.End]}:{value},{text[part.Start..part.End]}",     // repeated
                (true, 1) => $"{Mutation.Pick(random, _names)}:{value},{text[part.Start..part.End]}", // one more before it
                (true, _) => Mutation.Pick(random, _names),                                            // renamed
                (false, 0) => $"[{text[part.Start..part.End]},{value}]",
                _ => value,
            };
            text = $"{text[..part.Start]}{changed}{text[part.End..]}";
        }
        var bytes = Encoding.UTF8.GetBytes(text);
        return random.Next(16) == 0 ? Mutation.Bytes(random, bytes, _bytes) : bytes;
    }

    /// <summary>Start and end of every name and value in a compact document.</summary>
    private static List<(int Start, int End, bool Name)> Parts(string json)
    {
        var found = new List<(int, int, bool)>();
        var open = new Stack<int>();
        for (var i = 0; i < json.Length; i++)
        {
            if (json[i] is '{' or '[') open.Push(i);
            else if (json[i] is '}' or ']') found.Add((open.Pop(), i + 1, false));
            else if (json[i] is not (',' or ':'))
            {
                var start = i;
                if (json[i] == '"') for (i++; json[i] != '"'; i++) i += json[i] == '\\' ? 1 : 0;
                else while (i + 1 < json.Length && json[i + 1] is not (',' or '}' or ']')) i++;
                found.Add((start, i + 1, i + 1 < json.Length && json[i + 1] == ':'));
            }
        }
        return found;
    }
}
