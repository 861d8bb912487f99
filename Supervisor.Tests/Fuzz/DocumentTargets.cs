using System.Text;
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
            Agree(QuickSpecReader.TryRead(json), json, s => Encoding.UTF8.GetString(SpecWriter.Write(s)));
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
            if (WellFormed(json)) Agree(QuickSpecReader.TryRead(json), json, s => Encoding.UTF8.GetString(SpecWriter.Write(s)));
            return false;
        }
    }

    private static bool Process(byte[] json)
    {
        try
        {
            var process = SpecReader.ReadProcess(json);
            Agree(QuickSpecReader.TryReadProcess(json), json, p => JsonSerializer.Serialize(p, SpecJson.Of<ProcessSpec>()));
            SpecValidator.Validate(process);
            return true;
        }
        catch (InvalidSpecException e)
        {
            Refusal(e);
            if (WellFormed(json))
                Agree(QuickSpecReader.TryReadProcess(json), json, p => JsonSerializer.Serialize(p, SpecJson.Of<ProcessSpec>()));
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
                "a state that changes when it is written and read again");
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
            DocumentForm.Check(json);
            var profile = SpecReader.Deserialize(json, SpecJson.Of<SeccompSpec>());
            SeccompRules.Check(profile, "linux.seccomp.");
            var filter = SeccompFilter.Compile(profile);
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

    /// <summary>What the quick reader takes, the deserializer takes and reads likewise.</summary>
    private static void Agree<T>(T? quick, byte[] json, Func<T, string> text) where T : class
    {
        if (quick is null) return; // left to the deserializer
        T slow;
        try
        {
            slow = SpecReader.Deserialize(json, SpecJson.Of<T>());
        }
        catch (InvalidSpecException e)
        {
            throw new InvalidOperationException($"the quick reader took what the deserializer refuses: {e.Message}");
        }
        Holds(text(quick) == text(slow), "the quick reader and the deserializer read different things");
    }

    private static bool WellFormed(byte[] json)
    {
        try
        {
            DocumentForm.Check(json);
            return json.Length <= SpecReader.LargestDocument;
        }
        catch (InvalidSpecException)
        {
            return false;
        }
    }

    private static void Refusal(InvalidSpecException e) =>
        Holds(e.Field.Length > 0 && e.Message.Length > e.Field.Length + 2 && e.Message.Length < 2000
            && !e.Message.Any(char.IsControl), $"a refusal that names no field: {e.Message}");
}
