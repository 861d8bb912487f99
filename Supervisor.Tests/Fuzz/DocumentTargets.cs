using System.Text.Json;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Seccomp;
using Supervisor.Shim.Oci;
using static Supervisor.Tests.Fuzz.FuzzTargets;
using ContainerState = Supervisor.Shim.Oci.ContainerState;

namespace Supervisor.Tests.Fuzz;

/// <summary>The JSON documents: config.json and its parts, and our own state.json.</summary>
internal static class DocumentTargets
{
    private static readonly JsonMutation
        Configs = new([.. Corpus.Of("specs"), .. Corpus.Of("fuzz/config")]), Processes = new(Corpus.Of("fuzz/process")),
        Limits = new(Corpus.Of("fuzz/resources")),
        States = new(Corpus.Of("fuzz/state")), Profiles = new(Corpus.Of("fuzz/seccomp"));

    public static IEnumerable<FuzzTarget> All =>
    [
        new("config.json", 220, Configs.Make, Config),
        new("process.json", 60, Processes.Make, Process),
        new("resources.json", 60, Limits.Make, Resources),
        new("state.json", 100, States.Make, State),
        new("seccomp", 60, Profiles.Make, Seccomp),
    ];

    private static bool Config(byte[] json)
    {
        try
        {
            var spec = SpecReader.Read(json);
            _ = SpecValidator.Unsupported(spec);
            _ = SpecValidator.Ignored(spec);
            SpecValidator.Validate(spec);
            var written = SpecWriter.Write(spec);
            var again = SpecWriter.Write(SpecReader.Read(written));
            Holds(written.AsSpan().SequenceEqual(again), "a spec that changes when it is written and read again");
            return true;
        }
        catch (InvalidSpecException e)
        {
            Refusal(e);
            return false;
        }
    }

    private static bool Process(byte[] json)
    {
        try
        {
            SpecValidator.Validate(SpecReader.ReadProcess(json));
            return true;
        }
        catch (InvalidSpecException e)
        {
            Refusal(e);
            return false;
        }
    }

    private static bool Resources(byte[] json)
    {
        try
        {
            SpecValidator.Validate(SpecReader.ReadResources(json));
            return true;
        }
        catch (InvalidSpecException e)
        {
            Refusal(e);
            return false;
        }
    }

    private static bool State(byte[] json)
    {
        try
        {
            var state = ContainerState.FromJson(json);
            Holds(state.Id is not null && state.Bundle is not null && state.BootId is not null, "a text that is null");
            Holds(state.CgroupPaths.Values.Concat(state.NamespacePaths.Values).Concat(state.ExternalDescriptors)
                .All(v => v is not null), "a null in a list");
            var again = ContainerState.FromJson(state.ToJson());
            Holds(again.ToJson().AsSpan().SequenceEqual(state.ToJson()),
                "a state that changes in a round trip");
            _ = state.Spec;
            return true;
        }
        catch (JsonException e)
        {
            Holds(e.Message.Length > 0, "a refusal that says nothing");
            return false;
        }
        catch (InvalidSpecException e)
        {
            Refusal(e);
            return false;
        }
    }

    private static bool Seccomp(byte[] json)
    {
        try
        {
            var filter = SeccompFilter.Compile(SpecReader.ReadSeccomp(json));
            Holds(filter.Instructions.Length % 8 == 0
                && filter.Instructions.Length / 8 is > 0 and <= 4096, "a filter that the kernel would not take");
            return true;
        }
        catch (InvalidSpecException e)
        {
            Refusal(e);
            return false;
        }
    }

    private static void Refusal(InvalidSpecException e) =>
        Holds(e.Field.Length > 0 && e.Message.Length > e.Field.Length + 2 && e.Message.Length < 2000
            && !e.Message.Any(char.IsControl), $"a refusal that names no field: {e.Message}");
}
