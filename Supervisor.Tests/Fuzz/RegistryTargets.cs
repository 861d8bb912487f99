using System.Text;
using Supervisor.Registry;

using Supervisor.Registry.Manifests;
using Supervisor.Registry.References;
using Supervisor.Registry.Transport;
using static Supervisor.Tests.Fuzz.FuzzTargets;

namespace Supervisor.Tests.Fuzz;

/// <summary>What registries send, and names of images.</summary>
internal static class RegistryTargets
{
    private const string Hash = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly byte[][] Names =
    [
        "nginx:1.25"u8.ToArray(), "registry.example:5000/a/b_c/d__e.f-g:Tag_1.2"u8.ToArray(), "[::1]:5000/x"u8.ToArray(),
        Encoding.UTF8.GetBytes($"docker.io/library/a@{Hash}"), "localhost/UPPER"u8.ToArray(),
    ];

    private static readonly byte[][] Challenges =
    [
        "Bearer realm=\"https://auth.example/token?a=b\",service=\"registry.example\",scope=\"repository:a/b:pull\""u8.ToArray(),
        "Basic realm=\"a \\\"quoted\\\" word, and a comma\""u8.ToArray(), "Bearer realm=x , service = y,,=z"u8.ToArray(),
    ];

    private static readonly JsonMutation
        Indexes = new([Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.Index}}","manifests":[
             {"mediaType":"{{MediaTypes.Manifest}}","digest":"{{Hash}}","size":7143,
              "platform":{"architecture":"amd64","os":"linux","variant":"v2","os.version":"1"},"annotations":{"a":"b"} },
             {"mediaType":"{{MediaTypes.Manifest}}","digest":"{{Hash}}","size":1,
              "platform":{"architecture":"unknown","os":"unknown"},
              "annotations":{"vnd.docker.reference.type":"attestation-manifest"} }]}
            """)]),
        Manifests = new([Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.Manifest}}",
             "config":{"mediaType":"{{MediaTypes.Config}}","digest":"{{Hash}}","size":3},
             "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{Hash}}","size":32654},
              {"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"{{Hash}}","size":0}],
             "annotations":{"a":"b"} }
            """)]);

    public static IEnumerable<FuzzTarget> All =>
    [
        new("image-name", 30, random => Mutation.Lines(random, Mutation.Pick(random, Names), Names, ":/@._-"), Name),
        new("registry-challenge", 20,
            random => Mutation.Lines(random, Mutation.Pick(random, Challenges), Challenges, ",=\" "), Ask),
        new("image-index", 30, Indexes.Make, Index),
        new("image-manifest", 30, Manifests.Make, Manifest),
    ];

    private static bool Name(byte[] bytes) => Refusing(() =>
    {
        var name = ImageName.Parse(Encoding.UTF8.GetString(bytes));
        Holds(name.Host.Length > 0 && name.Repository.Length > 0 && name.Selector.Length > 0, "a name without a part");
        Holds(!name.Repository.Split('/').Contains(".."), "a repository that leads elsewhere");
        Holds(ImageName.Parse(name.ToString()) == name, "a name that is another one in full");
        Holds(ImageName.Parse(name.Familiar) == name, "a name that is another one as docker shows it");
        Holds(Uri.TryCreate($"https://{name.Host}/v2/{name.Repository}/manifests/{name.Selector}", UriKind.Absolute, out var uri)
            && uri.Query.Length == 0 && uri.Fragment.Length == 0 && uri.UserInfo.Length == 0, "a name that is no address");
    });

    private static bool Ask(byte[] bytes)
    {
        using var answer = new HttpResponseMessage();
        answer.Headers.TryAddWithoutValidation("WWW-Authenticate", Encoding.Latin1.GetString(bytes));
        if (Challenge.Of(answer) is not { } challenge) return false;
        Holds(challenge.Scheme is "basic" or "bearer", "a scheme that is not known");
        return true;
    }

    private static bool Index(byte[] bytes) => Refusing(() =>
    {
        var index = ImageIndex.Read(bytes, "it");
        Holds(index.Manifests.All(IsWhole), "a manifest without a digest");
        Holds(index.Images.All(i => i.Platform is not { Os: "unknown" }), "an attestation that is an image");
        _ = index.Choose(Platform.Parse("linux/amd64"), "it");
    });

    private static bool Manifest(byte[] bytes) => Refusing(() =>
    {
        var manifest = ImageManifest.Read(bytes, "it");
        Holds(manifest.Layers.Append(manifest.Config).All(IsWhole), "a part without a digest");
    });

    private static bool IsWhole(Descriptor d) => DigestText.IsValid(d.Digest) && d.Size >= 0 && d.MediaType is not null;

    private static bool Refusing(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (RegistryException e)
        {
            Holds(e.Message.Length > 0, "a refusal without a reason");
            return false;
        }
    }
}
