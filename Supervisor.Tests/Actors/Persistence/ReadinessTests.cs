using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;

namespace Supervisor.Tests.Actors.Persistence;

/// <summary>When a starting daemon may answer calls.</summary>
public sealed class ReadinessTests
{
    private static readonly ContainerId One = ContainerId.Parse("default", "one"), Two = ContainerId.Parse("other", "one");

    [Fact]
    public void A_journal_without_containers_is_ready_at_once()
    {
        var readiness = new Readiness();
        Assert.False(readiness.Ready.IsCompleted);
        readiness.Expect([]);
        Assert.True(readiness.Ready.IsCompleted);
    }

    [Fact]
    public void Each_container_and_each_task_counts_once_however_often_it_reports()
    {
        var readiness = new Readiness();
        readiness.Expect([One, Two]);
        for (var i = 0; i < 4; i++) readiness.TaskRecovered(One);
        readiness.ContainerRecovered(One);
        readiness.ContainerRecovered(Two);
        Assert.False(readiness.Ready.IsCompleted);
        readiness.TaskRecovered(Two);
        Assert.True(readiness.Ready.IsCompleted);
    }
}
