using Supervisor.Kernel.Files;
using Supervisor.Shim;

StandardStreams.FillMissing();
return Path.GetFileName(Environment.GetCommandLineArgs()[0]) is "supervisor-shim"
    ? ShimCommandLine.Run(args) : OciCommandLine.Run(args);
