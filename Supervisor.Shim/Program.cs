using Supervisor.Kernel.Files;
using Supervisor.Shim;

StandardStreams.FillMissing();
return Path.GetFileName(Environment.GetCommandLineArgs()[0]) switch
{
    "supervisor-shim" => ShimCommandLine.Run(args),
    ContainerdCommandLine.Name => ContainerdCommandLine.Run(args),
    _ => OciCommandLine.Run(args),
};
