using System.Diagnostics;
using System.Globalization;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>
/// A process that makes and removes containers by itself: given a line "IN_FLIGHT LIVES", it replies with the milliseconds that
/// they took. floor.c and <see cref="RuntimeWorker"/> are such processes.
/// </summary>
internal sealed class LifeWorker : IAsyncDisposable
{
    private readonly Process _process;

    public LifeWorker(string program, params string[] arguments)
    {
        _process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
    }

    /// <returns>Milliseconds.</returns>
    public async Task<double> LiveAsync(int inFlight, int lives, CancellationToken stop)
    {
        await _process.StandardInput.WriteLineAsync($"{inFlight} {lives}".AsMemory(), stop);
        await _process.StandardInput.FlushAsync(stop);
        var line = await _process.StandardOutput.ReadLineAsync(stop)
            ?? throw new InvalidOperationException(
                $"{Path.GetFileName(_process.StartInfo.FileName)} has stopped; see its message above");
        return double.Parse(line, CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close(); // the end of its work
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
        }
        catch (Exception e) when (e is TimeoutException or IOException)
        {
            _process.Kill();
        }
        _process.Dispose();
    }
}
