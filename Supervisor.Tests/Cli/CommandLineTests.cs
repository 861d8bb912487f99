using Supervisor.Host.Cli;

namespace Supervisor.Tests.Cli;

/// <summary>Lines as users of docker and kill(1) type them, and what is said of those that are wrong.</summary>
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
    public void They_are_understood(string line) => Assert.Empty(CommandLine.Parse(line.Split(' ')).Errors);

    [Theory]
    [InlineData("exec -it a sh", "a", "sh")]
    [InlineData("exec -i a sh -it", "a", "sh -it")]
    public void An_execs_options_end_at_its_container(string line, string id, string program)
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
    public void A_signal_is_no_container(string line, string signal, string ids)
    {
        var parse = CommandLine.Parse(line.Split(' '));
        Assert.Equal((signal, ids),
            (parse.GetValue<string>("--signal"), string.Join(' ', parse.GetValue<string[]>("container")!)));
    }

    [Theory]
    [InlineData("rum --rootfs / true", "\"rum\": no such verb; did you mean \"run\"?")]
    [InlineData("exce a sh", "\"exce\": no such verb; did you mean \"exec\"?")]
    [InlineData("frobnicate", "\"frobnicate\": no such verb.")]
    [InlineData("stop a",
        "\"stop\": no such verb: \"kill CONTAINER\" asks it to exit (SIGTERM), \"kill -9 CONTAINER\" kills it.")]
    [InlineData("pull busybox", "\"pull\": no such verb: images are handled by \"ctr -a SOCKET images\".")]
    [InlineData("logs a b", "\"b\": is too much: logs takes one container.")]
    [InlineData("ps a", "\"a\": is too much: ps takes options only.")]
    [InlineData("rm --forse a", "\"--forse\": no such option; did you mean \"--force\"?")]
    [InlineData("logs --folow a", "\"--folow\": no such option; did you mean \"--follow\"?")]
    [InlineData("ps --addres x", "\"--addres\": no such option; did you mean \"--address\"?")]
    [InlineData("run --rmm --rootfs / true", "\"--rmm\": no such option; did you mean \"--rm\"?")]
    [InlineData("run --net bridge --rootfs / true", "--net: \"bridge\" is not known: host or none.")]
    [InlineData("ps --format xml", "--format: \"xml\" is not known: table or json.")]
    [InlineData("rm -x a", "\"-x\": no such option.")]
    [InlineData("kill -99 a", "\"-99\": no such option.")]
    [InlineData("exec -x a sh", "\"-x\": no such option.")]
    [InlineData("run --pids-limit many --rootfs / true", "--pids-limit: \"many\" is not a whole number, or too large.")]
    [InlineData("run --log-max-files x --rootfs / true", "--log-max-files: \"x\" is not a whole number, or too large.")]
    [InlineData("events --from x", "--from: \"x\" is not a whole number, or too large.")]
    public void What_is_wrong_is_said_in_a_users_words(string line, string flaw)
    {
        var parse = CommandLine.Parse(line.Split(' '));
        Assert.NotEmpty(parse.Errors);
        Assert.Equal(flaw, CommandLine.Flaw(parse));
    }
}
