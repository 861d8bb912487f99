using System.Text;
using Google.Protobuf.Reflection;
using Supervisor.Journal.V1;

namespace Supervisor.Tests.Actors.Persistence;

/// <summary>
/// Every field of every journalled message, with its number and type, in a committed file: a journal that is once written is read
/// by every later version, so a line there may be added and never changed or removed.
/// </summary>
public sealed class FieldNumbersTests
{
    private const string LockFile = "Supervisor.Protos/journal/v1/proto.lock";

    [Fact]
    public void Every_field_number_is_the_one_in_the_lock_file()
    {
        // Before a lock file is replaced, what it says must still hold.
        var file = Path.Join(Repository.Root, LockFile);
        var present = Lines().ToHashSet(StringComparer.Ordinal);
        if (File.Exists(file))
            Assert.All(File.ReadAllLines(file).Where(l => l.Length > 0), line => Assert.Contains(line, present));
        Golden.Verify(LockFile, string.Concat(Lines().Select(l => l + "\n")));
    }

    private static IEnumerable<string> Lines() => Files().SelectMany(f => f.MessageTypes)
        .SelectMany(Nested).OrderBy(m => m.FullName, StringComparer.Ordinal).SelectMany(Fields);

    private static IEnumerable<FileDescriptor> Files() =>
        [ContainerReflection.Descriptor, EventsReflection.Descriptor, ExecReflection.Descriptor, LeasesReflection.Descriptor,
            MetadataReflection.Descriptor,
         NamespacesReflection.Descriptor, TaskReflection.Descriptor];

    private static IEnumerable<MessageDescriptor> Nested(MessageDescriptor message) =>
        [message, .. message.NestedTypes.SelectMany(Nested)];

    private static IEnumerable<string> Fields(MessageDescriptor message) => message.Fields.InFieldNumberOrder().Select(f =>
    {
        var type = f.FieldType is FieldType.Message ? f.MessageType.FullName : f.FieldType.ToString();
        return new StringBuilder($"{message.FullName} {f.FieldNumber} {f.Name} ").Append(f.IsRepeated ? "repeated " : "")
            .Append(type).ToString();
    });

    [Fact]
    public void Every_file_of_the_journal_is_checked() => Assert.Equal(
        Directory.EnumerateFiles(Path.Join(Repository.Root, "Supervisor.Protos/journal/v1"), "*.proto")
            .Select(f => $"journal/v1/{Path.GetFileName(f)}").Order(),
        Files().Select(f => f.Name).Order());
}
