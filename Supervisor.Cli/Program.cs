using Supervisor.Cli.Verbs;
using Supervisor.Kernel.Files;

StandardStreams.FillMissing();
return await CommandLine.RunAsync(args);
