using System.Runtime.CompilerServices;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests;

/// <summary>Polls for conditions that no file and no event announces.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    public static Task IsTrue(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string text = "") =>
        IsTrue(() => Task.FromResult(condition()), text);

    public static async Task IsTrue(
        Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string text = "")
    {
        for (var end = DateTime.UtcNow + CommandLine.Patience; !await condition(); await Task.Delay(Interval))
            Assert.True(DateTime.UtcNow < end, $"not true within {CommandLine.Patience.TotalSeconds} s: {text}");
    }
}
