using Supervisor.Host.Daemon;
using Supervisor.Host.Services;

namespace Supervisor.Tests.Host.Daemon;

/// <summary>The list of calls that are refused while the journal's disk is full.</summary>
public sealed class CallsThatNeedSpaceTests
{
    [Fact]
    public void Each_of_the_calls_is_a_served_method()
    {
        var served = ServiceNames.Descriptors.SelectMany(s => s.Methods.Select(m => $"/{s.FullName}/{m.Name}")).ToHashSet();
        Assert.Empty(CallsThatNeedSpace.All.Except(served));
    }

    [Theory]
    [InlineData("tasks.v1.Tasks/Kill")]
    [InlineData("tasks.v1.Tasks/Delete")]
    [InlineData("tasks.v1.Tasks/Wait")]
    [InlineData("containers.v1.Containers/Delete")]
    [InlineData("containers.v1.Containers/List")]
    public void Calls_that_read_kill_or_delete_are_not_among_them(string method) =>
        Assert.False(CallsThatNeedSpace.Include("/containerd.services." + method));
}
