using System.Reflection;

namespace Supervisor.Tests.Architecture;

/// <summary>compat/ can be replaced by the published packages because nothing reaches into it.</summary>
public sealed class CompatFriendsTests
{
    [Fact]
    public void The_product_uses_nothing_internal_of_compat()
    {
        foreach (var compat in (string[])["Akka", "Akka.Persistence", "Akka.Persistence.Sqlite", "Grpc.Core.Api", "Grpc.Net.Common"])
        {
            // Without a friend among them, the compiler has seen to it that every product names public members only.
            var friends = Assembly.Load(compat).GetCustomAttributes<System.Runtime.CompilerServices.InternalsVisibleToAttribute>()
                .Select(f => f.AssemblyName.Split(',')[0]);
            Assert.Empty(friends.Except(["Akka.Persistence", "Akka.Persistence.Sqlite", "Akka.TestKit", "Akka.TestKit.Xunit2", "Supervisor.Tests"]));
            if (compat != "Akka.Persistence.Sqlite") Assert.DoesNotContain("Supervisor.Tests", friends);
        }
        // Nor does any of them go round the compiler.
        foreach (var project in (string[])["Supervisor.Actors", "Supervisor.Host", "Supervisor.Protos"])
            foreach (var file in Directory.EnumerateFiles(Path.Join(Repository.Root, project), "*.cs", SearchOption.AllDirectories))
                Assert.DoesNotMatch(@"\bUnsafeAccessor\b|\bIgnoresAccessChecksTo\b|BindingFlags\.NonPublic", File.ReadAllText(file));
    }
}
