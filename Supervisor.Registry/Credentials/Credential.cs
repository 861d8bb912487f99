namespace Supervisor.Registry.Credentials;

/// <summary>What a registry or its token server is shown.</summary>
/// <param name="User">Empty with a token.</param>
/// <param name="Secret">The password, or the token.</param>
/// <param name="Kind">What the secret is.</param>
public sealed record Credential(string User, string Secret, CredentialKind Kind)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Kind} of {(User.Length > 0 ? User : "a token")}"; // never the secret
}

/// <summary>What the secret of a <see cref="Credential"/> is.</summary>
public enum CredentialKind
{
    /// <summary>A password: for basic authentication, or to get a token.</summary>
    Password,

    /// <summary>An identity token: to get access tokens by OAuth 2's refresh_token grant.</summary>
    Refresh,

    /// <summary>The whole value of the header Authorization.</summary>
    Header,
}

/// <summary>Looks up credentials for a registry's host; null if there are none.</summary>
/// <param name="host">As in the name of the image, or of the mirror that asks.</param>
public delegate Task<Credential?> FindCredential(string host, CancellationToken cancel);
