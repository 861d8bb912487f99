using System.Runtime.CompilerServices;
using Supervisor.Protos;

namespace Supervisor.Tests;

/// <summary>
/// Set-up of the test process before its first test: many actor systems and daemons start in it at the same time.
/// </summary>
internal static class TestProcess
{
    /// <summary>
    /// The first callers of Akka's timer wheel block threads of the pool while they wait for a task of the pool; with a pool of
    /// two threads, the systems of several tests could delay all others for many seconds.
    /// </summary>
    [ModuleInitializer]
    internal static void Initialize()
    {
        ThreadPool.SetMinThreads(32, 32);
        Descriptors.Load();
    }
}
