using Akka;
using Akka.Actor;
using Akka.Configuration;
using Akka.Pattern;
using Akka.Serialization;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class SystemTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private const string Quiet = "akka.loglevel = OFF, akka.stdout-loglevel = OFF";

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a b")]
    [InlineData("a.b")]
    public void A_bad_system_name_is_refused(string name) => Assert.Throws<ArgumentException>(() => ActorSystem.Create(name));

    [Fact]
    public async Task Termination_stops_the_actors_and_runs_the_callbacks_in_reverse()
    {
        var system = ActorSystem.Create("ends", Quiet);
        var order = new List<int>();
        system.RegisterOnTermination(() => order.Add(1));
        system.RegisterOnTermination(() => order.Add(2));
        var actor = system.ActorOf(Props.Empty);
        await system.Terminate().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.True(system.WhenTerminated.IsCompletedSuccessfully);
        Assert.Equal([2, 1], order);
        Assert.Throws<InvalidOperationException>(() => system.ActorOf(Props.Empty));
        Assert.Throws<InvalidOperationException>(() => system.RegisterOnTermination(() => { }));
        Assert.True(((LocalActorRef)actor).Cell.IsTerminated);
    }

    [Fact]
    public async Task Shutdown_runs_its_phases_in_order_once()
    {
        var system = ActorSystem.Create("phases", Quiet);
        var shutdown = CoordinatedShutdown.Get(system);
        var order = new List<string>();
        foreach (var phase in new[] { CoordinatedShutdown.PhaseServiceStop, CoordinatedShutdown.PhaseBeforeServiceUnbind, CoordinatedShutdown.PhaseServiceUnbind })
            shutdown.AddTask(phase, "note", () =>
            {
                lock (order) order.Add(phase);
                return Task.FromResult(Done.Instance);
            });
        var run = shutdown.Run(CoordinatedShutdown.UnknownReason.Instance);
        Assert.Same(run, shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance));
        await run.WaitAsync(TimeSpan.FromSeconds(5));
        Assert.Equal([CoordinatedShutdown.PhaseBeforeServiceUnbind, CoordinatedShutdown.PhaseServiceUnbind, CoordinatedShutdown.PhaseServiceStop], order);
        Assert.Same(CoordinatedShutdown.UnknownReason.Instance, shutdown.ShutdownReason);
        Assert.True(system.WhenTerminated.IsCompleted);
    }

    [Fact]
    public async Task Terminate_goes_through_the_phases_and_a_hanging_task_is_left_behind()
    {
        var system = ActorSystem.Create("hangs", "akka.coordinated-shutdown.phases.service-stop.timeout = 50ms, " + Quiet);
        var ran = false;
        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseServiceStop, "hang", () => new TaskCompletionSource<Done>().Task);
        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseBeforeActorSystemTerminate, "later", () =>
        {
            ran = true;
            return Task.FromResult(Done.Instance);
        });
        await system.Terminate().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.True(ran);
        Assert.Same(CoordinatedShutdown.ActorSystemTerminateReason.Instance, CoordinatedShutdown.Get(system).ShutdownReason);
    }

    [Fact]
    public void An_unknown_phase_is_refused() =>
        Assert.Throws<ArgumentException>(() => CoordinatedShutdown.Get(Sys).AddTask("no-such-phase", "x", () => Task.FromResult(Done.Instance)));

    private sealed class Extension(ActorSystem system) : IExtension
    {
        public ActorSystem System { get; } = system;
    }

    private sealed class ExtensionId : ExtensionIdProvider<Extension>
    {
        public override Extension CreateExtension(ExtendedActorSystem system) => new(system);
    }

    [Fact]
    public void A_system_has_one_of_each_extension()
    {
        Assert.Null(Sys.GetExtension<Extension>());
        var extension = new ExtensionId().Apply(Sys);
        Assert.Same(extension, new ExtensionId().Apply(Sys));
        Assert.Same(extension, Sys.WithExtension<Extension, ExtensionId>());
        Assert.Same(Sys, extension.System);
        Assert.True(Sys.HasExtension<Extension>());
    }

    private sealed class Failing : UntypedActor
    {
        protected override void PreStart() => Context.Parent.Tell("started");
        protected override void OnReceive(object message)
        {
            if (message is "stop") Context.Stop(Self);
            else if (message is "fail") throw new InvalidOperationException();
            else Sender.Tell(message);
        }
    }

    [Fact]
    public async Task A_stopped_child_is_started_again_after_the_pause()
    {
        var supervisor = Sys.ActorOf(BackoffSupervisor.Props(Backoff.OnStop(Props.Create<Failing>(), "child", TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(100), 0, -1)));
        var first = (await supervisor.Ask<BackoffSupervisor.CurrentChild>(BackoffSupervisor.GetCurrentChild.Instance, TimeSpan.FromSeconds(20))).Ref;
        Watch(first);
        supervisor.Tell("stop");
        await ExpectTerminatedAsync(first);
        await AwaitAssertAsync(async () =>
        {
            var next = (await supervisor.Ask<BackoffSupervisor.CurrentChild>(BackoffSupervisor.GetCurrentChild.Instance, TimeSpan.FromSeconds(20))).Ref;
            Assert.False(next.IsNobody());
            Assert.NotEqual(first, next);
        }, interval: TimeSpan.FromMilliseconds(10));
        supervisor.Tell("hello");
        await ExpectMsgAsync("hello");
    }

    [Fact]
    public async Task A_failed_child_is_started_again_until_the_retries_are_used_up()
    {
        var supervisor = Sys.ActorOf(BackoffSupervisor.Props(Backoff.OnFailure(Props.Create<Failing>(), "child", TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(20), 0, 1)
            .WithManualReset().WithReplyWhileStopped("not now")));
        Watch(supervisor);
        supervisor.Tell("fail");
        await AwaitAssertAsync(async () => Assert.Equal("x", await supervisor.Ask<string>("x", TimeSpan.FromMilliseconds(100))), interval: TimeSpan.FromMilliseconds(5));
        Assert.Equal(1, (await supervisor.Ask<BackoffSupervisor.RestartCount>(BackoffSupervisor.GetRestartCount.Instance, TimeSpan.FromSeconds(20))).Count);
        supervisor.Tell("fail");
        await ExpectTerminatedAsync(supervisor);
    }

    public sealed record Note(string Text, int Number);

    private sealed class NoteSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public override int Identifier => 4711;
        public override string Manifest(object o) => "note-1";
        public override byte[] ToBinary(object obj) => System.Text.Encoding.UTF8.GetBytes(((Note)obj).Number + ":" + ((Note)obj).Text);
        public override object FromBinary(byte[] bytes, string manifest)
        {
            Assert.Equal("note-1", manifest);
            var parts = System.Text.Encoding.UTF8.GetString(bytes).Split(':', 2);
            return new Note(parts[1], int.Parse(parts[0]));
        }
    }

    [Fact]
    public async Task A_bound_type_goes_through_its_serializer()
    {
        var config = ConfigurationFactory.ParseString($$"""
            akka.actor.serializers.note = "{{typeof(NoteSerializer).AssemblyQualifiedName}}"
            akka.actor.serialization-bindings { "{{typeof(Note).AssemblyQualifiedName}}" = note }
            {{Quiet}}
            """);
        var system = ActorSystem.Create("serial", config);
        var note = new Note("text", 5);
        var serializer = system.Serialization.FindSerializerFor(note);
        Assert.Equal(4711, serializer.Identifier);
        Assert.Equal("note-1", Serialization.ManifestFor(serializer, note));
        Assert.Equal(note, system.Serialization.Deserialize(serializer.ToBinary(note), 4711, "note-1"));
        await system.Terminate().WaitAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Other_types_go_as_json_and_bytes_as_they_are()
    {
        var note = new Note("text", 5);
        var serializer = Sys.Serialization.FindSerializerForType(typeof(Note));
        Assert.Equal(note, Sys.Serialization.Deserialize(serializer.ToBinary(note), serializer.Identifier, Serialization.ManifestFor(serializer, note)));
        Assert.IsType<ByteArraySerializer>(Sys.Serialization.FindSerializerFor(new byte[] { 1 }));
        Assert.Throws<System.Runtime.Serialization.SerializationException>(() => Sys.Serialization.Deserialize([], 99_999, ""));
    }

    [Fact]
    public void A_reference_survives_serialization()
    {
        var serializer = Sys.Serialization.FindSerializerFor(TestActor);
        Assert.Equal(TestActor, Sys.Serialization.Deserialize(serializer.ToBinary(TestActor), serializer.Identifier, ""));
        Assert.Equal(TestActor, Sys.Serialization.DeserializeActorRef(Serialization.SerializedActorPath(TestActor)));
    }

    [Fact]
    public async Task A_selection_with_a_wildcard_reaches_all_that_match()
    {
        foreach (var name in new[] { "w1", "w2", "x1" }) Sys.ActorOf(Props.Create<Failing>(), name);
        Sys.ActorSelection("/user/w*").Tell("hi");
        await ExpectMsgAsync("hi");
        await ExpectMsgAsync("hi");
        await ExpectNoMsgAsync(20);
    }

    [Fact]
    public async Task A_selection_resolves_or_says_that_nobody_is_there()
    {
        var actor = Sys.ActorOf(Props.Empty, "there");
        Assert.Equal(actor, await Sys.ActorSelection("akka://test/user/there").ResolveOne(TimeSpan.FromSeconds(20)));
        Assert.Equal(actor, await Sys.ActorSelection(actor.Path).ResolveOne(TimeSpan.FromSeconds(20)));
        await Assert.ThrowsAsync<ActorNotFoundException>(() => Sys.ActorSelection("/user/nowhere").ResolveOne(TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public void A_path_has_its_elements_and_reads_back()
    {
        var path = ActorPath.Parse("akka://sys/user/a/b");
        Assert.Equal(["user", "a", "b"], path.Elements);
        Assert.Equal("b", path.Name);
        Assert.Equal("akka://sys/user/a", path.Parent!.ToString());
        Assert.Equal(path, path.Parent / "b");
        Assert.Equal(path, ActorPath.Parse("akka://sys/user/a/b#7"));
        Assert.Equal(7, ActorPath.Parse("akka://sys/user/a/b#7").Uid);
        Assert.False(ActorPath.TryParse("not a path", out _));
        Assert.Equal(new Address("akka", "sys", "host", 80), Address.Parse("akka://sys@host:80/user"));
    }
}
