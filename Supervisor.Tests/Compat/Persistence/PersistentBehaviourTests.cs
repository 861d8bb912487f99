using Akka.Actor;
using Akka.Persistence;

namespace Supervisor.Tests.Compat.Persistence;

/// <summary>Behaviours of persistent actors change like those of others, and only for commands.</summary>
public sealed class PersistentBehaviourTests
{
    private readonly Probe _probe = new();

    private sealed class Door : ReceivePersistentActor
    {
        private readonly Probe _probe;

        public Door(Probe probe)
        {
            _probe = probe;
            Recover<RecoveryCompleted>(_ => probe.Add("recovered"));
            RecoverAny(e => probe.Add($"replayed {e}"));
            Command<string>(m => m == "open", _ => Persist("opened", e =>
            {
                probe.Add(e);
                BecomeStacked(Open);
            }));
            CommandAny(m => probe.Add($"closed to {m}"));
        }

        public override string PersistenceId => "door";

        private void Open()
        {
            Command<string>(m =>
            {
                if (m != "close") return false;
                UnbecomeStacked();
                return true;
            });
            CommandAnyAsync(async m =>
            {
                await Task.Yield();
                _probe.Add($"open to {m}");
            });
        }
    }

    [Fact]
    public async Task A_door_opens_by_an_event_and_closes_again()
    {
        await using var system = PersistentSystem.InMemory();
        var door = system.Start<Door>(_probe);
        foreach (var m in new object[] { 1, "open", 2, "close", 3 }) door.Tell(m);
        await _probe.Expect("recovered", "closed to 1", "opened", "open to 2", "closed to 3");
        await door.GracefulStop(Probe.Soon);
        system.Start<Door>(_probe).Tell(4);
        // Recovery does not ask the behaviour for commands.
        await _probe.Expect("replayed opened", "recovered", "closed to 4");
    }

    private sealed class Switch(Probe probe) : UntypedPersistentActor
    {
        public override string PersistenceId => "switch";
        protected override void OnRecover(object message) { }

        protected override void OnCommand(object message)
        {
            if (message is "on") Become(On);
            else probe.Add($"off: {message}");
        }

        private void On(object message) => Persist(message, e => probe.Add($"on: {e}"));
    }

    [Fact]
    public async Task An_untyped_one_may_change_its_method_for_commands()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = system.Start<Switch>(_probe);
        foreach (var m in new[] { "a", "on", "b", "c" }) actor.Tell(m);
        await _probe.Expect("off: a", "on: b", "on: c");
    }
}
