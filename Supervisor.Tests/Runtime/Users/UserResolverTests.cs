using Supervisor.Runtime.Users;

namespace Supervisor.Tests.Runtime.Users;

public sealed class UserResolverTests
{
    private const string Passwd = """
        root:x:0:0:root:/root:/bin/sh
        # comment:x:1:1
        broken:x:notanumber:1::/:/bin/sh
        toolarge:x:4294967295:1::/:/bin/sh
        app:x:1000:1001:App:/home/app:/bin/sh
        1234:x:7:7:a number for a name:/:/bin/sh
        alone:x:2000:2000

        """;

    private const string Group = """
        root:x:0:
        app:x:1001:
        audio:x:29:app,other
        video:x:44:other,app
        staff:x:50:other
        app-too:x:1001:app
        4321:x:8:

        """;

    private static string? Files(string path) => path switch { "etc/passwd" => Passwd, "etc/group" => Group, _ => null };

    [Theory]
    [InlineData("root", 0, 0, "0")]
    [InlineData("app", 1000, 1001, "1001 29 44")]
    [InlineData("1000", 1000, 1001, "1001 29 44")] // a known id has the groups of the files
    [InlineData("app:staff", 1000, 50, "50")]     // an explicit group is the only one
    [InlineData("app:7", 1000, 7, "7")]
    [InlineData("5:audio", 5, 29, "29")]
    [InlineData("5", 5, 0, "0")]
    [InlineData("0:0", 0, 0, "0")]
    [InlineData("4294967294:4294967294", 4294967294, 4294967294, "4294967294")]
    [InlineData("1234", 1234, 0, "0")]            // digits are an id, even if the files have a user of that name
    [InlineData("alone", 2000, 2000, "2000")]
    public void A_user_is_found_by_name_or_number(string text, uint uid, uint gid, string groups)
    {
        var user = UserResolver.Resolve(text, Files);
        Assert.Equal((uid, gid, groups), (user.Uid, user.Gid, string.Join(' ', user.AdditionalGids)));
    }

    [Theory]
    [InlineData("4294967295")]   // means "no change" to the kernel
    [InlineData("4294967296")]   // CVE-2024-40635: wrapped to root elsewhere
    [InlineData("99999999999999999999")]
    [InlineData("0:4294967295")]
    [InlineData("0:4294967296")]
    [InlineData("-1")]
    [InlineData("+0")]
    [InlineData(" 0")]
    [InlineData("0 ")]
    [InlineData("0x0")]
    [InlineData("00")]
    [InlineData("0o0")]
    [InlineData("٠")]              // a digit, but not an ASCII one
    [InlineData("")]
    [InlineData(":")]
    [InlineData("0:")]
    [InlineData(":0")]
    [InlineData("0:0:0")]
    [InlineData("nobody")]
    [InlineData("app:nogroup")]
    [InlineData("broken")]
    [InlineData("toolarge")]
    [InlineData("comment")]
    [InlineData("# comment")]
    [InlineData("root\n")]
    [InlineData("../root")]
    public void Anything_else_is_an_error_and_never_root(string text)
    {
        var refused = Assert.Throws<UnknownUserException>(() => UserResolver.Resolve(text, Files));
        Assert.StartsWith($"--user: \"{text}\":", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_numbers_need_no_account_files() => Assert.Equal(
        (5u, 6u), UserResolver.Resolve("5:6", path => throw new UnknownUserException(path)) is var user
            ? (user.Uid, user.Gid) : default);

    [Fact]
    public void Without_account_files_only_numbers_are_users()
    {
        Assert.Equal(7u, UserResolver.Resolve("7", _ => null).Uid);
        Assert.Throws<UnknownUserException>(() => UserResolver.Resolve("root", _ => null));
    }

    [Fact]
    public void Any_text_is_the_user_it_spells_or_an_error()
    {
        const string Alphabet = "0123456789:ap rot-+x\t\0é٣";
        var random = new Random(40635);
        var resolved = 0;
        for (var i = 0; i < 50_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            try
            {
                var user = UserResolver.Resolve(text, Files);
                resolved++;
                var first = text.Split(':')[0];
                if (first.All(char.IsAsciiDigit)) Assert.Equal(first, user.Uid.ToString());
                else Assert.Contains(first, new[] { "root", "app" });
                if (user.Uid == 0) Assert.Contains(first, new[] { "0", "root" });
            }
            catch (UnknownUserException)
            {
                // most texts are refused
            }
        }
        Assert.InRange(resolved, 100, 49_000);
    }

    [Fact]
    public void Any_account_file_is_read_within_bounds()
    {
        const string Alphabet = "a:0,9x#\n\r-";
        var random = new Random(47262);
        for (var i = 0; i < 5_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            Assert.All(AccountFiles.Passwd(text), e =>
                Assert.True(e.Uid <= AccountFiles.LargestId && e.Gid <= AccountFiles.LargestId));
            Assert.All(AccountFiles.Group(text), e => Assert.True(e.Gid <= AccountFiles.LargestId && e.Name.Length > 0));
        }
    }
}
