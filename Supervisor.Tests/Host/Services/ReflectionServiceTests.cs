using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;
using Supervisor.Host.Services;
using Alpha = Grpc.Reflection.V1Alpha;

namespace Supervisor.Tests.Host.Services;

public sealed class ReflectionServiceTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    private async Task<List<ServerReflectionResponse>> AskAsync(params ServerReflectionRequest[] requests)
    {
        using var call = new ServerReflection.ServerReflectionClient(daemon.Channel).ServerReflectionInfo(TestDaemon.In(null));
        var answers = new List<ServerReflectionResponse>();
        foreach (var request in requests)
        {
            await call.RequestStream.WriteAsync(request);
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
            answers.Add(call.ResponseStream.Current);
        }
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(CancellationToken.None));
        return answers;
    }

    [Fact]
    public void Every_implemented_service_is_listed()
    {
        var written = typeof(ServiceNames).Assembly.GetTypes()
            .Concat([typeof(Grpc.Reflection.ReflectionV1ServiceImpl), typeof(Grpc.Reflection.ReflectionServiceImpl)])
            .Select(t => (t.BaseType is { } b && b.IsSubclassOf(typeof(Grpc.Health.V1.Health.HealthBase))
                ? b.BaseType : t.BaseType)?
                .GetCustomAttributes(typeof(BindServiceMethodAttribute), inherit: false).FirstOrDefault())
            .OfType<BindServiceMethodAttribute>()
                .Select(a => ((ServiceDescriptor)a.BindType.GetProperty("Descriptor")!.GetValue(null)!).FullName);
        Assert.Equal(ServiceNames.Served.Order(StringComparer.Ordinal), written.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Both_versions_list_the_served_services()
    {
        var names = (await AskAsync(new ServerReflectionRequest { ListServices = "" }))[0].ListServicesResponse.Service.Select(
            s => s.Name);
        Assert.Equal(ServiceNames.Served.Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));

        using var call = new Alpha.ServerReflection.ServerReflectionClient(daemon.Channel)
            .ServerReflectionInfo(TestDaemon.In(null));
        await call.RequestStream.WriteAsync(new Alpha.ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(names, call.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name));
    }

    [Fact]
    public async Task Every_service_can_be_built_from_the_files_sent_over_the_wire()
    {
        foreach (var service in ServiceNames.Served)
        {
            var answer = (await AskAsync(new ServerReflectionRequest { FileContainingSymbol = service }))[0];
            // The file comes first; a builder needs imports before their importers.
            var files = FileDescriptor.BuildFromByteStrings(InOrder([.. answer.FileDescriptorResponse.FileDescriptorProto]));
            var built = files.SelectMany(f => f.Services).Single(s => s.FullName == service);
            Assert.NotEmpty(built.Methods);
            Assert.All(built.Methods, m => Assert.NotEqual("", m.InputType.FullName));
        }
    }

    private static List<Google.Protobuf.ByteString> InOrder(List<Google.Protobuf.ByteString> files)
    {
        var byName = files.ToDictionary(f => FileDescriptorProto.Parser.ParseFrom(f).Name);
        var ordered = new List<Google.Protobuf.ByteString>();
        foreach (var name in byName.Keys) Visit(name);
        return ordered;

        void Visit(string name)
        {
            if (ordered.Contains(byName[name])) return;
            foreach (var import in FileDescriptorProto.Parser.ParseFrom(byName[name]).Dependency) Visit(import);
            ordered.Add(byName[name]);
        }
    }

    [Fact]
    public async Task Methods_nested_types_and_files_are_found_and_unknown_names_are_answered()
    {
        var answers = await AskAsync(
            new ServerReflectionRequest { FileContainingSymbol = "grpc.health.v1.Health.Watch" },
            new ServerReflectionRequest { FileContainingSymbol = "grpc.health.v1.HealthCheckResponse.ServingStatus" },
            new ServerReflectionRequest { FileByFilename = "health.proto" },
            new ServerReflectionRequest { FileContainingSymbol = "no.such" },
            new ServerReflectionRequest { FileByFilename = "no/such.proto" },
            new ServerReflectionRequest { FileContainingExtension = new() { ContainingType = "no.such", ExtensionNumber = 5 } },
            new ServerReflectionRequest { AllExtensionNumbersOfType = "grpc.health.v1.HealthCheckRequest" },
            new ServerReflectionRequest { AllExtensionNumbersOfType = "no.such" },
            new ServerReflectionRequest());
        for (var i = 0; i < 3; i++)
            Assert.Equal("health.proto",
                FileDescriptorProto.Parser.ParseFrom(answers[i].FileDescriptorResponse.FileDescriptorProto[0]).Name);
        foreach (var i in new[] { 3, 4 }) Assert.Equal((int)StatusCode.NotFound, answers[i].ErrorResponse.ErrorCode);
        // proto3 has no extensions except of options; the published service answers none of these queries.
        foreach (var i in new[] { 5, 6, 7, 8 }) Assert.Equal((int)StatusCode.Unimplemented, answers[i].ErrorResponse.ErrorCode);
    }
}
