using Akka.Configuration;

namespace Akka.Actor;

/// <summary>Reads akka.actor.deployment: dispatcher, mailbox and router by path below /user; an element may be "*".</summary>
public class Deployer
{
    private readonly List<(string[] Elements, Deploy Deploy)> _deploys = [];
    protected readonly Config Default;

    public Deployer(Settings settings)
    {
        var config = settings.Config.GetConfig("akka.actor.deployment");
        if (config is null) return;
        Default = config.GetConfig("default");
        foreach (var (path, value) in config.AsEnumerable())
            if (path != "default" && value.IsObject())
                SetDeploy(ParseConfig(path, config.GetConfig("\"" + path + "\"").WithFallback(Default)));
    }

    /// <summary>Null when nothing is said about that path.</summary>
    public Deploy Lookup(ActorPath path)
    {
        if (_deploys.Count == 0) return null;
        var elements = path.Elements;
        return elements.Count < 2 || elements[0] != "user" ? null : Lookup(elements.Skip(1));
    }

    public Deploy Lookup(IEnumerable<string> path)
    {
        string[] elements = [.. path];
        lock (_deploys)
            return _deploys.LastOrDefault(d => d.Elements.Length == elements.Length
                && d.Elements.Zip(elements).All(p => p.First == p.Second || p.First == "*")).Deploy;
    }

    public void SetDeploy(Deploy deploy)
    {
        lock (_deploys) _deploys.Add((deploy.Path.Split('/', StringSplitOptions.RemoveEmptyEntries), deploy));
    }

    public virtual Deploy ParseConfig(string key, Config config) =>
        new(key, config, Routing.RouterFromConfig.Parse(config), Scope.Local, config.GetString("dispatcher", ""), config.GetString("mailbox", ""));
}
