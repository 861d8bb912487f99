using System.Collections.Concurrent;

namespace Akka.Util;

public static class TypeExtensions
{
    /// <summary>"Namespace.Type, Assembly": survives a new version of the assembly.</summary>
    public static string TypeQualifiedName(this Type type) => QualifiedNames.GetOrAdd(type, static t => Shorten(t));

    private static readonly ConcurrentDictionary<Type, string> QualifiedNames = new();

    private static string Shorten(Type type)
    {
        var core = type.Assembly.GetName().Name is "System.Private.CoreLib" ? "" : ", " + type.Assembly.GetName().Name;
        if (!type.IsGenericType) return type.FullName + core;
        var arguments = string.Join(",", type.GetGenericArguments().Select(a => "[" + Shorten(a) + "]"));
        return type.GetGenericTypeDefinition().FullName + "[" + arguments + "]" + core;
    }
}
