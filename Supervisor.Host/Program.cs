using Supervisor.Host.Cli;
using Supervisor.Kernel.Files;

StandardStreams.FillMissing();
return await CommandLine.RunAsync(args);
