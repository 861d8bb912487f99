using System.Collections.Immutable;

using Labels = System.Collections.Immutable.ImmutableSortedDictionary<string, string>;

namespace Supervisor.Actors.Images;

/// <summary>Applies a field mask to labels and annotations. An empty value removes one, in every store of containerd.</summary>
internal static class LabelChanges
{
    /// <summary>The labels afterwards; null for a path that is none of <c>labels</c> and <c>labels.KEY</c>.</summary>
    /// <param name="paths">Empty: all are replaced.</param>
    public static Labels? Apply(Labels old, Labels given, ImmutableArray<string> paths)
    {
        if (paths.IsEmpty) return WithoutEmpty(given);
        var changed = old;
        foreach (var path in paths)
        {
            if (Apply(changed, given, path, "labels") is not { } next) return null;
            changed = next;
        }
        return changed;
    }

    /// <summary>One path of a mask.</summary>
    /// <param name="field"><c>labels</c>, <c>annotations</c>.</param>
    public static Labels? Apply(Labels old, Labels given, string path, string field)
    {
        if (path == field) return WithoutEmpty(given);
        if (!path.StartsWith(field + ".", StringComparison.Ordinal)) return null;
        var key = path[(field.Length + 1)..];
        return given.GetValueOrDefault(key) is { Length: > 0 } value ? old.SetItem(key, value) : old.Remove(key);
    }

    /// <summary>Without the labels that have an empty value.</summary>
    public static Labels WithoutEmpty(Labels labels) =>
        labels.RemoveRange(labels.Where(l => l.Value.Length == 0).Select(l => l.Key));
}
