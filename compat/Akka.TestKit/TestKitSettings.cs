using Akka.Actor;
using Akka.Configuration;

namespace Akka.TestKit;

public class TestKitSettings : IExtension
{
    public TestKitSettings(Config config)
    {
        DefaultTimeout = config.GetTimeSpan("akka.test.default-timeout", allowInfinite: false);
        SingleExpectDefault = config.GetTimeSpan("akka.test.single-expect-default", allowInfinite: false);
        ExpectNoMessageDefault = config.GetTimeSpan("akka.test.expect-no-message-default", allowInfinite: false);
        TestEventFilterLeeway = config.GetTimeSpan("akka.test.filter-leeway", allowInfinite: false);
        TestKitStartupTimeout = config.GetTimeSpan("akka.test.testkit-startup-timeout", allowInfinite: false);
        TestTimeFactor = config.GetDouble("akka.test.timefactor", 1);
        if (TestTimeFactor <= 0) throw new ConfigurationException("Expected a positive value for \"akka.test.timefactor\"");
    }

    public TimeSpan DefaultTimeout { get; }
    public TimeSpan SingleExpectDefault { get; }
    public TimeSpan ExpectNoMessageDefault { get; }
    public TimeSpan TestEventFilterLeeway { get; }
    public TimeSpan TestKitStartupTimeout { get; }
    public double TestTimeFactor { get; }
}

public class TestKitExtension : ExtensionIdProvider<TestKitSettings>
{
    public override TestKitSettings CreateExtension(ExtendedActorSystem system) => new(system.Settings.Config);
    public static TestKitSettings For(ActorSystem system) => (TestKitSettings)system.RegisterExtension(new TestKitExtension());
}
