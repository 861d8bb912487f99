using Supervisor.Shim;

return Path.GetFileName(Environment.GetCommandLineArgs()[0]) is "supervisor-oci" ? OciCommandLine.Run(args) : ShimCommandLine.Run(args);
