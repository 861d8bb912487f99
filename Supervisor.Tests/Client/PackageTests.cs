using System.Diagnostics;
using System.IO.Compression;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Supervisor.Client;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Client;

/// <summary>What users of the client library get: its package, and the program of its README.</summary>
public sealed partial class PackageTests(ClientServers servers) : IClassFixture<ClientServers>
{
    private const string GlobalUsings = """
        global using System; global using System.IO; global using System.Linq; global using System.Collections.Generic;
        global using System.Threading; global using System.Threading.Tasks; global using System.Net.Http;
        """;

    private static readonly TimeSpan Patience = CommandLine.Patience;

    private static string Project => Path.Join(Repository.Root, "Supervisor.Client");

    private static string Configuration =>
        AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";

    [Theory]
    [InlineData("Supervisor.Client", new[] { "Grpc.Net.Client", "Supervisor.Protos" },
        new[] { "README.md", "lib/net10.0/Supervisor.Client.dll", "lib/net10.0/Supervisor.Client.xml" })]
    [InlineData("Supervisor.Protos", new[] { "Google.Protobuf", "Grpc.Core.Api" }, new[] { "lib/net10.0/Supervisor.Protos.dll" })]
    public async Task A_package_has_these_dependencies_and_files(string project, string[] dependencies, string[] files)
    {
        var place = Directory.CreateTempSubdirectory("supervisor-pack-");
        try
        {
            CommandLine.Ok(await CommandLine.RunAsync("dotnet", "pack", Path.Join(Repository.Root, project), "-c", Configuration,
                "--no-build", "--nologo", "-o", place.FullName));
            using var package = ZipFile.OpenRead(Assert.Single(place.GetFiles()).FullName);
            Assert.Equal(files, package.Entries.Select(e => e.FullName)
                .Where(f => f == "README.md" || f.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
            using var nuspec = package.GetEntry($"{project}.nuspec")!.Open();
            Assert.Equal(dependencies, XDocument.Load(nuspec).Descendants()
                .Where(e => e.Name.LocalName == "dependency").Select(e => e.Attribute("id")!.Value)
                .Order(StringComparer.Ordinal));
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_program_of_the_readme_lists_containers_and_follows_events()
    {
        var place = Directory.CreateTempSubdirectory("supervisor-sample-");
        try
        {
            var sample = await CompileAsync(place.FullName);
            foreach (var server in Enum.GetValues<Server>())
            {
                using var client = servers.Connect(server);
                var container = await servers.CreateAsync(client, "exit 3");
                await FollowAsync(sample, servers.Options(server), container);
            }
            var failed = await CommandLine.RunAsync("dotnet", "exec", sample, "/nonexistent/socket");
            Assert.Equal(1, failed.Status);
            Assert.Contains("Unavailable: subscribe to events: no daemon answers at /nonexistent/socket "
                + "(there is no such socket, ENOENT)", failed.Errors, StringComparison.Ordinal);
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    /// <summary>Runs the sample while a container lives, until SIGINT.</summary>
    private static async Task FollowAsync(string sample, ClientOptions options, Container container)
    {
        // A background job of a shell ignores SIGINT, and so would all of its children.
        using var running = CommandLine.Start(
            "env", "--default-signal=INT", "dotnet", "exec", sample, options.Address, options.Namespace);
        try
        {
            _ = running.StandardError.ReadToEndAsync();
            await LineAsync(running, $"{container.Id}  ");
            await using var task = await container.StartAsync();
            await task.WaitAsync().WaitAsync(Patience);
            await LineAsync(running, $"Create {container.Id}/{container.Id} pid {task.Pid}");
            await LineAsync(running, $"Exit {container.Id}/{container.Id} pid {task.Pid} exit 3");
            await task.DeleteAsync();
            CommandLine.Ok(await CommandLine.RunAsync("kill", "-INT", $"{running.Id}"));
            await running.WaitForExitAsync().WaitAsync(Patience);
            Assert.Equal(0, running.ExitCode);
        }
        finally
        {
            if (!running.HasExited) running.Kill();
        }
    }

    private static async Task LineAsync(Process running, string beginning)
    {
        while (await running.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } line)
            if (line.StartsWith(beginning, StringComparison.Ordinal)) return;
        Assert.Fail($"the sample ended before it printed \"{beginning}\"");
    }

    /// <summary>The README's program, as <c>dotnet new console</c> would compile it.</summary>
    private static async Task<string> CompileAsync(string place)
    {
        var program = Program().Match(await File.ReadAllTextAsync(Path.Join(Project, "README.md"))).Groups[1].Value;
        Assert.NotEqual("", program);
        var libraries = Directory.GetFiles(AppContext.BaseDirectory, "*.dll")
            .Where(f => Libraries().IsMatch(Path.GetFileName(f))).ToList();
        foreach (var library in libraries) File.Copy(library, Path.Join(place, Path.GetFileName(library)));
        File.Copy(Path.Join(AppContext.BaseDirectory, "Supervisor.Tests.runtimeconfig.json"),
            Path.Join(place, "sample.runtimeconfig.json"));
        await File.WriteAllTextAsync(Path.Join(place, "Program.cs"), program);
        await File.WriteAllTextAsync(Path.Join(place, "Usings.cs"), GlobalUsings);
        var framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var compiler = Directory.GetFiles(Path.Join(framework, "../../../sdk"), "csc.dll", SearchOption.AllDirectories)
            .Where(f => f.Contains("/Roslyn/bincore/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Last();
        var sample = Path.Join(place, "sample.dll");
        var references = Directory.GetFiles(framework, "System.*.dll").Append(Path.Join(framework, "netstandard.dll"))
            .Where(f => !f.EndsWith(".Native.dll", StringComparison.Ordinal)).Concat(libraries);
        CommandLine.Ok(await CommandLine.RunAsync("dotnet", ["exec", compiler, "-nologo", "-warnaserror", "-nullable:enable",
            $"-out:{sample}", .. references.Select(r => $"-r:{r}"), Path.Join(place, "Program.cs"),
            Path.Join(place, "Usings.cs")]));
        return sample;
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Program();

    [GeneratedRegex(@"^(Supervisor\.(Client|Protos)|Grpc\..*|Google\.Protobuf)\.dll$")]
    private static partial Regex Libraries();
}
