using Supervisor.Actors;
using Supervisor.Kernel;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Host.Services;

/// <summary>The default limits of the logs of <c>supervisor run -d</c>: <c>supervisor.logs</c> of the configuration.</summary>
/// <param name="MaxSize">Bytes of one file; null for no limit.</param>
/// <param name="MaxFiles">See <see cref="LogTarget.MaxFiles"/>.</param>
public sealed record LogLimits(long? MaxSize, int MaxFiles)
{
    /// <summary>As the daemon is configured.</summary>
    public static LogLimits Of(SupervisorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        var logs = system.System.Settings.Config.GetConfig("supervisor.logs");
        return new LogLimits(
            logs.GetString("max-size") is not "off" and var size ? ByteSize.TryParse(size) : null, logs.GetInt("max-files"));
    }
}
