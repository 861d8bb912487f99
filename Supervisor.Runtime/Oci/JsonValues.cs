using System.Text.Json;

namespace Supervisor.Runtime.Oci;

/// <summary>
/// Reads the values of a spec's document: each call starts with the reader at a value's first token and leaves it at its last.
/// For documents that <see cref="DocumentForm"/> has checked: well-formed, no duplicates, no null in a list.
/// </summary>
internal static class JsonValues
{
    public delegate T Reader<T>(ref Utf8JsonReader json);

    /// <summary>Reads the value of one name of an object.</summary>
    /// <returns><paramref name="target"/> with that value.</returns>
    public delegate T MemberReader<T>(ref Utf8JsonReader json, string name, T target);

    public static T ReadObject<T>(ref Utf8JsonReader json, T target, MemberReader<T> read)
    {
        if (json.TokenType is not JsonTokenType.StartObject) throw Unreadable(ref json, "is not an object");
        while (json.Read() && json.TokenType is JsonTokenType.PropertyName)
        {
            var name = json.GetString()!;
            json.Read();
            target = read(ref json, name, target);
        }
        return target;
    }

    /// <summary>Skips the value of a name that the specification does not define.</summary>
    public static T Skip<T>(ref Utf8JsonReader json, T target)
    {
        json.Skip();
        return target;
    }

    /// <returns>An empty list for null.</returns>
    public static List<T> ReadList<T>(ref Utf8JsonReader json, Reader<T> read)
    {
        if (json.TokenType is JsonTokenType.Null) return [];
        if (json.TokenType is not JsonTokenType.StartArray) throw Unreadable(ref json, "is not a list");
        var list = new List<T>();
        while (json.Read() && json.TokenType is not JsonTokenType.EndArray) list.Add(read(ref json));
        return list;
    }

    public static List<string> ReadStrings(ref Utf8JsonReader json) => ReadList(ref json, ReadString);

    /// <returns>An empty map for null.</returns>
    public static Dictionary<string, T> ReadMap<T>(ref Utf8JsonReader json, Reader<T> read) =>
        json.TokenType is JsonTokenType.Null ? [] : ReadObject(ref json, new Dictionary<string, T>(), (ref json, name, map) =>
        {
            map[name] = json.TokenType is not JsonTokenType.Null ? read(ref json) : throw Unreadable(ref json, "is null");
            return map;
        });

    public static T? OrNull<T>(ref Utf8JsonReader json, Reader<T> read) where T : class =>
        json.TokenType is JsonTokenType.Null ? null : read(ref json);

    public static T? Optional<T>(ref Utf8JsonReader json, Reader<T> read) where T : struct =>
        json.TokenType is JsonTokenType.Null ? null : read(ref json);

    /// <returns>Null for null: a property of the spec that is never null makes an empty string of it.</returns>
    public static string ReadString(ref Utf8JsonReader json) =>
        json.TokenType is JsonTokenType.String or JsonTokenType.Null
            ? json.GetString()! : throw Unreadable(ref json, "is not a string");

    public static bool ReadBoolean(ref Utf8JsonReader json) =>
        json.TokenType is JsonTokenType.True or JsonTokenType.False
            ? json.GetBoolean() : throw Unreadable(ref json, "is not true or false");

    public static int ReadInt32(ref Utf8JsonReader json) =>
        json.TokenType is JsonTokenType.Number && json.TryGetInt32(out var number)
            ? number : throw Unreadable(ref json, "is not a whole number of 32 bits");

    public static long ReadInt64(ref Utf8JsonReader json) =>
        json.TokenType is JsonTokenType.Number && json.TryGetInt64(out var number)
            ? number : throw Unreadable(ref json, "is not a whole number of 64 bits");

    public static ushort ReadUInt16(ref Utf8JsonReader json) =>
        json.TokenType is JsonTokenType.Number && json.TryGetUInt16(out var number)
            ? number : throw Unreadable(ref json, "is not a whole number of 0 to 65535");

    public static uint ReadUInt32(ref Utf8JsonReader json) =>
        json.TokenType is JsonTokenType.Number && json.TryGetUInt32(out var number)
            ? number : throw Unreadable(ref json, "is not a whole number of 0 to 4294967295");

    public static ulong ReadUInt64(ref Utf8JsonReader json) =>
        json.TokenType is JsonTokenType.Number && json.TryGetUInt64(out var number)
            ? number : throw Unreadable(ref json, "is not a whole number of 0 to 18446744073709551615");

    /// <param name="json">The reader, at the value.</param>
    /// <param name="reason">What is wrong with it.</param>
    /// <param name="member">The path of the refused entry below the value, e.g. <c>.size</c>.</param>
    public static Exception Unreadable(ref Utf8JsonReader json, string reason, string member = "") =>
        new UnreadableValueException(json.TokenStartIndex, member, reason);

    /// <summary>A value cannot be read: at which byte of the document, and why.</summary>
    public sealed class UnreadableValueException(long at, string member, string reason) : Exception(reason)
    {
        public long At => at;

        public string Member => member;
    }
}
