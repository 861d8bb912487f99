namespace Supervisor.Host.Arguments;

/// <summary>Suggestions for mistyped words.</summary>
internal static class Spelling
{
    /// <summary>The word with the smallest edit distance, at most two and less than its length; null for none.</summary>
    public static string? Nearest(string typed, IEnumerable<string> words) => words
        .Select(word => (word, slips: Slips(typed, word)))
        .Where(w => w.slips <= 2 && w.slips < w.word.Length)
        .OrderBy(w => w.slips).Select(w => w.word).FirstOrDefault();

    /// <summary>The edit distance of Damerau and Levenshtein: letters missing, added, replaced, or transposed.</summary>
    public static int Slips(string one, string other)
    {
        var cost = new int[one.Length + 1, other.Length + 1];
        for (var i = 0; i <= one.Length; i++)
            for (var j = 0; j <= other.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }
                var best = Math.Min(Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1,
                    cost[i - 1, j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                    best = Math.Min(best, cost[i - 2, j - 2] + 1);
                cost[i, j] = best;
            }
        return cost[one.Length, other.Length];
    }
}
