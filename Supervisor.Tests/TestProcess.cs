using System.Runtime.CompilerServices;
using Supervisor.Protos;

namespace Supervisor.Tests;

/// <summary>
/// What the test process needs before its first test: many actor systems and daemons start in it at the same time.
/// </summary>
internal static class TestProcess
{
    /// <summary>
    /// Akka's timer wheel makes its first callers wait on threads of the pool for a task of the pool; with two of them, the
    /// systems of several tests could hold up all others for many seconds.
    /// </summary>
    [ModuleInitializer]
    internal static void Initialize()
    {
        ThreadPool.SetMinThreads(32, 32);
        Descriptors.Load();
    }
}
