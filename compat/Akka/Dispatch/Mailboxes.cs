using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;

namespace Akka.Dispatch;

/// <summary>Finds the mailbox for an actor: Props, then deployment, then what the actor's type requires, then the dispatcher, then the default.</summary>
public class Mailboxes(ActorSystem system)
{
    public static readonly string DefaultMailboxId = "akka.actor.default-mailbox";
    private readonly ConcurrentDictionary<string, MailboxType> _types = new();
    private readonly ConcurrentDictionary<Type, Type> _required = new();
    private readonly ConcurrentDictionary<Choice, MailboxType> _chosen = new();

    public Type GetRequiredType(Type actorType) => _required.GetOrAdd(actorType, static t => t.GetInterfaces()
        .Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRequiresMessageQueue<>))
        .Select(i => i.GetGenericArguments()[0]).FirstOrDefault());

    private static Type QueueOf(Type mailboxType) => mailboxType.GetInterfaces()
        .FirstOrDefault(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IProducesMessageQueue<>))?.GetGenericArguments()[0];

    public MailboxType LookupByQueueType(Type queueType)
    {
        foreach (var (name, value) in system.Settings.Config.GetConfig("akka.actor.mailbox.requirements").AsEnumerable())
            if (TypeCache.TryGet(name) == queueType)
                return Lookup(value.GetString());
        throw new ConfigurationException($"Mailbox Mapping for [{queueType}] not configured in akka.actor.mailbox.requirements");
    }

    /// <exception cref="ConfigurationException">No such section, no mailbox-type in it, or no such type.</exception>
    public MailboxType Lookup(string id) => _types.GetOrAdd(id, Make);

    private MailboxType Make(string id)
    {
        if (id == "unbounded") return new UnboundedMailbox(system.Settings, Config.Empty);
        if (!system.Settings.Config.HasPath(id)) throw new ConfigurationException($"Mailbox Type [{id}] not configured");
        var config = system.Settings.Config.GetConfig(id).WithFallback(system.Settings.Config.GetConfig(DefaultMailboxId));
        var typeName = config.GetString("mailbox-type");
        if (string.IsNullOrEmpty(typeName)) throw new ConfigurationException($"The setting mailbox-type defined in [{id}] is empty");
        var type = TypeCache.TryGet(typeName) ?? throw new ConfigurationException($"Found mailbox-type [{typeName}] in configuration for [{id}], but could not find that type in any loaded assemblies.");
        return (MailboxType)Activator.CreateInstance(type, system.Settings, config);
    }

    /// <summary>The same for all actors that are chosen for by the same: found once for each.</summary>
    public MailboxType GetMailboxType(Props props, Config dispatcherConfig)
    {
        var by = new Choice(props.Type, props.Deploy.Mailbox, dispatcherConfig);
        return _chosen.TryGetValue(by, out var there) ? there : _chosen[by] = Choose(props, dispatcherConfig);
    }

    private MailboxType Choose(Props props, Config dispatcherConfig)
    {
        var chosen = props.Deploy.Mailbox != Deploy.NoMailboxGiven ? props.Deploy.Mailbox
            : dispatcherConfig is not null && dispatcherConfig.HasPath("mailbox-type") ? dispatcherConfig.GetString("id") : null;
        var required = props.Type is null ? null : GetRequiredType(props.Type);
        if (chosen is null) return required is null ? Lookup(DefaultMailboxId) : Produces(Lookup(DefaultMailboxId), required) ? Lookup(DefaultMailboxId) : LookupByQueueType(required);
        var mailbox = Lookup(chosen);
        if (required is not null && !Produces(mailbox, required))
            throw new ArgumentException($"Actor type [{props.Type}] requires a mailbox of type [{required}], but mailbox [{chosen}] produces [{QueueOf(mailbox.GetType())}]", nameof(props));
        return mailbox;
    }

    /// <param name="Deployed">The mailbox that the Props name.</param>
    private sealed record Choice(Type Actor, string Deployed, Config Dispatcher);

    private static bool Produces(MailboxType mailbox, Type required) => QueueOf(mailbox.GetType()) is { } queue && required.IsAssignableFrom(queue);
}

/// <summary>"Namespace.Type, Assembly" to Type; null when there is none.</summary>
internal static class TypeCache
{
    private static readonly ConcurrentDictionary<string, Type> Types = new();

    public static Type TryGet(string name) => Types.TryGetValue(name, out var type) ? type : Remember(name);

    private static Type Remember(string name)
    {
        var type = Type.GetType(name, throwOnError: false)
            ?? (name.Contains(',') ? null : AppDomain.CurrentDomain.GetAssemblies().Select(a => a.GetType(name)).FirstOrDefault(t => t is not null));
        if (type is not null) Types[name] = type;
        return type;
    }
}
