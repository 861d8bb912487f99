using System.Text.Json;

namespace Supervisor.Runtime.Oci;

/// <summary>
/// Refuses what a JSON reader accepts: a duplicate property (two readers of one document would see two different
/// specs), and null as an element of a list.
/// </summary>
internal static class DocumentForm
{
    private const int Deepest = 64;

    /// <exception cref="InvalidSpecException">Malformed JSON, or one of the above, with its place.</exception>
    public static void Check(ReadOnlySpan<byte> json)
    {
        var place = new Stack<Level>();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Deepest });
        try
        {
            while (reader.Read()) Step(ref reader, place);
        }
        catch (JsonException e)
        {
            throw new InvalidSpecException(
                PathOf(place), $"malformed JSON, line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}", e);
        }
        catch (InvalidOperationException e) // half of a surrogate pair, or bytes that are not UTF-8, in a string
        {
            throw new InvalidSpecException(PathOf(place), "contains text that is not Unicode", e);
        }
    }

    /// <returns>The path of the value whose first (or last) token starts at the byte <paramref name="at"/>.</returns>
    public static string PathAt(ReadOnlySpan<byte> json, long at)
    {
        var place = new Stack<Level>();
        var reader = new Utf8JsonReader(json);
        while (reader.Read() && reader.TokenStartIndex <= at) Step(ref reader, place);
        return PathOf(place);
    }

    private static void Step(ref Utf8JsonReader reader, Stack<Level> place)
    {
        if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray) { place.Pop(); return; }
        if (reader.TokenType is JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            var level = place.Peek();
            level.Name = name;
            if (!level.Names!.Add(name)) throw new InvalidSpecException(PathOf(place), "is given twice");
            return;
        }
        if (place.TryPeek(out var parent) && parent.Names is null)
        {
            parent.Index++;
            if (reader.TokenType is JsonTokenType.Null) throw new InvalidSpecException(PathOf(place), "is null");
        }
        if (reader.TokenType is JsonTokenType.StartObject) place.Push(new Level { Names = new(StringComparer.Ordinal) });
        else if (reader.TokenType is JsonTokenType.StartArray) place.Push(new Level());
        else if (reader.TokenType is JsonTokenType.String) _ = reader.GetString();
    }

    private static string PathOf(Stack<Level> place)
    {
        var path = "";
        foreach (var level in place.Reverse())
        {
            if (level.Names is null) path += level.Index < 0 ? "" : $"[{level.Index}]";
            else if (level.Name is { } name) path = InvalidSpecException.Key(path, name);
        }
        return path.Length == 0 ? "$" : path;
    }

    private sealed class Level
    {
        public HashSet<string>? Names { get; init; } // null in an array
        public string? Name { get; set; }
        public int Index { get; set; } = -1;
    }
}
