using Containerd.Services.Containers.V1;
using Containerd.Services.Leases.V1;
using Containerd.Services.Namespaces.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Services;

public sealed class NamespacesAndLeasesTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    [Fact]
    public async Task Getting_a_namespace_that_was_never_created_returns_no_labels()
    {
        var got = await daemon.Namespaces.GetAsync(new GetNamespaceRequest { Name = "never" }, In(null));
        Assert.Equal(("never", 0), (got.Namespace.Name, got.Namespace.Labels.Count));
        Assert.DoesNotContain("never", await NamesAsync());
    }

    [Fact]
    public async Task A_namespace_is_created_labelled_listed_and_deleted()
    {
        var made = new Namespace { Name = "life", Labels = { ["a"] = "1" } };
        var created = await daemon.Namespaces.CreateAsync(new CreateNamespaceRequest { Namespace = made }, In("default"));
        Assert.Equal(made, created.Namespace);
        var again = await StatusAsync(
            daemon.Namespaces.CreateAsync(new CreateNamespaceRequest { Namespace = made }, In("default")));
        Assert.Equal((StatusCode.AlreadyExists, "namespace \"life\": already exists"), (again.StatusCode, again.Detail));
        var updated = await daemon.Namespaces.UpdateAsync(
            new UpdateNamespaceRequest
            {
                Namespace = new Namespace { Name = "life", Labels = { ["b"] = "2" } },
                UpdateMask = new FieldMask { Paths = { "labels.b" } },
            },
            In("default"));
        Assert.Equal(2, updated.Namespace.Labels.Count);
        Assert.Equal(updated.Namespace,
            (await daemon.Namespaces.GetAsync(new GetNamespaceRequest { Name = "life" }, In(null))).Namespace);
        Assert.Contains("life", await NamesAsync());
        await daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = "life" }, In("default"));
        Assert.DoesNotContain("life", await NamesAsync());
        var gone = await StatusAsync(daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = "life" }, In("default")));
        Assert.Equal((StatusCode.NotFound, "namespace \"life\": not found"), (gone.StatusCode, gone.Detail));
    }

    [Fact]
    public async Task An_update_creates_a_missing_namespace()
    {
        var labelled = new Namespace { Name = "labelled-first", Labels = { ["a"] = "1" } };
        var updated = await daemon.Namespaces.UpdateAsync(new UpdateNamespaceRequest { Namespace = labelled }, In("default"));
        Assert.Equal(labelled, updated.Namespace);
        Assert.Contains("labelled-first", await NamesAsync());
    }

    [Fact]
    public async Task A_bad_name_is_refused_by_its_field()
    {
        var status = await StatusAsync(daemon.Namespaces.CreateAsync(
            new CreateNamespaceRequest { Namespace = new Namespace { Name = "bad name" } }, In(null)));
        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
        Assert.StartsWith("namespace.name", status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_container_creates_its_namespace_which_cannot_be_deleted_before_it()
    {
        var container = new Container { Id = "c", Runtime = new() { Name = "r" }, Spec = new Any { TypeUrl = "x" } };
        await daemon.Containers.CreateAsync(new CreateContainerRequest { Container = container }, In("implicit"));
        Assert.Contains("implicit", await NamesAsync());
        var refused = await StatusAsync(
            daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = "implicit" }, In(null)));
        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Contains("1 container", refused.Detail, StringComparison.Ordinal);
        await daemon.Containers.DeleteAsync(new DeleteContainerRequest { Id = "c" }, In("implicit"));
        Assert.Contains("implicit", await NamesAsync());
        await daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = "implicit" }, In(null));
        Assert.DoesNotContain("implicit", await NamesAsync());
    }

    [Fact]
    public async Task A_lease_is_created_listed_filled_and_deleted()
    {
        var made = await daemon.Leases.CreateAsync(new CreateRequest { Id = "l1", Labels = { ["k"] = "v" } }, In("lease"));
        Assert.Equal(("l1", "v"), (made.Lease.Id, made.Lease.Labels["k"]));
        Assert.NotNull(made.Lease.CreatedAt);
        var again = await StatusAsync(daemon.Leases.CreateAsync(new CreateRequest { Id = "l1" }, In("lease")));
        Assert.Equal((StatusCode.AlreadyExists, "lease \"l1\": already exists"), (again.StatusCode, again.Detail));
        Assert.Equal([made.Lease], await ListAsync("lease", "id==l1"));
        Assert.Equal([made.Lease], await ListAsync("lease", "labels.k==v"));
        Assert.Empty(await ListAsync("lease", "id==l2"));
        var resource = new Resource { Id = "sha256:1", Type = "content" };
        await daemon.Leases.AddResourceAsync(new AddResourceRequest { Id = "l1", Resource = resource }, In("lease"));
        Assert.Equal([resource],
            (await daemon.Leases.ListResourcesAsync(new ListResourcesRequest { Id = "l1" }, In("lease"))).Resources);
        await daemon.Leases.DeleteResourceAsync(new DeleteResourceRequest { Id = "l1", Resource = resource }, In("lease"));
        Assert.Empty((await daemon.Leases.ListResourcesAsync(new ListResourcesRequest { Id = "l1" }, In("lease"))).Resources);
        var bogus = await StatusAsync(daemon.Leases.AddResourceAsync(
            new AddResourceRequest { Id = "l1", Resource = new Resource { Id = "x", Type = "bogus" } }, In("lease")));
        Assert.Equal((StatusCode.Unimplemented, "resource type bogus not supported yet: not implemented"),
            (bogus.StatusCode, bogus.Detail));
        await daemon.Leases.DeleteAsync(new DeleteRequest { Id = "l1", Sync = true }, In("lease"));
        var gone = await StatusAsync(daemon.Leases.DeleteAsync(new DeleteRequest { Id = "l1" }, In("lease")));
        Assert.Equal((StatusCode.NotFound, "lease \"l1\": not found"), (gone.StatusCode, gone.Detail));
    }

    [Fact]
    public async Task A_lease_without_an_id_is_given_one()
    {
        var made = await daemon.Leases.CreateAsync(new CreateRequest(), In("noid"));
        Assert.Equal(made.Lease, Assert.Single(await ListAsync("noid")));
        Assert.NotEqual("", made.Lease.Id);
    }

    [Fact]
    public async Task An_expired_lease_is_not_listed_and_its_id_is_free()
    {
        var past = DateTimeOffset.UtcNow.AddSeconds(-1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
        await daemon.Leases.CreateAsync(
            new CreateRequest { Id = "old", Labels = { ["containerd.io/gc.expire"] = past } }, In("expiry"));
        Assert.Empty(await ListAsync("expiry"));
        Assert.Equal(StatusCode.NotFound,
            (await StatusAsync(daemon.Leases.ListResourcesAsync(
            new ListResourcesRequest { Id = "old" }, In("expiry")))).StatusCode);
        await daemon.Leases.CreateAsync(new CreateRequest { Id = "old" }, In("expiry"));
        Assert.Single(await ListAsync("expiry"));
    }

    [Fact]
    public async Task Leases_are_deleted_with_their_namespace()
    {
        await daemon.Leases.CreateAsync(new CreateRequest { Id = "l" }, In("bound"));
        await daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = "bound" }, In(null));
        // The namespaces notify the leases before they answer us, but the leases may not have handled it yet: ask them something.
        await daemon.Leases.CreateAsync(new CreateRequest { Id = "after" }, In("bound"));
        Assert.Equal("after", Assert.Single(await ListAsync("bound")).Id);
    }

    private async Task<IEnumerable<Lease>> ListAsync(string @namespace, params string[] filters) =>
        (await daemon.Leases.ListAsync(new ListRequest { Filters = { filters } }, In(@namespace))).Leases;

    private async Task<IEnumerable<string>> NamesAsync() =>
        (await daemon.Namespaces.ListAsync(new ListNamespacesRequest(), In(null))).Namespaces.Select(n => n.Name);
}
