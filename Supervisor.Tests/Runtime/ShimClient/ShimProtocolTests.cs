using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.ShimClient;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime.ShimClient;

/// <summary>Messages of the shim's socket survive a round trip, and those that no peer of ours sends are refused.</summary>
public class ShimProtocolTests
{
    [Fact]
    public void A_create_request_survives_a_round_trip()
    {
        var request = new ContainerRequest(
            "/b", ReadOnlyMemory<byte>.Empty, [new RootMount("overlay", "o", "/t", ["ro", "x=y"])],
                new StdioTargets("/i", "/o", "/e", true), "/n/c") { OwnsBundle = false };
        var read = new MessageReader(new MessageWriter().Put(request).Written).Request(request.Spec);
        Assert.Equal((request.Bundle, request.OwnsBundle, request.DefaultCgroup, request.Stdio),
            (read.Bundle, read.OwnsBundle, read.DefaultCgroup, read.Stdio));
        Assert.Equal(["ro", "x=y"], Assert.Single(read.RootMounts).Options);
    }

    [Fact]
    public void The_options_of_a_checkpoint_survive_a_round_trip()
    {
        var options = new CheckpointOptions
        {
            ImageDirectory = "/i", WorkDirectory = "/w", ParentDirectory = "../p", LeaveRunning = true, TcpEstablished = true,
            TcpSkipInFlight = true,
            ExternalUnixSockets = true, ShellJob = true, FileLocks = true, LinkRemap = true, AutoDedup = true,
            EmptyNamespaces = ["network"],
            ExternalNetwork = true, PreDump = true, ManageCgroups = "soft", LsmProfile = "apparmor:x", LsmMountContext = "y",
            Criu = "/c",
        };
        foreach (var one in (CheckpointOptions[])[options, new() { ImageDirectory = "/i" }])
            Assert.Equivalent(one, new MessageReader(new MessageWriter().Put(one).Written).Checkpoint(), strict: true);
        var values = typeof(CheckpointOptions).GetProperties().Where(p => p.CanWrite).ToList();
        // all options are covered
        Assert.All(values, p => Assert.NotEqual(p.GetValue(new CheckpointOptions { ImageDirectory = "" }), p.GetValue(options)));
    }

