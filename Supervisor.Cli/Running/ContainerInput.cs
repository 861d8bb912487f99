namespace Supervisor.Cli.Running;

/// <summary>Which containers have an input that outlives its clients: <c>run -d -i</c>.</summary>
internal static class ContainerInput
{
    /// <summary>The label of such a container; its value is <see cref="Open"/>.</summary>
    public const string Label = "supervisor.io/stdin";

    /// <summary>The input is a FIFO that any client may write to, and that never ends.</summary>
    public const string Open = "open";
}
