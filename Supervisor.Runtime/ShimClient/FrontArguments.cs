using System.Globalization;

namespace Supervisor.Runtime.ShimClient;

/// <summary>What a shim starts a container's front with.</summary>
/// <param name="Container">The container's key.</param>
/// <param name="Bundle">The caller's bundle of a shim without a daemon; empty under a daemon.</param>
/// <param name="Idle">How long the front stays without a connection.</param>
internal sealed record FrontArguments(string Container, string Bundle, TimeSpan Idle)
{
    /// <summary>The front's executable, beside the shim's.</summary>
    public const string Program = "supervisor-shim-service";

    /// <summary>Seconds, for <see cref="Idle"/>, in the environment of the daemon or the shim.</summary>
    public const string IdleVariable = "SUPERVISOR_SHIM_SERVICE_IDLE";

    /// <summary>Descriptors of the front.</summary>
    public const int Link = 3, Listener = 4;

    private const string ContainerFlag = "--container", BundleFlag = "--bundle", IdleFlag = "--idle";
    private static readonly TimeSpan UsualIdle = TimeSpan.FromSeconds(10), LongestIdle = TimeSpan.FromDays(1);

    /// <summary>Whether there is no daemon: the service itself creates and removes the container.</summary>
    public bool IsAlone => Bundle.Length > 0;

    /// <summary>The container's id.</summary>
    public string Id => Container[(Container.IndexOf('/', StringComparison.Ordinal) + 1)..];

    /// <summary>The value of <see cref="IdleVariable"/>, or the usual time where there is none that is valid.</summary>
    public static TimeSpan IdleOfEnvironment => TryIdle(Environment.GetEnvironmentVariable(IdleVariable)) ?? UsualIdle;

    /// <returns>Null where it is not a number of seconds between 0 and a day.</returns>
    public static TimeSpan? TryIdle(string? seconds) =>
        double.TryParse(seconds, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
        && value <= LongestIdle.TotalSeconds ? TimeSpan.FromSeconds(value) : null;

    /// <summary>The front's whole command line.</summary>
    public string[] ToWords() =>
        [Program, ContainerFlag, Container, IdleFlag, Idle.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            .. IsAlone ? (string[])[BundleFlag, Bundle] : []];

    /// <returns>Null for a command line that no shim makes.</returns>
    public static FrontArguments? Parse(IReadOnlyList<string> words)
    {
        string container = "", bundle = "";
        TimeSpan? idle = null;
        if (words.Count % 2 != 0) return null;
        for (var i = 0; i < words.Count; i += 2)
        {
            if (words[i] is ContainerFlag) container = words[i + 1];
            else if (words[i] is BundleFlag) bundle = words[i + 1];
            else if (words[i] is IdleFlag) idle = TryIdle(words[i + 1]);
            else return null;
        }
        return container.Contains('/', StringComparison.Ordinal) && idle is { } time
            ? new FrontArguments(container, bundle, time) : null;
    }
}
