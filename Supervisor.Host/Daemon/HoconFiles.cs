using Akka.Configuration;

namespace Supervisor.Host.Daemon;

/// <summary>The configuration: the packaged file, overridden by the one that the operator names.</summary>
internal static class HoconFiles
{
    private const string Packaged = "hocon/supervisor.hocon";

    // An embedded daemon must not write to the container's terminal.
    private const string Silent = "akka { loglevel = OFF, stdout-loglevel = OFF }";

    /// <exception cref="DaemonStartException">A file cannot be read, or is not HOCON.</exception>
    public static Config Read(DaemonOptions options)
    {
        var config = Parse(Path.Combine(AppContext.BaseDirectory, Packaged), ours: true);
        if (options.ConfigFile is { } file) config = Parse(file, ours: false).WithFallback(config);
        return options.Quiet ? ConfigurationFactory.ParseString(Silent).WithFallback(config) : config;
    }

    private static Config Parse(string path, bool ours)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException(
                $"{path}: the configuration cannot be read: {(Directory.Exists(path) ? "it is a directory" : e.Message)}", e);
        }
        try
        {
            var settings = HoconGuard.Check(text);
            var config = ConfigurationFactory.ParseString(text);
            if (!ours) HoconSettings.Check(config, settings);
            return config;
        }
        catch (FormatException e)
        {
            throw new DaemonStartException($"{path}, {e.Message}", e);
        }
        catch (Exception e)
        {
            throw new DaemonStartException($"{path}: the configuration is not HOCON: {e.Message}", e);
        }
    }
}
