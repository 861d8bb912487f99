using Supervisor.Cli.Errors;
using Supervisor.Cli.Running;
using Supervisor.Cli.Verbs;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Cli.Verbs;

public sealed class RunArgumentsTests
{
    private static RunOptions Read(params string[] args)
    {
        string[] line = ["run", .. args];
        return RunCommand.Read(CommandLine.Parse(line));
    }

    private static IReadOnlyList<string> Errors(params string[] args) =>
        [.. CommandLine.Create(args).Parse(args).Errors.Select(e => e.Message)];

    [Theory]
    [InlineData("--rootfs /tmp echo hi", "echo hi")]
    [InlineData("--rootfs /tmp -- echo hi", "echo hi")]
    [InlineData("--rootfs=/tmp ls -la /", "ls -la /")]                 // options after the program belong to it
    [InlineData("--rootfs /tmp ls -d --rm --name x", "ls -d --rm --name x")]
    [InlineData("--rootfs /tmp ps --help", "ps --help")]
    [InlineData("--rootfs /tmp ls -it -dt", "ls -it -dt")]             // also in clusters
    [InlineData("-eA=1 -e B=2 -m 64m --rootfs /tmp ls -it", "ls -it")]
    [InlineData("-ie A=1 --rootfs /tmp ls -it", "ls -it")]
    [InlineData("--rootfs /tmp run kill rm", "run kill rm")]           // so are our verbs
    [InlineData("--rootfs /tmp sh -c exit", "sh -c exit")]
    [InlineData("--rootfs /tmp echo -- x", "echo -- x")]
    [InlineData("--rootfs /tmp -- -weird", "-weird")]
    public void The_first_word_that_is_not_an_option_is_the_program(string line, string program)
    {
        var options = Read(line.Split(' '));
        Assert.Equal(program, string.Join(' ', options.Command));
        Assert.False(options.Detach);
        Assert.False(options.Remove);
    }

    [Fact]
    public void Every_option_is_read()
    {
        var options = Read(
            "-d", "-t", "--name", "n1", "--memory", "64m", "--pids-limit", "10", "-e", "A=1", "-e", "B=x=y", "-w", "/work", "-u",
            "1:2",
            "--hostname", "h", "--read-only", "--net", "host", "--rootfs", "/", "prog");
        Assert.True(options.Detach && options.Terminal && options.ReadOnly && options.HostNetwork && options.IsHostRoot);
        Assert.Equal(("n1", 64L << 20, 10L, "/work", "1:2", "h"),
            (options.Id, options.Memory!.Value, options.Pids!.Value, options.WorkingDirectory, options.User, options.Hostname));
        Assert.Equal(["A=1", "B=x=y"], options.Env);
    }

    [Fact]
    public void The_short_h_of_run_is_the_host_name_and_that_of_other_verbs_is_help()
    {
        Assert.Equal("web", Read("-h", "web", "--rootfs", "/tmp", "prog").Hostname);
        Assert.Equal("web", Read("-hweb", "--rootfs", "/tmp", "prog").Hostname);
        var options = Read("-dh", "web", "--rootfs", "/tmp", "prog", "-h", "-h");
        Assert.Equal((true, "web", "prog -h -h"), (options.Detach, options.Hostname, string.Join(' ', options.Command)));
        Assert.Equal("-h: NAME is missing after it: it is --hostname, as with docker.",
            CommandLine.Flaw(CommandLine.Parse(["run", "-h"])));
        foreach (var line in (string[])["run --help", "-h", "-h run", "ps -h", "exec -h", "help run", "--address /a ps -h"])
            Assert.IsType<HelpWithExamples>(CommandLine.Parse(line.Split(' ')).Action);
        Assert.All(
            CommandLine.Create([]).Options.SelectMany(o => o.Aliases), a => Assert.StartsWith("-", a, StringComparison.Ordinal));
    }

    [Fact]
    public void Global_options_are_accepted_before_and_after_the_verb()
    {
        Assert.Empty(Errors("--address", "/a", "--namespace", "n", "ps"));
        Assert.Empty(Errors("ps", "--address", "/a", "--namespace", "n"));
    }

    [Theory]
    [InlineData("echo")]                                   // no rootfs
    [InlineData("--rootfs")]
    [InlineData("--rootfs /tmp")]                          // no program
    [InlineData("--rootfs /tmp --net bridge echo")]
    [InlineData("--rootfs /tmp --pids-limit many echo")]
    public void An_invalid_command_line_is_refused_before_anything_happens(string line) =>
        Assert.NotEmpty(Errors(["run", .. line.Split(' ')]));

