namespace Supervisor.Cli.Diagnosis;

/// <summary>What a check has found.</summary>
internal enum Verdict
{
    Ok,
    Fault,

    /// <summary>It could not be checked; the detail says why.</summary>
    Unknown,
}

/// <summary>The result of a check.</summary>
/// <param name="Check">What was checked, in a word or two.</param>
/// <param name="Detail">What was found.</param>
/// <param name="ToDo">What to do about it; empty for nothing.</param>
internal sealed record Finding(string Check, Verdict Verdict, string Detail, string ToDo = "")
{
    public static Finding Ok(string check, string detail) => new(check, Verdict.Ok, detail);

    public static Finding Fault(string check, string detail, string toDo) => new(check, Verdict.Fault, detail, toDo);

    public static Finding Unknown(string check, string detail, string toDo) => new(check, Verdict.Unknown, detail, toDo);
}
