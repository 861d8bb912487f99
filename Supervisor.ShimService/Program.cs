using Supervisor.Runtime.ShimClient;
using Supervisor.ShimService;

if (args is ["--version" or "-v"])
{
    Console.WriteLine($"{FrontArguments.Program} {typeof(FrontHost).Assembly.GetName().Version!.ToString(3)}");
    return 0;
}
if (FrontArguments.Parse(args) is not { } arguments)
{
    Console.Error.WriteLine($"{FrontArguments.Program}: a shim starts it; there is nothing to call by hand");
    return 64;
}
try
{
    return await FrontHost.RunAsync(arguments);
}
catch (Exception e) when (e is IOException or InvalidOperationException or TimeoutException)
{
    Console.Error.WriteLine($"{FrontArguments.Program}: {arguments.Container}: {e.Message}");
    return 1;
}
