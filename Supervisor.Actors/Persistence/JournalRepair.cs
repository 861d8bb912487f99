using Akka.Configuration;
using Supervisor.Actors.Identity;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// Repairs a damaged or wrong journal before a start with --adopt or --forget: removes damaged rows, or sets the file aside,
/// and accepts what is left as the journal.
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
            var containers = condition.Damaged.Keys.Select(PersistenceIds.TryContainer).OfType<ContainerId>().ToHashSet();
            var lists = condition.Damaged.Keys.Where(id => PersistenceIds.TryContainer(id) is null)
                .ToHashSet(StringComparer.Ordinal);
            if (lists.FirstOrDefault(id => JournalContents.LossOf(id) is null) is { } whole)
                throw new JournalUnusableException(condition.Damaged[whole]);
            var copy = Copy(JournalConfig.FileIn(root));
            JournalFile.Remove(section, id =>
                lists.Contains(id) || (PersistenceIds.TryContainer(id) is { } container && containers.Contains(container)));
            return
            [
                .. containers.Select(
                    id => $"container {id}: its journal was damaged and is removed; a copy is kept in {copy}"),
                .. lists.Select(id =>
                    $"{condition.Damaged[id]}: its contents are lost: {JournalContents.LossOf(id)}; a copy is kept in {copy}"),
            ];
        }
        catch (JournalUnusableException e)
        {
            var aside = SetAside(JournalConfig.FileIn(root));
            return [$"{e.Message}: it is kept in {aside}, and a new one is created"];
        }
    }

    private static string SetAside(string file)
    {
        var aside = NameAside(file);
        foreach (var suffix in (string[])["-wal", "-shm", ""])
            if (File.Exists(file + suffix)) File.Move(file + suffix, aside + suffix, overwrite: true);
        return aside;
    }

    private static string Copy(string file)
    {
        var aside = NameAside(file);
        foreach (var suffix in (string[])["-wal", ""])
            if (File.Exists(file + suffix)) File.Copy(file + suffix, aside + suffix, overwrite: true);
        return aside;
    }

    private static string NameAside(string file) => $"{file}.damaged-{DateTime.UtcNow:yyyyMMdd'T'HHmmss}";
}
