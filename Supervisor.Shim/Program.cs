using Supervisor.Shim;

return Path.GetFileName(Environment.GetCommandLineArgs()[0]) is "supervisor-shim" ? ShimCommandLine.Run(args) : OciCommandLine.Run(args);
