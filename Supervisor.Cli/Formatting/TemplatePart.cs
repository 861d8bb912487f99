using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Supervisor.Cli.Errors;

namespace Supervisor.Cli.Formatting;

/// <summary>A piece of a template: text, or what is between two braces.</summary>
internal abstract partial record TemplatePart
{
    /// <summary>In the first line of a table.</summary>
    public abstract string Heading { get; }

    public abstract string Render(JsonElement document, IReadOnlyDictionary<string, string>? aliases);

    /// <param name="action">What is between the braces.</param>
    /// <exception cref="CliException">It is not one of ours.</exception>
    public static TemplatePart Parse(string action)
    {
        var match = Action().Match(action);
        if (!match.Success || match.Groups["function"].Value is "index" or "join" != match.Groups["word"].Success)
            throw new CliException(
                $"--format: \"{{{{{action}}}}}\" is not understood: there are {{{{.Field}}}}, {{{{json .Field}}}}, "
                + "{{index .Map \"key\"}} and {{join .List \",\"}}");
        var path = match.Groups["path"].Value.Split('.', StringSplitOptions.RemoveEmptyEntries);
        return new Field(match.Groups["function"].Value, path, match.Groups["word"].Value);
    }

    /// <summary>Text.</summary>
    public sealed record Text(string Value) : TemplatePart
    {
        public override string Heading => Value;

        public override string Render(JsonElement document, IReadOnlyDictionary<string, string>? aliases) => Value;
    }

    /// <summary>A field, and what is made of it.</summary>
    /// <param name="Function">Empty for the value itself.</param>
    /// <param name="Path">From the document; empty for all of it.</param>
    /// <param name="Word">The function's second argument.</param>
    public sealed record Field(string Function, IReadOnlyList<string> Path, string Word) : TemplatePart
    {
        private static readonly JsonWriterOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

        public override string Heading =>
            (Function is "index" ? Word : Path.Count > 0 ? Path[^1] : "").ToUpperInvariant();

        public override string Render(JsonElement document, IReadOnlyDictionary<string, string>? aliases)
        {
            var value = document;
            for (var i = 0; i < Path.Count; i++)
                value = Find(value, i == 0 && aliases is not null && aliases.TryGetValue(Path[0].ToLowerInvariant(), out var own)
                    ? own : Path[i], i);
            return Function switch
            {
                "json" => Json(value),
                "index" => value.ValueKind is JsonValueKind.Object && value.TryGetProperty(Word, out var found)
                    ? Shown(found) : "",
                "join" => value.ValueKind is JsonValueKind.Array
                    ? string.Join(Word, value.EnumerateArray().Select(Shown))
                    : throw new CliException($"--format: .{string.Join('.', Path)} is not a list: join has nothing to join"),
                _ => Shown(value),
            };
        }

        private JsonElement Find(JsonElement value, string name, int depth)
        {
            if (value.ValueKind is JsonValueKind.Null) return value; // a container without a task has no field of one
            if (value.ValueKind is JsonValueKind.Object)
            {
                if (value.TryGetProperty(name, out var exact)) return exact;
                foreach (var property in value.EnumerateObject())
                    if (property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) return property.Value;
            }
            var there = value.ValueKind is JsonValueKind.Object
                ? $"there are {string.Join(", ", value.EnumerateObject().Select(p => "." + p.Name))}"
                : "what is before it has no fields";
            throw new CliException($"--format: there is no .{string.Join('.', Path.Take(depth + 1))}: {there}");
        }

        private static string Shown(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Null or JsonValueKind.Undefined => "",
            JsonValueKind.Array => $"[{string.Join(' ', value.EnumerateArray().Select(Shown))}]", // as Go prints it
            JsonValueKind.Object => Json(value),
            _ => value.GetRawText(),
        };

        private static string Json(JsonElement value)
        {
            using var buffer = new MemoryStream();
            using (var writer = new Utf8JsonWriter(buffer, OneLine)) value.WriteTo(writer);
            return Encoding.UTF8.GetString(buffer.ToArray());
        }
    }

    [GeneratedRegex(
        @"\A\s*(?:(?<function>json|index|join)\s+)?(?<path>\.|(?:\.\w+)+)(?:\s+""(?<word>[^""]*)"")?\s*\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex Action();
}
