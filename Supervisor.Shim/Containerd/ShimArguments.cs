namespace Supervisor.Shim.Containerd;

/// <summary>The command line that containerd gives to a shim: flags as Go's flag package reads them, then the action.</summary>
internal sealed record ShimArguments
{
    /// <summary>containerd's namespace.</summary>
    public string Namespace { get; private init; } = "";

    /// <summary>The container's, or the pod's.</summary>
    public string Id { get; private init; } = "";

    /// <summary>containerd's gRPC socket.</summary>
    public string Address { get; private init; } = "";

    /// <summary>containerd's own program. Not used: events go to its ttrpc socket.</summary>
    public string PublishBinary { get; private init; } = "";

    /// <summary>Of <c>delete</c>; empty for the working directory.</summary>
    public string Bundle { get; private init; } = "";

    public bool Debug { get; private init; }

    public bool Version { get; private init; }

    public bool Info { get; private init; }

    /// <summary><c>start</c>, <c>delete</c>, or empty to serve.</summary>
    public string Action { get; private init; } = "";

    /// <exception cref="UsageException">A flag is unknown or lacks its value, or more than one action is given.</exception>
    public static ShimArguments Parse(IReadOnlyList<string> arguments)
    {
        var parsed = new ShimArguments();
        for (var i = 0; i < arguments.Count; i++)
        {
            var word = arguments[i];
            if (!word.StartsWith('-') || word is "-")
            {
                if (i + 1 < arguments.Count) throw new UsageException($"\"{arguments[i + 1]}\" after the action \"{word}\"");
                return parsed with { Action = word };
            }
            var name = word[(word.StartsWith("--", StringComparison.Ordinal) ? 2 : 1)..];
            var equals = name.IndexOf('=', StringComparison.Ordinal);
            string? attached = null;
            if (equals >= 0) (name, attached) = (name[..equals], name[(equals + 1)..]);
            parsed = name switch
            {
                "namespace" => parsed with { Namespace = Value() },
                "id" => parsed with { Id = Value() },
                "address" => parsed with { Address = Value() },
                "publish-binary" => parsed with { PublishBinary = Value() },
                "bundle" => parsed with { Bundle = Value() },
                "debug" => parsed with { Debug = Switch() },
                "v" or "version" => parsed with { Version = Switch() },
                "info" => parsed with { Info = Switch() },
                "socket" => throw new UsageException("-socket: not supported: the socket's path follows from -address and -id"),
                _ => throw new UsageException($"flag provided but not defined: -{name}"),
            };

            string Value() => attached ?? (++i < arguments.Count
                ? arguments[i] : throw new UsageException($"flag needs an argument: -{name}"));

            bool Switch() => attached is null or "1" or "t" or "T" or "true" or "TRUE" or "True" || (attached is
                "0" or "f" or "F" or "false" or "FALSE" or "False" ? false
                : throw new UsageException($"invalid boolean value \"{attached}\" for -{name}"));
        }
        return parsed;
    }
}
