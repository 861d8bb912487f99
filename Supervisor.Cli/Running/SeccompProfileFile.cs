using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Supervisor.Cli.Errors;
using Supervisor.Runtime.Oci;

namespace Supervisor.Cli.Running;

/// <summary>
/// A seccomp profile as a file: the specification's <c>linux.seccomp</c>, or docker's and podman's wider form, in which
/// <c>archMap</c> chooses the architectures, and a rule may apply to some machines, capabilities or kernels only
/// (<c>includes</c>, <c>excludes</c>). Anything else is refused by its place.
/// </summary>
internal static class SeccompProfileFile
{
    private const int LargestFile = 1 << 20;

    /// <exception cref="CliException">The file cannot be read, or is not a profile.</exception>
    public static SeccompSpec Read(string path, IReadOnlyList<string> capabilities, Architecture machine)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            var bytes = new byte[LargestFile + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > LargestFile)
                throw new CliException($"--security-opt: seccomp={path}: is larger than {LargestFile} bytes");
            return Parse(bytes.AsSpan(0, length), capabilities, machine, Environment.OSVersion.Version);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(
                $"--security-opt: seccomp={path}: "
                + (e is FileNotFoundException or DirectoryNotFoundException ? "no such file"
                    : Directory.Exists(path) ? "is a directory" : e.Message));
        }
        catch (InvalidSpecException e)
        {
            throw new CliException($"--security-opt: seccomp={path}: {e.Message}");
        }
    }

    /// <summary>The document's profile for this machine.</summary>
    /// <exception cref="InvalidSpecException">It is not a profile; the message names the place.</exception>
    internal static SeccompSpec Parse(
        ReadOnlySpan<byte> json, IReadOnlyList<string> capabilities, Architecture machine, Version kernel)
    {
        JsonObject profile;
        try
        {
            profile = JsonNode.Parse(
                json, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject
                ?? throw new InvalidSpecException("$", "is not an object");
            var conditions = new Conditions(GoName(machine), capabilities, kernel);
            OnlyOf(profile, "$", "defaultAction", "defaultErrnoRet", "architectures", "archMap", "flags", "listenerPath",
                "listenerMetadata", "syscalls");
            if (profile["archMap"] is JsonArray map) profile["architectures"] = Architectures(profile, map, machine);
            profile.Remove("archMap");
            if (profile["syscalls"] is JsonArray rules) profile["syscalls"] = Rules(rules, conditions);
        }
        catch (Exception e) when (
            e is JsonException or InvalidOperationException or ArgumentException and not InvalidSpecException)
        {
            throw new InvalidSpecException("$", $"is not a seccomp profile: {e.Message}", e);
        }
        return SpecReader.ReadSeccomp(Encoding.UTF8.GetBytes(profile.ToJsonString()));
    }

    private static JsonArray Architectures(JsonObject profile, JsonArray map, Architecture machine)
    {
        if (profile["architectures"] is JsonArray { Count: > 0 })
            throw new InvalidSpecException("architectures", "cannot be combined with archMap");
        var own = machine is Architecture.Arm64 ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64";
        var entry = map.OfType<JsonObject>().FirstOrDefault(m => (string?)m["architecture"] == own);
        return new JsonArray([own, .. (entry?["subArchitectures"] as JsonArray ?? []).Select(s => s?.DeepClone())]);
    }

    private static JsonArray Rules(JsonArray rules, Conditions conditions)
    {
        var kept = new JsonArray();
        for (var i = 0; i < rules.Count; i++)
        {
            var place = $"syscalls[{i}]";
            if (rules[i]?.DeepClone() is not JsonObject rule) throw new InvalidSpecException(place, "is not an object");
            OnlyOf(rule, place, "names", "name", "action", "errnoRet", "args", "comment", "includes", "excludes");
            var holds = conditions.Hold(rule["includes"], rule["excludes"], place);
            if (rule["name"] is { } name)
            {
                if (rule["names"] is JsonArray { Count: > 0 })
                    throw new InvalidSpecException($"{place}.name", "cannot be combined with names");
                rule["names"] = new JsonArray(name.DeepClone());
            }
            foreach (var ours in (string[])["name", "comment", "includes", "excludes"]) rule.Remove(ours);
            foreach (var (argument, n) in (rule["args"] as JsonArray ?? []).Select((a, n) => (a, n)))
                if (argument is JsonObject a) OnlyOf(a, $"{place}.args[{n}]", "index", "value", "valueTwo", "op");
            if (holds) kept.Add((JsonNode)rule); // the overload for any type needs code made at run time
        }
        return kept;
    }

    private static void OnlyOf(JsonObject thing, string place, params string[] known)
    {
        foreach (var (name, _) in thing)
            if (!known.Contains(name, StringComparer.Ordinal))
                throw new InvalidSpecException(place == "$" ? name : $"{place}.{name}", "is not known");
    }

    private static string GoName(Architecture machine) => machine is Architecture.Arm64 ? "arm64" : "amd64";

    private sealed record Conditions(string Machine, IReadOnlyList<string> Capabilities, Version Kernel)
    {
        /// <summary>All conditions of includes must hold, and none of excludes; of architectures one is enough.</summary>
        public bool Hold(JsonNode? includes, JsonNode? excludes, string place)
        {
            var (with, without) = (Filter.Of(includes, $"{place}.includes"), Filter.Of(excludes, $"{place}.excludes"));
            return (with.Machines.Length == 0 || with.Machines.Contains(Machine)) && with.Capabilities.All(Capabilities.Contains)
                && (with.Kernel is null || Kernel >= with.Kernel)
                && !without.Machines.Contains(Machine) && !without.Capabilities.Any(Capabilities.Contains)
                    && (without.Kernel is null || Kernel < without.Kernel);
        }
    }

    private sealed record Filter(string[] Machines, string[] Capabilities, Version? Kernel)
    {
        public static Filter Of(JsonNode? node, string place)
        {
            if (node is null) return new Filter([], [], null);
            var filter = node as JsonObject ?? throw new InvalidSpecException(place, "is not an object");
            OnlyOf(filter, place, "arches", "caps", "minKernel");
            var kernel = (string?)filter["minKernel"] is { Length: > 0 } text
                ? Version.TryParse(text, out var version)
                    ? version : throw new InvalidSpecException($"{place}.minKernel", $"\"{text}\" is not a version")
                : null;
            return new Filter(Texts(filter["arches"]), Texts(filter["caps"]), kernel);
        }

        private static string[] Texts(JsonNode? list) => [.. (list as JsonArray ?? []).Select(t => (string?)t ?? "")];
    }
}
