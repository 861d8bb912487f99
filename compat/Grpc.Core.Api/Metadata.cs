using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Grpc.Core;

/// <summary>
/// The headers or trailers of a call, in order; a key may occur several times. Keys are lower case, a key that ends in
/// <c>-bin</c> has bytes for its value (gRPC over HTTP/2, "Custom-Metadata").
/// </summary>
public sealed class Metadata : IList<Metadata.Entry>
{
    public const string BinaryHeaderSuffix = "-bin";

    /// <summary>Shared and read-only.</summary>
    public static readonly Metadata Empty = new() { IsReadOnly = true };
    private readonly List<Entry> _entries = [];

    public int Count => _entries.Count;
    public bool IsReadOnly { get; private init; }

    public Entry this[int index]
    {
        get => _entries[index];
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            Writable()[index] = value;
        }
    }

    /// <returns>The last entry with this (lower-case) key, or null.</returns>
    public Entry? Get(string key) => _entries.FindLast(entry => entry.Key == key);
    /// <exception cref="InvalidOperationException">The entry is binary.</exception>
    public string? GetValue(string key) => Get(key)?.Value;
    public byte[]? GetValueBytes(string key) => Get(key)?.ValueBytes;

    public IEnumerable<Entry> GetAll(string key)
    {
        foreach (var entry in _entries)
        {
            if (entry.Key == key) yield return entry;
        }
    }

    public void Add(Entry item)
    {
        ArgumentNullException.ThrowIfNull(item);
        Writable().Add(item);
    }

    public void Add(string key, string value) => Add(new Entry(key, value));
    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    public void Insert(int index, Entry item)
    {
        ArgumentNullException.ThrowIfNull(item);
        Writable().Insert(index, item);
    }

    public void RemoveAt(int index) => Writable().RemoveAt(index);
    public bool Remove(Entry item) => Writable().Remove(item);
    public void Clear() => Writable().Clear();
    public int IndexOf(Entry item) => _entries.IndexOf(item);
    public bool Contains(Entry item) => _entries.Contains(item);
    public void CopyTo(Entry[] array, int arrayIndex) => _entries.CopyTo(array, arrayIndex);
    public IEnumerator<Entry> GetEnumerator() => _entries.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private List<Entry> Writable() =>
        IsReadOnly ? throw new InvalidOperationException("This metadata is read-only; add to a new Metadata instead.") : _entries;

    /// <summary>One key with its value: text, or bytes when the key ends in <c>-bin</c>.</summary>
    public class Entry
    {
        private readonly string? _text;
        private readonly byte[]? _bytes;

        /// <exception cref="ArgumentException">The key does not end in <c>-bin</c> or has a character that is not allowed.</exception>
        public Entry(string key, byte[] valueBytes)
        {
            Key = Normalize(key);
            if (!IsBinaryKey(Key)) throw new ArgumentException($"The key \"{Key}\" of a binary value must end in \"-bin\".", nameof(key));
            ArgumentNullException.ThrowIfNull(valueBytes);
            _bytes = (byte[])valueBytes.Clone();
        }

        /// <exception cref="ArgumentException">The key ends in <c>-bin</c> or has a character that is not allowed.</exception>
        public Entry(string key, string value)
        {
            Key = Normalize(key);
            if (IsBinaryKey(Key)) throw new ArgumentException($"The key \"{Key}\" ends in \"-bin\", which is for binary values.", nameof(key));
            ArgumentNullException.ThrowIfNull(value);
            _text = value;
        }

        public string Key { get; }

        /// <summary>A copy of the bytes; those of the text in ASCII when the entry is not binary.</summary>
        public byte[] ValueBytes => _bytes is null ? Encoding.ASCII.GetBytes(_text!) : (byte[])_bytes.Clone();

        /// <exception cref="InvalidOperationException">The entry is binary.</exception>
        public string Value => _text ?? throw new InvalidOperationException($"The value of \"{Key}\" is binary, so it has no text.");
        public bool IsBinary => _bytes is not null;

        public override string ToString() =>
            IsBinary ? $"[Entry: key={Key}, valueBytes=[{_bytes!.Length} bytes]]" : $"[Entry: key={Key}, value={_text}]";

        private static bool IsBinaryKey(string key) => key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        [SuppressMessage("Globalization", "CA1308", Justification = "HTTP/2 header names are lower case (RFC 9113, 8.2).")]
        private static string Normalize(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            var normal = key.ToLowerInvariant();
            foreach (var c in normal)
            {
                if (c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_' or '-' or '.') continue;
                throw new ArgumentException($"The metadata key \"{key}\" may have only letters, digits, '_', '-' and '.'.", nameof(key));
            }
            return normal;
        }
    }
}
