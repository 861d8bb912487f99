namespace Supervisor.Tests.Fuzz;

/// <summary>A parser, and how inputs for it are made.</summary>
/// <param name="Name">As it is printed; the directory of its fixtures.</param>
/// <param name="Share">Of a thousand inputs, how many are its.</param>
/// <param name="Make">One input, from nothing but the numbers that it is given.</param>
/// <param name="Read">
/// Whether the input was accepted; false for the parser's own refusal, which must say what is wrong. Whatever else is thrown is a
/// finding, and so is an answer that breaks what the parser promises.
/// </param>
internal sealed record FuzzTarget(string Name, int Share, Func<Random, byte[]> Make, Func<byte[], bool> Read);

/// <summary>What a run over one parser found.</summary>
/// <param name="Inputs">How many were read.</param>
/// <param name="Accepted">How many of them the parser took.</param>
/// <param name="Finding">The first input that was not parsed or refused as it should be, and what happened; null for
/// none.</param>
internal sealed record FuzzResult(string Name, long Inputs, long Accepted, string? Finding);
