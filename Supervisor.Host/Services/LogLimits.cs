using Supervisor.Actors;
using Supervisor.Host.Daemon;
using Supervisor.Kernel;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Host.Services;

/// <summary>The default limits of the logs of <c>supervisor run -d</c>: <c>supervisor.logs</c> of the configuration.</summary>
/// <param name="MaxSize">Bytes of one file; null for no limit.</param>
/// <param name="MaxFiles">See <see cref="LogTarget.MaxFiles"/>.</param>
public sealed record LogLimits(long? MaxSize, int MaxFiles)
{
    /// <summary>As the daemon is configured.</summary>
    /// <exception cref="DaemonStartException">A value is invalid.</exception>
    public static LogLimits Of(SupervisorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        var logs = system.System.Settings.Config.GetConfig("supervisor.logs");
        var (size, files) = (logs.GetString("max-size"), logs.GetInt("max-files"));
        long? bytes = size is "off" ? null : ByteSize.TryParse(size) is >= LogTarget.LeastSize and var given
            ? given
            : throw new DaemonStartException(
                $"supervisor.logs.max-size: \"{size}\" is neither off nor a size of at least {LogTarget.LeastSize} bytes");
        return files is >= 1 and <= LogTarget.MostFiles
            ? new LogLimits(bytes, files)
            : throw new DaemonStartException($"supervisor.logs.max-files: {files} is not in 1 to {LogTarget.MostFiles}");
    }
}
