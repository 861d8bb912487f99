using System.Diagnostics;
using System.Text;

namespace Supervisor.Tests.EndToEnd;

/// <summary>Our command line at a terminal of script(1), and a user who types and reads there.</summary>
internal sealed class TerminalSession : IDisposable
{
    private const int Aborted = 134; // 128 and SIGABRT
    private readonly Process _script;
    private readonly StringBuilder _seen = new();
    private readonly byte[] _buffer = new byte[4096];

    private TerminalSession(Process script) => _script = script;

    /// <param name="command">For a shell.</param>
    /// <remarks>With default signals: under nohup(1) and in the background of a script, SIGHUP and SIGINT are ignored.</remarks>
    public static TerminalSession Start(string command) =>
        new(CommandLine.Start("env", "--default-signal", "script", "-qefc", $"exec {command}", "/dev/null"));

    /// <summary>The pid of script(1), whose exit hangs up the terminal.</summary>
    public int Pid => _script.Id;

    public async Task TypeAsync(string keys)
    {
        await _script.StandardInput.WriteAsync(keys);
        await _script.StandardInput.FlushAsync();
    }

    /// <summary>Reads until this text is printed, after the previously expected one.</summary>
    public async Task ExpectAsync(string text)
    {
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        for (int at; ;)
        {
            if ((at = _seen.ToString().IndexOf(text, StringComparison.Ordinal)) >= 0)
            {
                _seen.Remove(0, at + text.Length);
                return;
            }
            int count;
            try
            {
                count = await _script.StandardOutput.BaseStream.ReadAsync(_buffer, deadline.Token);
            }
            catch (OperationCanceledException)
            {
                count = 0;
            }
            Assert.True(count > 0, $"\"{text}\" was not printed, but: {_seen}");
            _seen.Append(Encoding.Latin1.GetString(_buffer, 0, count));
        }
    }

    /// <summary>Its exit code.</summary>
    public async Task<int> EndAsync()
    {
        var rest = _script.StandardOutput.ReadToEndAsync();
        await _script.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.True(_script.ExitCode != Aborted, $"the client aborted: {await rest}");
        return _script.ExitCode;
    }

    public void Dispose()
    {
        if (!_script.HasExited) _script.Kill(entireProcessTree: true);
        _script.Dispose();
    }
}
