using System.Diagnostics;
using System.Text;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>Measures the sections one after the other, prints their tables and writes them to a document.</summary>
internal static class Comparison
{
    /// <summary>For a call that has begun when a section's time is over; then all processes of the section are killed.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(35);

    /// <returns>The exit status.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (!Sandbox.IsOurs)
        {
            Say("runs only in namespaces of its own: start it as ./supervisor bench");
            return 2;
        }
        Options options;
        IReadOnlyList<Section> sections;
        try
        {
            options = Options.Parse(arguments);
            sections = Section.Selected(options.Words);
            if (options.File is { } document) ReportFile.Check(document);
        }
        catch (InvalidOptionException e)
        {
            Say(e.Message);
            return 2;
        }
        var (run, began, load) = (options.ToRun(), DateTimeOffset.UtcNow, Machine.LoadAverage);
        foreach (var missing in Peers.Missing) Say($"{missing} is not installed and not compared (--install installs it)");
        var (report, failures) = (new StringBuilder(), 0);
        foreach (var section in sections)
        {
            var (text, isOk) = await MeasureAsync(section, options, run, options.Deadline - (DateTimeOffset.UtcNow - began));
            if (!isOk) failures++;
            report.Append(text).Append('\n');
            Console.WriteLine(text);
        }
        var facts = Machine.Describe(options, run, load, began);
        Console.WriteLine(facts);
        if (options.File is { } file)
        {
            ReportFile.Write(file, $"{facts}\n\n{report}");
            Say($"written to {file}");
        }
        return failures == 0 ? 0 : 1;
    }

    private static async Task<(string Text, bool IsOk)> MeasureAsync(Section section, Options options, Run run, TimeSpan left)
    {
        if (section.Lacks is { } lacks)
            return ($"### {section.Name}\n\nNot measured: {lacks} are needed, and not all of them are installed.\n", true);
        if (left <= TimeSpan.Zero)
            return ($"### {section.Name}\n\nNot measured: the run ends after {options.Deadline.TotalMinutes} minutes.\n", false);
        Say($"{section.Name} …");
        var own = TimeSpan.FromMinutes(section.Minutes * (options.IsFull ? 5 : 1));
        var time = own < left ? own : left;
        var began = Stopwatch.GetTimestamp();
        using var deadline = new CancellationTokenSource(time);
        try
        {
            var tables = await WithSweepAsync(run, section.MeasureAsync(run, deadline.Token).WaitAsync(time + Grace));
            Say($"{section.Name}: {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
            return (string.Join('\n', tables.Select(t => t.ToMarkdown())), true);
        }
        catch (Exception e)
        {
            var reason = e is OperationCanceledException or TimeoutException && deadline.IsCancellationRequested
                ? $"not finished within {time.TotalMinutes:0.#} minutes" : e.Message;
            Say($"{section.Name} failed: {(e is InvalidOperationException ? e.Message : e)}");
            return ($"### {section.Name}\n\nFailed: {reason.ReplaceLineEndings(" ")}\n", false);
        }
    }

    private static async Task<T> WithSweepAsync<T>(Run run, Task<T> work)
    {
        try
        {
            return await work;
        }
        finally
        {
            await Sandbox.SweepAsync(run.Cgroup);
        }
    }

    private static void Say(string message) => Console.Error.WriteLine($"bench: {message}");
}
