using Supervisor.Host.Commands;
using Supervisor.Kernel.Files;

StandardStreams.FillMissing();
return await DaemonCommandLine.RunAsync(args);
