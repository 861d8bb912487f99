using Supervisor.Actors.Identity;

namespace Supervisor.Host.Services;

/// <summary>An event's topic: <c>/</c> and identifiers joined by <c>/</c>, e.g. <c>/tasks/exit</c>.</summary>
internal static class EventTopic
{
    /// <summary>Far more than any topic in use.</summary>
    public const int MaximumLength = 1024;

    /// <exception cref="InvalidFieldException">It is not a topic.</exception>
    public static string Check(string topic, string field)
    {
        if (topic.Length > MaximumLength) throw new InvalidFieldException(field, $"longer than {MaximumLength} characters");
        if (topic.Length < 2 || topic[0] != '/')
            throw new InvalidFieldException(field, $"\"{topic}\" must start with '/' and name something");
        foreach (var component in topic[1..].Split('/')) Identifier.Check(component, field);
        return topic;
    }
}
