namespace Akka.Configuration.Hocon;

/// <summary>Replaces every ${path} by what stands there in the same document, else by the environment variable of that name.</summary>
internal sealed class HoconResolver(HoconValue root)
{
    private readonly List<Unresolved> _underWay = [];

    /// <exception cref="FormatException">A ${path} that is neither in the document nor in the environment, or a cycle.</exception>
    public HoconValue Resolve() => Plain(root);

    private HoconValue Plain(HoconValue value)
    {
        switch (value)
        {
            case Unresolved unresolved:
                return Of(unresolved);
            case { Members: { } members }:
                foreach (var (key, member) in members.ToArray())
                {
                    var plain = Plain(member);
                    if (plain is null) members.Remove(key);
                    else members[key] = plain;
                }
                return value;
            case { Items: { } items }:
                return new HoconValue([.. items.Select(Plain).Where(i => i is not null)]);
            default:
                return value;
        }
    }

    // Null: an optional substitution that found nothing.
    private HoconValue Of(Unresolved value)
    {
        if (value.Resolved is not null) return value.Resolved;
        if (value.Resolving) throw new FormatException("A substitution refers to itself" + (value is Substitution s ? $": ${{{s.Path}}}" : ""));
        value.Resolving = true;
        _underWay.Add(value);
        try
        {
            var result = value is Substitution substitution ? Substitute(substitution) : Join(((Concatenation)value).Parts);
            if (result is null && value.Previous is not null) result = Plain(value.Previous);
            else if (result?.Members is not null && value.Previous is not null) result = result.MergedOver(Plain(value.Previous));
            return value.Resolved = result;
        }
        finally
        {
            value.Resolving = false;
            _underWay.RemoveAt(_underWay.Count - 1);
        }
    }

    private HoconValue Substitute(Substitution substitution)
    {
        if (substitution.SelfOnly) return Earlier();
        var node = root;
        foreach (var key in Config.SplitPath(substitution.Path))
        {
            if (node is Unresolved unresolved) node = unresolved.Resolving ? Earlier(unresolved) : Of(unresolved);
            if (node?.Members is null || !node.Members.TryGetValue(key, out node))
            {
                node = null;
                break;
            }
        }
        if (node is Unresolved { Resolving: true } self)
        {
            // ${itself} means the value it had before.
            if (self.Previous is not null) return Plain(self.Previous);
            node = null;
        }
        if (node is not null) return Plain(node);
        if (Environment.GetEnvironmentVariable(substitution.Path) is { } variable) return new HoconValue(variable, quoted: true);
        return substitution.Optional ? null : throw new FormatException($"Unresolved substitution: ${{{substitution.Path}}}");
    }

    private HoconValue Earlier(Unresolved of = null)
    {
        var owner = of ?? _underWay.LastOrDefault(u => u is Concatenation);
        return owner?.Previous is { } previous ? Plain(previous) : null;
    }

    private HoconValue Join(List<HoconValue> parts)
    {
        var plain = parts.Select(Plain).Where(p => p is not null).ToList();
        var solid = plain.Where(p => p.Text is null || !string.IsNullOrWhiteSpace(p.Text) || p.Quoted).ToList();
        if (solid.Count == 0) return null;
        if (solid.All(p => p.Members is not null)) return solid.Aggregate((below, above) => above.MergedOver(below));
        if (solid.All(p => p.Items is not null)) return new HoconValue([.. solid.SelectMany(p => p.Items)]);
        if (solid.Any(p => p.Members is not null || p.Items is not null)) throw new FormatException("Objects, arrays and texts cannot be concatenated with each other");
        return solid.Count == 1 && plain.Count == 1 ? solid[0] : new HoconValue(string.Concat(plain.Select(p => p.Text)).Trim(), quoted: true);
    }
}
