using Supervisor.Host.Cli;

return await CommandLine.RunAsync(args);
