using System.Collections.Immutable;

namespace Supervisor.Actors;

/// <summary>
/// Applies the paths of a field mask to labels and other maps. An empty value removes a label, in every store of containerd.
/// </summary>
internal static class FieldMask
{
    /// <summary>The labels afterwards; null for a path that is none of <c>labels</c> and <c>labels.KEY</c>.</summary>
    /// <param name="paths">Empty: all are replaced.</param>
    public static ImmutableSortedDictionary<string, string>? ApplyToLabels(
        ImmutableSortedDictionary<string, string> old, ImmutableSortedDictionary<string, string> given,
        ImmutableArray<string> paths)
    {
        if (paths.IsEmpty) return WithoutEmpty(given);
        var changed = old;
        foreach (var path in paths)
        {
            if (Apply(changed, given, path, "labels") is not { } next) return null;
            changed = next;
        }
        return WithoutEmpty(changed);
    }

    /// <summary>The map afterwards; null for a path that is none of FIELD and FIELD.KEY.</summary>
    /// <param name="field"><c>labels</c>, <c>annotations</c>, <c>extensions</c>.</param>
    public static ImmutableSortedDictionary<string, T>? Apply<T>(
        ImmutableSortedDictionary<string, T> old, ImmutableSortedDictionary<string, T> given, string path, string field)
    {
        if (path == field) return given;
        if (!path.StartsWith(field + ".", StringComparison.Ordinal) || path.Length == field.Length + 1) return null;
        var key = path[(field.Length + 1)..];
        return given.TryGetValue(key, out var value) ? old.SetItem(key, value) : old.Remove(key);
    }

    public static ImmutableSortedDictionary<string, string> WithoutEmpty(ImmutableSortedDictionary<string, string> labels) =>
        labels.RemoveRange(labels.Where(l => l.Value.Length == 0).Select(l => l.Key));
}
