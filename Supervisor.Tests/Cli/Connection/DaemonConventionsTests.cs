using Supervisor.Actors.Containers;
using Supervisor.Cli.Connection;
using Supervisor.Client;
using Supervisor.Host.Daemon;
using Supervisor.Host.Services;

namespace Supervisor.Tests.Cli.Connection;

/// <summary>Both programs have their own copy of what they agree on.</summary>
public sealed class DaemonConventionsTests
{
    [Fact]
    public void The_command_line_and_the_daemon_agree()
    {
        Assert.Equal(AutoRemoval.Label, DaemonConventions.RemoveAfterLabel);
        Assert.Equal(ExecRemoval.Header, DaemonConventions.ExecRemoveAfterHeader);
        Assert.Equal(LaunchTraces.Header, DaemonConventions.TraceHeader);
        Assert.Equal(ContainerRootfs.Extension, DaemonConventions.RootfsExtension);
        Assert.Equal(EventFollowing.NextHeader, DaemonConventions.NextEventHeader);
        Assert.Equal(GrpcTranslation.Stopping, DaemonConventions.Stopping);
        Assert.Equal(GrpcTranslation.Never, DaemonConventions.Never);
        Assert.Equal(DaemonOptions.DefaultAddress, ClientOptions.DefaultAddress);
    }
}
