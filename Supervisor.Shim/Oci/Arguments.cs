using System.Globalization;

namespace Supervisor.Shim.Oci;

/// <summary>
/// Parses a command line as Go's flag package and runc do: <c>-name</c> is <c>--name</c>, values after <c>=</c> or a space.
/// </summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, List<string>> _values = [];

    private Arguments(List<string> rest) => Rest = rest;

    /// <summary>The arguments that are not flags, in order.</summary>
    public IReadOnlyList<string> Rest { get; }

    /// <param name="flags">The known flags.</param>
    /// <param name="arguments">The arguments to parse.</param>
    /// <param name="stopAtFirst">Stops at the first argument that is not a flag: a verb's own flags, or a program's arguments,
    /// follow it.</param>
    /// <exception cref="UsageException">A flag is unknown, or lacks its value.</exception>
    public static Arguments Parse(IReadOnlyList<Flag> flags, ReadOnlySpan<string> arguments, bool stopAtFirst)
    {
        var rest = new List<string>();
        var read = new Arguments(rest);
        for (var i = 0; i < arguments.Length; i++)
        {
            var argument = arguments[i];
            if (argument is "--")
            {
                rest.AddRange(arguments[(i + 1)..]);
                break;
            }
            if (argument.Length < 2 || argument[0] != '-')
            {
                if (stopAtFirst)
                {
                    rest.AddRange(arguments[i..]);
                    break;
                }
                rest.Add(argument);
                continue;
            }
            var name = argument[1] == '-' ? argument[2..] : argument[1..];
            var equals = name.IndexOf('=', StringComparison.Ordinal);
            var value = equals < 0 ? null : name[(equals + 1)..];
            if (equals >= 0) name = name[..equals];
            var flag = Find(flags, name) ?? throw new UsageException($"flag provided but not defined: -{name}");
            if (flag.Kind is FlagKind.Switch) value = Truth(value ?? "true", name) ? "true" : "false";
            else if (value is null)
                value = ++i < arguments.Length ? arguments[i] : throw new UsageException($"flag needs an argument: -{name}");
            read.Add(flag, value);
        }
        return read;
    }

    public bool Has(string name) => _values.ContainsKey(name);

    public bool IsSet(string name) => _values.TryGetValue(name, out var values) && values[^1] == "true";

    /// <summary>The value; null when the flag was not given.</summary>
    public string? Text(string name) => _values.TryGetValue(name, out var values) ? values[^1] : null;

    public IReadOnlyList<string> List(string name) => _values.TryGetValue(name, out var values) ? values : [];

    /// <summary>A whole number; null when the flag was not given or is empty.</summary>
    /// <exception cref="UsageException">The value is not a whole number.</exception>
    public long? Number(string name)
    {
        if (Text(name) is not { Length: > 0 } text) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number : throw new UsageException($"invalid value \"{text}\" for flag -{name}: it is not a whole number");
    }

    private void Add(Flag flag, string value)
    {
        if (!_values.TryGetValue(flag.Name, out var values)) _values[flag.Name] = values = [];
        values.Add(value);
    }

    private static Flag? Find(IReadOnlyList<Flag> flags, string name)
    {
        foreach (var flag in flags)
            foreach (var range in flag.Names.AsSpan().Split(' '))
                if (flag.Names.AsSpan(range).SequenceEqual(name)) return flag;
        return null;
    }

    private static bool Truth(string text, string name) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new UsageException($"invalid boolean value \"{text}\" for -{name}"),
    };
}
