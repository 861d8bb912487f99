using Akka.Configuration;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Journal;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Recovery;

/// <summary>
/// Before a daemon starts that was told to go on with a journal that is not the one it was, or not whole: what is damaged is taken out of
/// it, or it is set aside, and what there is counts from now on.
/// </summary>
internal static class JournalRepair
{
    /// <param name="config">With the journal's keys.</param>
    /// <returns>What was done, for the operator.</returns>
    public static IReadOnlyList<string> Run(Config config, string root, string state)
    {
        File.Delete(JournalConfig.WitnessIn(state));
        var section = config.GetConfig(SqlitePersistence.JournalConfigPath);
        var condition = JournalFile.Inspect(section);
        if (condition is { Unusable: null, Damaged.Count: 0 }) return [];
        try
        {
            if (condition.Unusable is { } reason) throw new JournalUnusableException(reason);
            var lost = condition.Damaged.Keys.Select(PersistenceIds.TryContainer).ToHashSet();
            if (lost.Contains(null)) throw new JournalUnusableException(condition.Damaged.First(d => PersistenceIds.TryContainer(d.Key) is null).Value);
            JournalFile.Remove(section, id => lost.Contains(PersistenceIds.TryContainer(id)));
            return [.. lost.Select(id => $"container {id}: what the journal had of it was damaged and is removed")];
        }
        catch (JournalUnusableException e)
        {
            var aside = SetAside(JournalConfig.FileIn(root));
            return [$"{e.Message}: it is kept in {aside}, and a new one is begun"];
        }
    }

    private static string SetAside(string file)
    {
        var aside = $"{file}.damaged-{DateTime.UtcNow:yyyyMMdd'T'HHmmss}";
        foreach (var suffix in (string[])["-wal", "-shm", ""])
            if (File.Exists(file + suffix)) File.Move(file + suffix, aside + suffix, overwrite: true);
        return aside;
    }
}
