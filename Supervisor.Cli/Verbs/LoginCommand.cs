using System.CommandLine;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Images;
using Supervisor.Registry;
using Supervisor.Registry.Credentials;
using Supervisor.Registry.Hosts;
using Supervisor.Registry.References;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor login</c> and <c>logout</c>: credentials for registries, where docker has them.</summary>
internal static class LoginCommand
{
    public static Command Create()
    {
        var user = new Option<string?>("--username", "-u") { Description = "The user's name", HelpName = "NAME" };
        var password = new Option<string?>("--password", "-p")
        {
            Description = "The password; --password-stdin does not show it to other users of this machine", HelpName = "TEXT",
        };
        var fromInput = new Option<bool>("--password-stdin") { Description = "Read the password from standard input" };
        var plain = RegistryOptions.PlainHttp();
        var host = Host();
        var command = new Command("login", "Logs in to a registry") { user, password, fromInput, plain, host };
        command.Does(async (parse, cancel) =>
        {
            var registry = NameOf(parse.GetValue(host));
            if (parse.GetValue(password) is not null && parse.GetValue(fromInput))
                throw new CliException("--password and --password-stdin: use only one of them");
            if (parse.GetValue(fromInput) && parse.GetValue(user) is null)
                throw new CliException("--password-stdin: needs --username");
            var name = parse.GetValue(user) ?? await AskAsync("User: ", hidden: false);
            var secret = parse.GetValue(fromInput) ? (await Console.In.ReadToEndAsync(cancel)).TrimEnd('\r', '\n')
                : parse.GetValue(password) ?? await AskAsync("Password: ", hidden: true);
            if (name.Length == 0 || secret.Length == 0) throw new CliException("user and password must not be empty");
            var credential = new Credential(name, secret, CredentialKind.Password);
            await CheckAsync(registry, credential, parse.GetValue(plain), cancel);
            var place = Logins.Store(registry, credential, cancel);
            await Console.Out.WriteLineAsync($"Login succeeded; it is kept in {place}");
            return 0;
        });
        return command;
    }

    public static Command CreateLogout()
    {
        var host = Host();
        var command = new Command("logout", "Forgets the login of a registry") { host };
        command.Does(async (parse, cancel) =>
        {
            var registry = NameOf(parse.GetValue(host));
            await Console.Out.WriteLineAsync(
                Logins.Forget(registry, cancel) ? $"Removed the login of {registry}" : $"There is no login of {registry}");
            return 0;
        });
        return command;
    }

    private static Argument<string?> Host() => new("registry")
    {
        Description = $"HOST[:PORT] (default: {ImageName.DefaultHost})", Arity = ArgumentArity.ZeroOrOne,
    };

    // https://registry.example/v2/ is what people copy.
    private static string NameOf(string? word)
    {
        var host = word ?? ImageName.DefaultHost;
        var start = host.IndexOf("://", StringComparison.Ordinal) is var at && at >= 0 ? at + 3 : 0;
        host = host[start..].Split('/')[0];
        return ImageLookup.Name($"{host}/x").Host == host || host is "index.docker.io" or "registry-1.docker.io"
            ? ImageLookup.Name($"{host}/x").Host
            : throw new CliException($"\"{word}\" is not a registry: HOST[:PORT]");
    }

    private static async Task CheckAsync(string registry, Credential credential, bool plain, CancellationToken cancel)
    {
        try
        {
            using var client = new RegistryClient(
                ImageName.Parse($"{registry}/x"), HostsDirectory.Find(Directory, registry, plain),
                (_, _) => Task.FromResult<Credential?>(credential), RegistryLimits.Default, "supervisor", TimeProvider.System);
            await client.CheckAsync(cancel);
        }
        catch (RegistryException e)
        {
            throw new CliException(e.Fault is RegistryFault.Unauthenticated
                ? $"{registry} does not accept this user and password ({e.Message})" : e.Message);
        }
    }

    /// <summary>The daemon's default: the command itself has no configuration.</summary>
    private const string Directory = "/etc/containerd/certs.d";

    private static async Task<string> AskAsync(string question, bool hidden)
    {
        if (Console.IsInputRedirected)
            throw new CliException("standard input is not a terminal: use --username and --password-stdin");
        await Console.Error.WriteAsync(question);
        if (!hidden) return Console.ReadLine() ?? "";
        var typed = new System.Text.StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
            if (key.Key is not ConsoleKey.Backspace) typed.Append(key.KeyChar);
            else if (typed.Length > 0) typed.Length--;
        await Console.Error.WriteLineAsync();
        return typed.ToString();
    }
}
