using System.Diagnostics;
using Grpc.Core;
using Supervisor.Tests.Compat.Grpc.Proto;

namespace Supervisor.Tests.Compat.Grpc;

/// <summary>npm's @grpc/grpc-js, a client that shares no code with ours, against the server on our Grpc.Core.Api.</summary>
public sealed class GrpcJsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [NpmFact]
    public async Task The_javascript_client_makes_every_kind_of_call()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = async (ping, context) =>
            {
                if (ping.Text == "sleep") await Task.Delay(Timeout.Infinite, context.CancellationToken);
                if (ping.Text == "refuse")
                    throw new RpcException(new Status(StatusCode.FailedPrecondition, "not now: ä%"), new Metadata { { "grpc-status-details-bin", [1, 2, 3] } });
                if (ping.Text == "metadata")
                {
                    await context.WriteResponseHeadersAsync(new Metadata { { "x-bytes-bin", context.RequestHeaders.GetValueBytes("x-bytes-bin")! } });
                    context.ResponseTrailers.Add("x-text", context.RequestHeaders.GetValue("x-text")!);
                }
                return new Pong { Text = ping.Text };
            },
            Collect = async (pings, _) =>
            {
                var texts = new List<string>();
                await foreach (var ping in pings.ReadAllAsync()) texts.Add(ping.Text);
                return new Pong { Text = string.Join(',', texts) };
            },
            Repeat = async (ping, pongs, _) =>
            {
                for (var i = 0; i < ping.Times; i++) await pongs.WriteAsync(new Pong { Text = $"{ping.Text}{i}" });
            },
            Chat = async (pings, pongs, context) =>
            {
                await foreach (var ping in pings.ReadAllAsync(context.CancellationToken)) await pongs.WriteAsync(new Pong { Text = ping.Text });
            },
        });

        // Kept between runs: npm asks its registry only for what is not there.
        var directory = Directory.CreateDirectory(Path.Join(Repository.Root, "out", "grpc-js")).FullName;
        foreach (var name in new[] { "package.json", "client.js" })
            File.Copy(Path.Join(AppContext.BaseDirectory, "fixtures", "grpc-js", name), Path.Join(directory, name), overwrite: true);
        if (!Directory.Exists(Path.Join(directory, "node_modules", "@grpc", "proto-loader")))
            await RunAsync(directory, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts");

        var printed = await RunAsync(directory, "node", "client.js", server.SocketPath, Path.Join(Repository.Root, "Supervisor.Tests", "Compat", "Grpc", "echo.proto"));
        Assert.Equal(11, printed.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)));
    }

    private static async Task<string> RunAsync(string directory, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{await output}\n{await errors}");
            return await output;
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}

/// <summary>Needs node and npm, which ./test installs.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NpmFactAttribute : FactAttribute
{
    public NpmFactAttribute()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        foreach (var program in new[] { "node", "npm" })
            if (!path.Any(p => File.Exists(Path.Join(p, program)))) Skip = $"{program} is not installed (Debian: nodejs, npm)";
    }
}
