namespace Supervisor.Cli.Verbs;

/// <summary>Runs a verb on several containers: all of them are tried, and each failure gets its own line.</summary>
internal static class Each
{
    /// <summary>One after the other.</summary>
    /// <returns>0, or an error's exit code if one failed.</returns>
    public static async Task<int> DoAsync(IEnumerable<string> ids, Func<string, Task> action)
    {
        var status = 0;
        foreach (var id in ids) status = await TryAsync(id, action, status);
        return status;
    }

    /// <summary>All at once; results are printed in the order of the ids, failures at once.</summary>
    public static async Task<int> PrintAsync(IEnumerable<string> ids, Func<string, Task<string>> action)
    {
        var status = 0;
        var running = ids.Select(id =>
        {
            string? line = null;
            return (Line: new Func<string?>(() => line), Done: TryAsync(id, async id => line = await action(id), 0));
        }).ToList();
        foreach (var (line, done) in running)
        {
            status = Math.Max(status, await done);
            if (line() is { } text) await Console.Out.WriteLineAsync(text);
        }
        return status;
    }

    private static async Task<int> TryAsync(string id, Func<string, Task> action, int status)
    {
        try
        {
            await action(id);
            return status;
        }
        catch (Exception e) when (Verb.IsAbout(e) && Verb.Explain(e) is { } said)
        {
            var text = Verb.OneLine(said.Text);
            await Console.Error.WriteLineAsync(
                $"supervisor: {(text.Contains(id, StringComparison.Ordinal) ? "" : $"{id}: ")}{text}");
            return said.ExitCode;
        }
    }
}