    [Fact]
    public void An_exit_survives_a_round_trip_and_an_unknown_status_stays_unknown()
    {
        var exit = new ExitRecord(
            "n/c/e", 7, ulong.MaxValue, 137, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), 3,
            new ProcessUsage(TimeSpan.FromSeconds(1), TimeSpan.FromTicks(5), 9));
        Assert.Equal(exit, new MessageReader(new MessageWriter().Put(exit).Written).Exit());
        Assert.Equal(exit with { Status = null }, new MessageReader(new MessageWriter().Put(exit with { Status = null }).Written)
            .Exit());
    }

    [Fact]
    public void An_error_is_rethrown_on_the_other_side_with_its_type_and_message()
    {
        Exception[] errors =
        [
            new InvalidSpecException("process.args", "is empty"), new InvalidStdioException("stdout", "\"x\" is not there"),
            new LaunchException("exec \"/x\"", Errno.ENOENT, "", 3, 4), new TimeoutException("late"),
            new OperationCanceledException("gone"),
            new InvalidOperationException("no"), new CgroupException("/f", "1", Errno.EINVAL), new IOException("disk"),
        ];
        foreach (var error in errors)
        {
            var read = new MessageReader(new MessageWriter().Put(error).Written).Error();
            Assert.Equal(error.Message, read.Message);
            Assert.IsType(error is CgroupException ? typeof(IOException) : error.GetType(), read);
            Assert.Equal((error as LaunchException)?.Errno, (read as LaunchException)?.Errno);
        }
    }

    [Fact]
    public void An_error_longer_than_a_message_is_truncated_and_says_so()
    {
        var path = new string('x', 100_000);
        Exception[] errors =
        [
            new InvalidStdioException("stdout", path), new LaunchException($"mount \"{path}\"", Errno.ENAMETOOLONG, "", 3, 4),
            new CgroupException(path, path, Errno.EINVAL), new IOException($"{path}: failed (EIO)"),
            new InvalidDataException(path),
        ];
        foreach (var error in errors)
        {
            var message = ShimFrame.Begin(ShimKind.Failed, 1).Put(error).Written;
            Assert.InRange(message.Length, 1, PacketSocket.MaximumMessage);
            Assert.Contains("characters cut", new MessageReader(message[9..]).Error().Message, StringComparison.Ordinal);
        }
        Assert.EndsWith("failed (EIO)", ErrorText.Cut($"{path}: failed (EIO)"), StringComparison.Ordinal);
    }

    [Fact]
    public void Fields_of_a_newer_peer_are_ignored_and_those_missing_from_an_older_one_are_empty()
    {
        var reader = new MessageReader(new MessageWriter().Text("a").I32(5).Text("from the future").Written);
        Assert.Equal(("a", 5), (reader.Text(), reader.I32()));
        var old = new MessageReader(new MessageWriter().Text("a").Written);
        Assert.Equal(("a", 0, "", false, 0L), (old.Text(), old.I32(), old.Text(), old.Flag(), old.I64()));
    }

    [Fact]
    public void The_two_sides_agree_on_the_lower_version_or_fail_with_a_reason()
    {
        Assert.Equal(ShimFrame.Newest, ShimFrame.Negotiate(ShimFrame.Newest + 1, ShimFrame.Newest));
        Assert.Equal(ShimFrame.Newest, ShimFrame.Negotiate(ShimFrame.Newest + 3, ShimFrame.Oldest));
        Assert.Throws<InvalidDataException>(() => ShimFrame.Negotiate(ShimFrame.Newest + 2, ShimFrame.Newest + 1));
        Assert.Throws<InvalidDataException>(() => ShimFrame.Negotiate(ShimFrame.Oldest - 1, 0));
    }

    [Fact]
    public void Random_bytes_are_parsed_or_refused_within_bounds()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(64)];
            random.NextBytes(bytes);
            var reader = new MessageReader(bytes);
            try
            {
                switch (i % 5)
                {
                    case 0: reader.Request(default); break;
                    case 1: reader.Exit(); break;
                    case 2: reader.Error(); break;
                    case 3: reader.Process([], ShimFrame.Newest); break;
                    case 4: reader.Checkpoint(); break;
                }
            }
            catch (InvalidDataException)
            {
                // Refused.
            }
        }
    }

    [Fact]
    public async Task Messages_and_descriptors_arrive_whole_and_a_payload_must_be_sealed()
    {
        var place = Directory.CreateTempSubdirectory("supervisor-packet-");
        try
        {
            var path = Path.Join(place.FullName, "s");
            Assert.Null(PacketSocket.TryConnect(path));
            using var listener = PacketSocket.Listen(path);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            using var client = PacketSocket.TryConnect(path)!;
            using var server = listener.TryAccept()!;
            Assert.Equal((Environment.ProcessId, CurrentUser.Uid), server.Peer);
            using var payload = Payload.Write("spec"u8);
            Assert.True(client.TrySend("one"u8, [payload.Number]));
            Assert.True(client.TrySend("two"u8, []));
            var (buffer, descriptors) = (new byte[100], new List<Fd>());
            Assert.Equal(3, server.TryReceive(buffer, descriptors));
            Assert.Equal("spec"u8, Payload.Read(descriptors));
            Assert.Empty(descriptors);
            Assert.Equal(3, server.TryReceive(buffer, descriptors));
            Assert.Null(server.TryReceive(buffer, descriptors));
            using var loose = Memfd.Create("loose");
            Assert.Throws<InvalidDataException>(() => Payload.Read([loose.Duplicate()]));
            client.Dispose();
            // A child cloned by another test holds the descriptor too, until its exec.
            await Eventually.IsTrue(() => server.TryReceive(buffer, descriptors) is 0);
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }
}
