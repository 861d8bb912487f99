namespace Akka.Actor;

/// <summary>Marks an object of which a system has one.</summary>
public interface IExtension;

public interface IExtensionId
{
    object Apply(ActorSystem system);
    object CreateExtension(ExtendedActorSystem system);
    Type ExtensionType { get; }
}

public interface IExtensionId<out T> : IExtensionId where T : IExtension
{
    new T Apply(ActorSystem system);
    new T CreateExtension(ExtendedActorSystem system);
}

public abstract class ExtensionIdProvider<T> : IExtensionId<T> where T : IExtension
{
    public T Apply(ActorSystem system) => (T)system.RegisterExtension(this);
    public abstract T CreateExtension(ExtendedActorSystem system);
    public Type ExtensionType => typeof(T);
    object IExtensionId.Apply(ActorSystem system) => Apply(system);
    object IExtensionId.CreateExtension(ExtendedActorSystem system) => CreateExtension(system);
    public override bool Equals(object obj) => obj is T;
    public override int GetHashCode() => typeof(T).GetHashCode();
}

public static class ActorSystemWithExtensions
{
    /// <summary>Registers it when it is not there yet.</summary>
    public static T WithExtension<T, TI>(this ActorSystem system) where T : class, IExtension where TI : IExtensionId =>
        system.GetExtension<T>() ?? (T)system.RegisterExtension(Activator.CreateInstance<TI>());
}
