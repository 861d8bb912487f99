using System.Text.Json;

namespace Supervisor.Runtime.Oci;

/// <summary>
/// JSON primitives of <see cref="QuickSpecReader"/>: each call starts with the reader before a value and leaves it at its end.
/// </summary>
internal static class QuickJson
{
    public delegate T Read<T>(ref Utf8JsonReader json);

    public static void Begin(ref Utf8JsonReader json)
    {
        if (json.TokenType is not JsonTokenType.StartObject) throw new NotOrdinary();
    }

    /// <summary>The next name of an object, the reader at its value; null at the object's end.</summary>
    public static string? Next(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType is JsonTokenType.EndObject) return null;
        var name = json.GetString();
        json.Read();
        return name;
    }

    public static T? OrNull<T>(ref Utf8JsonReader json, Read<T> read) where T : class =>
        json.TokenType is JsonTokenType.Null ? null : read(ref json);

    public static List<T> List<T>(ref Utf8JsonReader json, Read<T> read)
    {
        if (json.TokenType is JsonTokenType.Null) return [];
        if (json.TokenType is not JsonTokenType.StartArray) throw new NotOrdinary();
        var list = new List<T>();
        while (json.Read() && json.TokenType is not JsonTokenType.EndArray) list.Add(read(ref json));
        return list;
    }

    public static List<string> Texts(ref Utf8JsonReader json) => List(ref json, static (ref Utf8JsonReader j) => j.GetString()!);

    public static Dictionary<string, string> Map(ref Utf8JsonReader json)
    {
        if (json.TokenType is JsonTokenType.Null) return [];
        var map = new Dictionary<string, string>();
        for (Begin(ref json); Next(ref json) is { } name;) map[name] = json.GetString()!;
        return map;
    }

    public static int? Number(ref Utf8JsonReader json) => json.TokenType is JsonTokenType.Null ? null : json.GetInt32();

    public static uint? Unsigned(ref Utf8JsonReader json) => json.TokenType is JsonTokenType.Null ? null : json.GetUInt32();

    public static bool? Truth(ref Utf8JsonReader json) => json.TokenType is JsonTokenType.Null ? null : json.GetBoolean();

    public static long? Long(ref Utf8JsonReader json) => json.TokenType is JsonTokenType.Null ? null : json.GetInt64();

    public static ulong? UnsignedLong(ref Utf8JsonReader json) => json.TokenType is JsonTokenType.Null ? null : json.GetUInt64();

    /// <summary>The document needs the deserializer.</summary>
    public sealed class NotOrdinary : Exception;
}
