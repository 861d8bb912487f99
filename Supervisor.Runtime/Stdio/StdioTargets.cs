namespace Supervisor.Runtime.Stdio;

/// <summary>The targets of a process's standard streams, as containerd names them.</summary>
/// <param name="Stdin">Path of a FIFO, or empty for none.</param>
/// <param name="Stdout">Path of a FIFO or of a file to append to, <c>file:///path</c>, <c>pipe:///path</c>, or empty for
/// none.</param>
/// <param name="Stderr">As <paramref name="Stdout"/>; unused with a terminal.</param>
/// <param name="Terminal">One terminal instead of three streams.</param>
public sealed record StdioTargets(string Stdin, string Stdout, string Stderr, bool Terminal)
{
    /// <summary>The process gets our own standard streams.</summary>
    public static StdioTargets Inherited { get; } = new("inherited", "inherited", "inherited", false);

    /// <summary>A terminal whose master is not relayed: the caller owns it.</summary>
    public static StdioTargets Console { get; } = new("console", "console", "console", true);

    /// <summary>All streams are the null device.</summary>
    public static StdioTargets None { get; } = new("", "", "", false);

    /// <summary>The client's names in the runtime's form: a log binary also gets the namespace and the process's id.</summary>
    /// <param name="id">The container's, or the exec's.</param>
    public StdioTargets ForLogBinary(string @namespace, string id) =>
        Stdout.StartsWith(LogBinary.Scheme, StringComparison.Ordinal)
            ? this with { Stdout = $"{LogBinary.Scheme}{@namespace}:{id}{Stdout[LogBinary.Scheme.Length..]}" } : this;
}

/// <summary>A standard stream cannot be opened.</summary>
/// <param name="field"><c>stdin</c>, <c>stdout</c> or <c>stderr</c>.</param>
/// <param name="reason">Why, naming the path.</param>
public sealed class InvalidStdioException(string field, string reason) : ArgumentException($"{field}: {reason}")
{
    /// <summary>Which stream.</summary>
    public string Field { get; } = field;
}
