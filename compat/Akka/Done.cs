namespace Akka;

/// <summary>The result of an asynchronous action that has nothing to tell but that it is finished.</summary>
public sealed class Done
{
    private Done() { }
    public static readonly Done Instance = new();
}
