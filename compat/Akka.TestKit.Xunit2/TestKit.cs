using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit.Xunit2.Internals;
using Xunit.Abstractions;

namespace Akka.TestKit.Xunit2
{
    /// <summary>Base of an xunit test class: one actor system per test, terminated after it.</summary>
    public class TestKit : TestKitBase, IDisposable
    {
        private bool _disposed;
        protected readonly ITestOutputHelper Output;

        public TestKit(ActorSystem system = null, ITestOutputHelper output = null) : base(Assertions, system)
        {
            Output = output;
            InitializeLogger(Sys);
        }

        public TestKit(Config config, string actorSystemName = null, ITestOutputHelper output = null) : base(Assertions, config, actorSystemName)
        {
            Output = output;
            InitializeLogger(Sys);
        }

        public TestKit(string config, ITestOutputHelper output = null) : this(ConfigurationFactory.ParseString(config), null, output) { }

        public static new Config DefaultConfig => TestKitBase.DefaultConfig;
        protected static new XunitAssertions Assertions { get; } = new();

        /// <summary>After the test: terminates the system. Overriders call the base.</summary>
        protected virtual void AfterAll() => Shutdown();

        /// <summary>Lets the system's log go to the test's output as well.</summary>
        protected void InitializeLogger(ActorSystem system)
        {
            if (Output is null) return;
            var logger = ((ExtendedActorSystem)system).SystemActorOf(Props.Create(() => new TestOutputLogger(Output)), "log-test");
            logger.Ask<LoggerInitialized>(new InitializeLogger(system.EventStream), TestKitSettings.TestKitStartupTimeout).GetAwaiter().GetResult();
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (!disposing || _disposed) return;
            _disposed = true;
            try
            {
                AfterAll();
            }
            finally
            {
                ReleaseThread();
            }
        }
    }

    public class XunitAssertions : ITestKitAssertions
    {
        private static string Text(string format, object[] args) => args is { Length: > 0 } ? string.Format(format, args) : format;
        public void Fail(string format = "", params object[] args) => Xunit.Assert.Fail(Text(format, args));
        public void AssertTrue(bool condition, string format = "", params object[] args) => Xunit.Assert.True(condition, condition ? null : Text(format, args));
        public void AssertEqual<T>(T expected, T actual, string format = "", params object[] args)
        {
            if (!EqualityComparer<T>.Default.Equals(expected, actual) && !SameItems(expected, actual)) throw new Xunit.Sdk.XunitException($"Expected: {expected}\nActual:   {actual}\n{Text(format, args)}");
        }
        private static bool SameItems<T>(T expected, T actual) => expected is not string
            && expected is System.Collections.IEnumerable e && actual is System.Collections.IEnumerable a && e.Cast<object>().SequenceEqual(a.Cast<object>());
    }
}

namespace Akka.TestKit.Xunit2.Internals
{
    public class TestOutputLogger : ReceiveActor
    {
        public TestOutputLogger(ITestOutputHelper output)
        {
            Receive<InitializeLogger>(m =>
            {
                foreach (var level in new[] { typeof(Debug), typeof(Info), typeof(Warning), typeof(Error) }) m.LoggingBus.Subscribe(Self, level);
                Sender.Tell(new LoggerInitialized());
            });
            Receive<LogEvent>(e =>
            {
                try
                {
                    output.WriteLine(e.ToString());
                }
                catch (InvalidOperationException)
                {
                    // The test is over; its output is closed.
                }
            });
        }
    }
}
