using Akka.Configuration;
using Supervisor.Actors.Identity;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// Repairs a damaged or wrong journal before a start with --adopt or --forget: removes damaged rows, or sets the file aside,
/// and accepts what is left as the journal.
/// </summary>
/// <param name="config">With the journal's keys.</param>
/// <param name="registry">The event that registers these containers.</param>
internal sealed class JournalRepair(
    Config config, string root, string state, Func<IEnumerable<ContainerId>, ReplacingEvent> registry)
{
    /// <returns>What was done, for the operator.</returns>
    public IReadOnlyList<string> Run()
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
            var copy = Copy(JournalConfig.FileIn(root));
            JournalFile.Remove(
                section,
                id => lists.Contains(id) || (PersistenceIds.TryContainer(id) is { } container && containers.Contains(container)),
                lists.Contains(JournalContents.Registry) ? Rebuilt : null);
            return
            [
                .. containers.Select(
                    id => $"container {id}: its journal was damaged and is removed; a copy is kept in {copy}"),
                .. lists.Select(id =>
                    $"{condition.Damaged[id]}, of \"{id}\": its contents are lost: {JournalContents.LossOf(id)}; "
                    + $"a copy is kept in {copy}"),
            ];
        }
        catch (JournalUnusableException e)
        {
            var aside = SetAside(JournalConfig.FileIn(root));
            return [$"{e.Message}: it is kept in {aside}, and a new one is created"];
        }
    }

    /// <summary>
    /// Rebuilds a damaged registry of containers from the containers' own rows, so that one damaged row does not keep the
    /// daemon from starting. Damaged rows of others stay as they are.
    /// </summary>
    /// <returns>What was done, for the operator; null if there is no damage that can be repaired without a loss.</returns>
    public string? RebuildRegistry()
    {
        var section = config.GetConfig(SqlitePersistence.JournalConfigPath);
        var condition = JournalFile.Inspect(section);
        if (condition.Unusable is not null || !condition.Damaged.TryGetValue(JournalContents.Registry, out var damage))
            return null;
        var copy = Copy(JournalConfig.FileIn(root));
        JournalFile.Remove(section, JournalContents.IsDispensable, Rebuilt);
        return $"the registry of containers was damaged ({damage}): it is rebuilt from the containers' own rows, and none is "
            + $"lost; a copy is kept in {copy}";
    }

    private ReplacingEvent Rebuilt(IReadOnlySet<string> left) =>
        registry(left.Select(PersistenceIds.TryContainer).OfType<ContainerId>().Distinct());

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
