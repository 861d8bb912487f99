using System.Globalization;
using System.Text;

namespace Akka.Configuration.Hocon;

/// <summary>A node of a configuration: object, array, text or null. Immutable once parsed.</summary>
public class HoconValue
{
    internal const int MaxDepth = 200;

    internal HoconValue() { }
    internal HoconValue(string text, bool quoted) { Text = text; Quoted = quoted; }
    internal HoconValue(List<HoconValue> items) => Items = items;
    internal HoconValue(Dictionary<string, HoconValue> members) => Members = members;

    internal string Text { get; init; }
    internal bool Quoted { get; init; }
    internal List<HoconValue> Items { get; init; }
    internal Dictionary<string, HoconValue> Members { get; init; }
    internal bool IsNull => Text is null && Items is null && Members is null && this is not Unresolved;
    public bool IsEmpty => IsNull || Members is { Count: 0 };
    public bool IsString() => Text is not null;
    public bool IsArray() => Items is not null;
    public bool IsObject() => Members is not null;

    /// <summary>Null for null; what is not text cannot be asked for as text.</summary>
    public string GetString() => IsNull ? null : Text ?? throw new NotSupportedException($"Not a text: {ToString()}");

    public bool GetBoolean() => GetString() switch
    {
        "true" or "on" or "yes" => true,
        "false" or "off" or "no" => false,
        var other => throw new NotSupportedException($"Unknown boolean format: {other}"),
    };

    private T Number<T>(Func<string, T> parse)
    {
        var text = GetString();
        try
        {
            return parse(text);
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentNullException)
        {
            throw new FormatException($"Not a number of type {typeof(T).Name}: '{text}'", e);
        }
    }

    public int GetInt() => Number(t => int.Parse(t, NumberStyles.Integer, CultureInfo.InvariantCulture));
    public long GetLong() => Number(t => long.Parse(t, NumberStyles.Integer, CultureInfo.InvariantCulture));
    public double GetDouble() => Number(t => double.Parse(t, NumberStyles.Float, CultureInfo.InvariantCulture));
    public TimeSpan GetTimeSpan(bool allowInfinite = true) => HoconUnits.Duration(GetString(), allowInfinite);
    public long? GetByteSize() => HoconUnits.Bytes(GetString());
    public IList<HoconValue> GetArray() => Items is not null ? Items : IsNull ? [] : [this];
    public IList<string> GetStringList() => [.. GetArray().Select(v => v.GetString())];
    public HoconValue GetChildObject(string key) => Members?.GetValueOrDefault(key);
    public Config ToConfig() => new(this);

    internal HoconValue Find(IEnumerable<string> path)
    {
        var node = this;
        foreach (var key in path)
            if (node.Members is null || !node.Members.TryGetValue(key, out node))
                return null;
        return node;
    }

    /// <summary>Own members over the fallback's; anything that is no object hides what lies below it.</summary>
    internal HoconValue MergedOver(HoconValue fallback)
    {
        if (Members is null || fallback?.Members is null || ReferenceEquals(this, fallback)) return this;
        var merged = new Dictionary<string, HoconValue>(fallback.Members);
        foreach (var (key, value) in Members)
            merged[key] = merged.TryGetValue(key, out var below) ? value.MergedOver(below) : value;
        return new HoconValue(merged);
    }

    public override string ToString() => ToString(0);

    public virtual string ToString(int indent)
    {
        var text = new StringBuilder();
        Write(text, indent);
        return text.ToString();
    }

    private void Write(StringBuilder text, int indent)
    {
        if (Members is not null)
        {
            text.Append("{\n");
            WriteMembers(text, indent + 1);
            text.Append(' ', 2 * indent).Append('}');
        }
        else if (Items is not null)
        {
            text.Append('[');
            for (var i = 0; i < Items.Count; i++)
            {
                if (i > 0) text.Append(',');
                Items[i].Write(text, indent);
            }
            text.Append(']');
        }
        else if (IsNull) text.Append("null");
        else text.Append(NeedsQuotes(Text, Quoted) ? Quote(Text) : Text);
    }

    internal void WriteMembers(StringBuilder text, int indent)
    {
        foreach (var (key, value) in Members)
        {
            text.Append(' ', 2 * indent).Append(IsPlain(key) ? key : Quote(key)).Append(" : ");
            value.Write(text, indent);
            text.Append('\n');
        }
    }

    private static bool IsPlain(string key) => key.Length > 0 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
    private static bool NeedsQuotes(string text, bool quoted) => quoted && !(IsPlain(text) && text is not ("null" or "true" or "false"));
    private static string Quote(string text) => "\"" + text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\r", "\\r").Replace("\t", "\\t") + "\"";
}

public class HoconRoot
{
    public HoconRoot(HoconValue value) => Value = value;
    public HoconValue Value { get; }
}

/// <summary>A value that mentions ${other.values}. It becomes plain when the whole document is known.</summary>
internal abstract class Unresolved : HoconValue
{
    /// <summary>What the same key held before, for ${itself}.</summary>
    public HoconValue Previous;
    public HoconValue Resolved;
    public bool Resolving;
}

internal sealed class Substitution(string path, bool optional) : Unresolved
{
    public string Path { get; } = path;
    public bool Optional { get; } = optional;
    /// <summary>Made by +=: means the earlier value of this very key.</summary>
    public bool SelfOnly { get; init; }
}

internal sealed class Concatenation(List<HoconValue> parts) : Unresolved
{
    public List<HoconValue> Parts { get; } = parts;
}
