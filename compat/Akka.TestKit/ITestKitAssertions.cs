namespace Akka.TestKit;

/// <summary>How the kit fails a test; each test framework brings its own.</summary>
public interface ITestKitAssertions
{
    void Fail(string format = "", params object[] args);
    void AssertTrue(bool condition, string format = "", params object[] args);
    void AssertEqual<T>(T expected, T actual, string format = "", params object[] args);
}

/// <summary>A kit that is not the implicit sender of what its thread tells.</summary>
public interface INoImplicitSender;
