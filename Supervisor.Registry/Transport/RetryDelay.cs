namespace Supervisor.Registry.Transport;

/// <summary>How long to wait before a request is made again.</summary>
internal static class RetryDelay
{
    /// <param name="attempt">Attempts so far, from 1.</param>
    /// <param name="wanted">What the server asked for.</param>
    internal static TimeSpan After(int attempt, TimeSpan? wanted, RegistryLimits limits)
    {
        var doubled = limits.FirstDelay * Math.Pow(2, attempt - 1);
        // Spread, so that many clients of a server that failed do not come back at once.
        var own = doubled * (0.75 + Random.Shared.NextDouble() / 2);
        var delay = wanted is { } asked && asked > own ? asked : own;
        return delay < limits.LongestDelay ? delay : limits.LongestDelay;
    }
}
