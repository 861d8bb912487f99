namespace Supervisor.Tests.Fuzz;

/// <summary>A parser, and how inputs for it are made.</summary>
/// <param name="Name">As it is printed; the directory of its fixtures.</param>
/// <param name="Share">Its inputs per thousand of a run.</param>
/// <param name="Make">Makes one input, from nothing but the given random numbers.</param>
/// <param name="Read">
/// Whether the input was accepted; false for the parser's own refusal, which must say what is wrong. Any other exception is a
/// finding, and so is a result that breaks the parser's promises.
/// </param>
internal sealed record FuzzTarget(string Name, int Share, Func<Random, byte[]> Make, Func<byte[], bool> Read);

/// <summary>The result of a run over one parser.</summary>
/// <param name="Inputs">Number of inputs parsed.</param>
/// <param name="Accepted">Number of inputs accepted.</param>
/// <param name="Finding">The first input that was not parsed or refused correctly, and what happened; null for
/// none.</param>
internal sealed record FuzzResult(string Name, long Inputs, long Accepted, string? Finding);