    [Theory]
    [InlineData("--rootfs /no/such/dir echo", "/no/such/dir")]
    [InlineData("--rootfs /tmp --memory lots echo", "lots")]
    [InlineData("--rootfs /tmp --pids-limit 0 echo", "--pids-limit")]
    [InlineData("--rootfs /tmp --no-such-option", "--no-such-option")]
    [InlineData("--rootfs /tmp --no-such-option -- x", "--no-such-option")]
    [InlineData("--rootfs /tmp -z echo", "-z")]
    [InlineData("--rootfs /tmp -e =x echo", "=x")]
    [InlineData("--rootfs /tmp -e  echo", "--env: \"\"")]
    [InlineData("--rootfs /tmp --detach-keys ctrl-p echo", "--detach-keys")]
    [InlineData("--rootfs /tmp -t --detach-keys nokey echo", "nokey")]
    [InlineData("--rootfs /tmp --security-opt seccomp=/no/such echo", "seccomp=/no/such: no such file")]
    public void A_bad_value_is_named(string line, string named) =>
        Assert.Contains(named, Assert.Throws<CliException>(() => Read(line.Split(' '))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_variable_without_a_value_is_passed_on_if_it_is_set()
    {
        Environment.SetEnvironmentVariable("SUPERVISOR_TEST_PASSED", "on");
        var options = Read("--rootfs", "/tmp", "-e", "SUPERVISOR_TEST_PASSED", "-e", "SUPERVISOR_TEST_ABSENT", "echo");
        Assert.Equal(["SUPERVISOR_TEST_PASSED=on"], options.Env);
    }

    [Fact]
    public void A_detached_container_may_be_removed_at_its_exit_and_have_an_input() =>
        Assert.True(Read("-di", "--rm", "--rootfs", "/tmp", "cat") is { Detach: true, Remove: true, Interactive: true });

    [Fact]
    public void A_memory_limit_of_0_is_no_limit_as_with_docker() =>
        Assert.Null(Read("--rootfs", "/tmp", "--memory", "0", "echo").Memory);

    [Fact]
    public void An_id_is_generated_if_none_is_given()
    {
        var id = Read("--rootfs", "/tmp", "echo").Id;
        Assert.Matches("^[0-9a-f]{12}$", id);
        Assert.NotEqual(id, Read("--rootfs", "/tmp", "echo").Id);
    }

    [Fact]
    public void The_spec_has_all_options_and_is_valid()
    {
        var options = Read("--rootfs", "/tmp", "-u", "5:6", "--memory", "1m", "--pids-limit", "3", "-w", "/w", "-t", "prog",
            "arg");
        var any = RunSpec.Build(options, (24, 80), []);
        Assert.Equal("types.containerd.io/opencontainers/runtime-spec/1/Spec", any.TypeUrl);
        var spec = SpecReader.Read(any.Value.Span);
        SpecValidator.Validate(spec);
        Assert.Equal(["prog", "arg"], spec.Process!.Args);
        Assert.Equal((5u, 6u), (spec.Process.User.Uid, spec.Process.User.Gid));
        Assert.Equal((24u, 80u), (spec.Process.ConsoleSize!.Height, spec.Process.ConsoleSize.Width));
        Assert.Equal(("/tmp", "/w"), (spec.Root!.Path, spec.Process.Cwd));
        Assert.Equal((1L << 20, 3L), (spec.Linux!.Resources!.Memory!.Limit!.Value, spec.Linux.Resources.Pids!.Limit));
        Assert.Empty(RunSpec.Rootfs(options));
    }

    [Fact]
    public void The_hosts_own_root_is_a_read_only_overlay()
    {
        var options = Read("--rootfs", "/", "prog");
        var spec = SpecReader.Read(RunSpec.Build(options, null, []).Value.Span);
        Assert.True(spec.Root!.Readonly);
        Assert.Equal("rootfs", spec.Root.Path);
        Assert.Contains(spec.Mounts, m => m is { Destination: "/tmp", Type: "tmpfs" });
        Assert.Contains(spec.Mounts, m => m is { Destination: "/run", Type: "tmpfs" });
        // Two lower layers that do not overlap: the second is an empty tmpfs that the overlay covers.
        Assert.Equal(
            ["tmpfs size=0 mode=0755", "overlay ro lowerdir=/:rootfs"],
            RunSpec.Rootfs(options).Select(m => $"{m.Type} {string.Join(' ', m.Options)}"));
    }
}
