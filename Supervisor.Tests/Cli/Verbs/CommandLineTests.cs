using System.CommandLine;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Verbs;

namespace Supervisor.Tests.Cli.Verbs;

/// <summary>Commands as users of docker and kill(1) type them, and the errors of wrong ones.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("run -it --rootfs / -- sh")]
    [InlineData("run -i --rootfs / cat")]
    [InlineData("run -dt --rootfs / sh")]
    [InlineData("exec -it a sh")]
    [InlineData("exec -i a sh -it")]
    [InlineData("kill -9 a b")]
    [InlineData("kill -KILL a")]
    [InlineData("kill -SIGKILL a")]
    [InlineData("kill -s KILL a")]
    [InlineData("--namespace kill kill -9 a")]
    public void Commands_of_docker_users_are_understood(string line) => Assert.Empty(CommandLine.Parse(line.Split(' ')).Errors);

    [Theory]
    [InlineData("help", "")]
    [InlineData("help run", "run")]
    [InlineData("run --help", "run")]
    [InlineData("--address /a help exec", "exec")]
    public void Help_is_a_verb_too(string line, string verb)
    {
        var parse = CommandLine.Parse(line.Split(' '));
        Assert.Empty(parse.Errors);
        Assert.Equal(verb, parse.CommandResult.Command is RootCommand ? "" : parse.CommandResult.Command.Name);
        Assert.IsType<HelpWithExamples>(parse.Action);
    }

    [Theory]
    [InlineData("-v")]
    [InlineData("--version")]
    [InlineData("--address /a --version")]
    public void The_version_is_an_option_too(string line)
    {
        var parse = CommandLine.Parse(line.Split(' '));
        Assert.Empty(parse.Errors);
        Assert.NotNull(parse.Action);
        Assert.IsNotType<HelpWithExamples>(parse.Action);
    }

    [Theory]
    [InlineData("container.id: \"a/b\" must be", "--name: \"a/b\" must be")]
    [InlineData("process.cwd: \"rel\" is not an absolute path", "--workdir: \"rel\" is not an absolute path")]
    [InlineData("cwd: \"rel\" is not an absolute path", "--workdir: \"rel\" is not an absolute path")]
    [InlineData("chdir to process.cwd \"/x\": no such file", "chdir to --workdir \"/x\": no such file")]
    [InlineData("linux.resources.memory.limit: 1 bytes", "--memory: 1 bytes")]
    [InlineData("process.env[0]: contains a NUL", "--env: contains a NUL")]
    [InlineData("args[0]: is empty: nothing to run", "the program's name: is empty: nothing to run")]
    [InlineData("container \"cwd\": not found", "container \"cwd\": not found")]
    public void A_field_of_the_spec_is_called_by_its_option(string text, string said) =>
        Assert.Equal(said, FlagNames.InPlaceOfField(text));

    [Theory]
    [InlineData("exec -it a sh", "a", "sh")]
    [InlineData("exec -i a sh -it", "a", "sh -it")]
    public void The_options_of_exec_end_at_the_container(string line, string id, string program)
    {
        var parse = CommandLine.Parse(line.Split(' '));
        Assert.Equal((id, program),
            (parse.GetValue<string>("container"), string.Join(' ', parse.GetValue<string[]>("command")!)));
    }

    [Theory]
    [InlineData("kill -9 a", "9", "a")]
    [InlineData("kill a -KILL b", "KILL", "a b")]
    [InlineData("kill -s HUP a", "HUP", "a")]
    [InlineData("kill --all -TERM a", "TERM", "a")]
    [InlineData("kill a", "TERM", "a")]
    public void A_signal_is_not_taken_for_a_container(string line, string signal, string ids)
    {
        var parse = CommandLine.Parse(line.Split(' '));
        Assert.Equal((signal, ids),
            (parse.GetValue<string>("--signal"), string.Join(' ', parse.GetValue<string[]>("container")!)));
    }

    [Theory]
    [InlineData("rum --rootfs / true", "\"rum\": no such verb; did you mean \"run\"?")]
    [InlineData("exce a sh", "\"exce\": no such verb; did you mean \"exec\"?")]
    [InlineData("frobnicate", "\"frobnicate\": no such verb.")]
    [InlineData("stop", "stop: no container given: stop CONTAINER....")]
    [InlineData("stop -t soon a", "--timeout: \"soon\" is not a whole number, or too large.")]
    [InlineData("pull", "pull: no image given: pull IMAGE.")]
    [InlineData("import x.tar", "\"import\": no such verb: \"load\" reads archives of images; a directory is run by "
        + "\"run --rootfs DIR\".")]
    [InlineData("logs a b", "\"b\": unexpected argument: logs takes one container.")]
    [InlineData("ps a", "\"a\": unexpected argument: ps takes options only.")]
    [InlineData("rm --forse a", "\"--forse\": no such option; did you mean \"--force\"?")]
    [InlineData("logs --folow a", "\"--folow\": no such option; did you mean \"--follow\"?")]
    [InlineData("ps --addres x", "\"--addres\": no such option; did you mean \"--address\"?")]
    [InlineData("run --rmm --rootfs / true", "\"--rmm\": no such option; did you mean \"--rm\"?")]
    [InlineData("run --net bridge --rootfs / true",
        "--net: \"bridge\" is not supported, a container has no network of its own: host or none.")]
    [InlineData("run --network bridge --rootfs / true",
        "--net: \"bridge\" is not supported, a container has no network of its own: host or none.")]
    [InlineData("run -v /a:/b --rootfs / true", "\"-v\": is not supported: \"ctr -a SOCKET run --rootfs "
        + "--mount type=bind,src=/SOURCE,dst=/TARGET,options=rbind:rw DIR CONTAINER PROGRAM\" has it.")]
    [InlineData("run --volume=/a:/b alpine", "\"--volume\": is not supported: \"ctr -a SOCKET run --rootfs "
        + "--mount type=bind,src=/SOURCE,dst=/TARGET,options=rbind:rw DIR CONTAINER PROGRAM\" has it.")]
    [InlineData("run -itp 80:80 --rootfs / true", "\"-p\": is not supported: a container has no network but a loopback, or the "
        + "host's with --net host, where no port needs to be published.")]
    [InlineData("run --privileged --rootfs / true",
        "\"--privileged\": is not supported: \"ctr -a SOCKET run --rootfs --privileged DIR CONTAINER PROGRAM\" has it.")]
    [InlineData("run --entrypoint sh --rootfs / true", "\"--entrypoint\": is not supported: the program and its arguments come "
        + "last: \"run --rootfs DIR PROGRAM ARGUMENT...\".")]
    [InlineData("run -it alpine sh", "--rootfs: must name the container's root file system, a directory, or / for a read-only "
        + "view of this host's; \"alpine\" is no image here: \"ctr -a SOCKET run alpine CONTAINER\" runs one that "
        + "\"pull\" has fetched.")]
    [InlineData("run",
        "--rootfs: must name the container's root file system, a directory, or / for a read-only view of this host's.")]
    [InlineData("run --rootfs /", "run: no command given: run COMMAND....")]
    [InlineData("run --rootfs", "--rootfs: needs DIR after it.")]
    [InlineData("logs", "logs: no container given: logs CONTAINER.")]
    [InlineData("ps --address /a --address /b", "--address: given 2 times; it takes one value.")]
    [InlineData("ps -n 2", "\"-n\": is not supported: \"ps -a --format json\" lists all, with their times.")]
    [InlineData("logs --details a",
        "\"--details\": is not supported: a log has no attributes; \"inspect CONTAINER\" shows the labels.")]
    [InlineData("rm -fv a", "\"-v\": is not supported: containers have no volumes here: leave it out.")]
    [InlineData("ps -aqx", "\"-x\": no such option.")]
    [InlineData("rename a b", "\"rename\": no such verb: a container's id is its name, and does not change: \"run --name\" "
        + "chooses it.")]
    [InlineData("cp a:/x", "cp: no destination given: cp SOURCE DESTINATION.")]
    [InlineData("stat", "\"stat\": no such verb; did you mean \"start\"?")]
    [InlineData("prune", "\"prune\": no such verb: \"ps -a\" lists what has exited, \"rm CONTAINER...\" removes it.")]
    [InlineData("rm -x a", "\"-x\": no such option.")]
    [InlineData("kill -99 a", "\"-99\": no such option.")]
    [InlineData("exec -x a sh", "\"-x\": no such option.")]
    [InlineData("run --pids-limit many --rootfs / true", "--pids-limit: \"many\" is not a whole number, or too large.")]
    [InlineData("run --log-max-files x --rootfs / true", "--log-max-files: \"x\" is not a whole number, or too large.")]
    [InlineData("events --from x", "--from: \"x\" is not a whole number, or too large.")]
    public void Errors_are_in_a_users_words(string line, string flaw)
    {
        var parse = CommandLine.Parse(line.Split(' '));
        Assert.NotEmpty(parse.Errors);
        Assert.Equal(flaw, CommandLine.Flaw(parse));
    }
}
