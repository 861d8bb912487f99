namespace Supervisor.Registry.Transport;

/// <summary>Bodies that fit into memory.</summary>
internal static class BoundedBody
{
    /// <exception cref="RegistryException">ResourceExhausted: it is longer.</exception>
    internal static async Task<byte[]> ReadAsync(HttpResponseMessage answer, int longest, CancellationToken cancel)
    {
        await using var body = await answer.Content.ReadAsStreamAsync(cancel);
        var buffer = new MemoryStream();
        var piece = new byte[16 * 1024];
        while (await body.ReadAsync(piece, cancel) is > 0 and var got)
        {
            if (buffer.Length + got > longest)
                throw new RegistryException(
                    RegistryFault.ResourceExhausted,
                        $"{answer.RequestMessage?.RequestUri}: the answer is longer than {longest} bytes");
            buffer.Write(piece, 0, got);
        }
        return buffer.ToArray();
    }
}
