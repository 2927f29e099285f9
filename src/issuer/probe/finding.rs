//! What a probe can find. The codes are API: scripts branch on them, docs/doctor.md lists them.

/// How bad a finding is; the worst one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// It works, and is probably not meant so.
    Warning,
    /// Nobody can tell now: something could not be reached.
    CannotTell,
    /// Tokens or credentials will be refused until somebody mends it.
    Problem,
}

impl Severity {
    /// The word for it, in the output and in docs/doctor.md.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::CannotTell => "cannot_tell",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was found about an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub code: Code,
    /// What was seen, in one sentence on one line; never a secret, nor the body of an answer.
    pub message: String,
}

impl Finding {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Makes the enum and its table of one list, so that no code can be missing in either.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $code:literal, $severity:ident, $change:literal;)+) => {
        /// What was found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl Code {
            /// All of them, in the order of the output.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its stable name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)+
                }
            }

            /// What to change; empty where there is nothing.
            pub fn change(self) -> &'static str {
                match self {
                    $(Self::$name => $change,)+
                }
            }
        }
    };
}

codes! {
    /// The discovery document is there, and is the configured issuer's.
    Discovery = "discovery", Ok, "";
    /// Nothing that is configured needs a discovery document.
    DiscoveryNotAsked = "discovery_not_asked", Ok, "";
    /// No answer, or one that says "later".
    DiscoveryUnreachable = "discovery_unreachable", CannotTell,
        "Check `issuer`, the network, the certificate and the provider's own status, then ask again.";
    /// `issuer` is plain http.
    DiscoveryPlainHttp = "discovery_plain_http", Problem,
        "Write `issuer` with https; `allow_http: true` is for test systems only.";
    /// The answer's status says that there is no such document.
    DiscoveryRefused = "discovery_refused", Problem,
        "Correct `issuer`; if the provider has no discovery document, write `jwks_uri`.";
    /// A redirect, which is never followed.
    DiscoveryRedirected = "discovery_redirected", Problem,
        "Write `issuer` exactly as the provider does, or `jwks_uri`: redirects are never followed.";
    /// Longer than `keys.max_bytes`.
    DiscoveryTooLong = "discovery_too_long", Problem,
        "Check that `issuer` leads to the provider; if it does, raise `keys.max_bytes`.";
    /// Not a JSON object with unique names: often a login page.
    DiscoveryMalformed = "discovery_malformed", Problem,
        "Correct `issuer`: something else than the provider's discovery document answers there.";
    /// The document is about another issuer.
    IssuerDiffers = "issuer_differs", Problem,
        "Write as `issuer` what the tokens' `iss` says, byte for byte; if that is what is written, the provider has to correct its document, and `jwks_uri` does without it.";
    /// No `jwks_uri`, or one that is no address.
    JwksUriMissing = "jwks_uri_missing", Problem,
        "Write `jwks_uri` into the configuration; the provider's document does not say where its keys are.";
    /// `jwks_uri` is plain http beyond loopback.
    JwksUriPlainHttp = "jwks_uri_plain_http", Problem,
        "Have the provider publish its keys over https: over http anybody on the way can replace them.";
    /// `jwks_uri` is on another host than the issuer.
    JwksUriElsewhere = "jwks_uri_elsewhere", Warning,
        "Nothing, if that host is the provider's own, too; otherwise ask the provider.";
    /// Usable keys were found.
    Keys = "keys", Ok, "";
    /// The issuer's tokens are verified with a shared secret.
    SharedSecret = "shared_secret", Ok, "";
    /// It is not known where the keys are.
    KeysNotTried = "keys_not_tried", CannotTell, "Mend what is said about the discovery document first.";
    /// No answer, or one that says "later".
    KeysUnreachable = "keys_unreachable", CannotTell,
        "Check `jwks_uri`, the network, the certificate and the provider's own status, then ask again.";
    /// The answer's status says that there is no key set.
    KeysRefused = "keys_refused", Problem,
        "Correct `jwks_uri`, or have the provider correct it in its discovery document.";
    /// A redirect, which is never followed.
    KeysRedirected = "keys_redirected", Problem,
        "Write `jwks_uri` as the address that answers itself: redirects are never followed.";
    /// Longer than `keys.max_bytes`.
    KeysTooLong = "keys_too_long", Problem, "Raise `keys.max_bytes` if the provider's key set is that long.";
    /// Not a JSON object with an array `keys`.
    KeysMalformed = "keys_malformed", Problem,
        "Correct `jwks_uri` or `jwks_file`: there is something else than a key set.";
    /// More keys than `keys.max_keys`.
    KeysTooMany = "keys_too_many", Problem, "Raise `keys.max_keys` if the provider publishes that many.";
    /// `jwks_file` cannot be read.
    KeysUnreadable = "keys_unreadable", Problem, "Correct `jwks_file`, or who may read it.";
    /// Discovery and key set together take longer than `keys.timeout`.
    KeysSlow = "keys_slow", Problem,
        "Raise `keys.timeout`: it has to suffice for the discovery document and the key set together.";
    /// There is no key for signatures in the set.
    KeysEmpty = "keys_empty", Problem,
        "Have the provider publish its keys; until then every token is refused as UNKNOWN_KEY.";
    /// There are keys, and none can be used.
    KeysUnusable = "keys_unusable", Problem,
        "Correct what is said about each key: most often `algorithms` does not allow what the keys can do.";
    /// Some keys cannot be used.
    KeyUnusable = "key_unusable", Warning,
        "Nothing, unless tokens are signed with these keys; then the provider has to publish them correctly.";
    /// A private or a shared key is published.
    KeyNotPublic = "key_not_public", Problem,
        "Tell the provider at once, and trust nothing that these keys sign: everybody can sign with them.";
    /// Some keys can do only what `algorithms` does not allow.
    KeyNotAllowed = "key_not_allowed", Warning,
        "Add the algorithm to `algorithms` if tokens are signed with these keys.";
    /// Different keys share a `kid` and an algorithm.
    KeyIdRepeated = "key_id_repeated", Warning,
        "Have the provider give each key a `kid` of its own: signatures are tried with every one of them.";
    /// Keys without `kid`.
    KeyIdMissing = "key_id_missing", Warning,
        "Have the provider give each key a `kid`: a token that names a key never finds these.";
    /// What tokens may be signed with.
    Algorithms = "algorithms", Ok, "";
    /// The provider says that it signs ID tokens with nothing that could be verified.
    AlgorithmsDiffer = "algorithms_differ", Problem,
        "Write into `algorithms` what the provider signs with, or have the provider sign with what it publishes keys for.";
    /// `algorithms` lists what no key can do.
    AlgorithmWithoutKey = "algorithm_without_key", Warning,
        "Remove it from `algorithms`, unless the provider is about to publish such a key.";
    /// The two clocks agree.
    Clock = "clock", Ok, "";
    /// The clocks differ by more than `leeway`.
    ClockDiffers = "clock_differs", Problem,
        "Synchronise this machine's clock (`timedatectl`, NTP); if it is right, the provider's is wrong, and only a larger `leeway` helps.";
    /// The clocks differ by more than half of `leeway`.
    ClockDrifts = "clock_drifts", Warning,
        "Synchronise this machine's clock (`timedatectl`, NTP) before the difference exceeds `leeway`.";
    /// No answer had a readable `Date`.
    ClockUnknown = "clock_unknown", Warning, "Compare this machine's clock with another source (`timedatectl`).";
    /// No clients are configured.
    ClientsNone = "clients_none", Ok, "";
    /// It is not known where the token endpoint is, or whose it is.
    ClientsNotTried = "clients_not_tried", CannotTell,
        "Mend what is said about the discovery document first; credentials go to the configured issuer only.";
    /// The discovery document has no `token_endpoint`.
    TokenEndpointMissing = "token_endpoint_missing", Problem,
        "Remove `clients`, or have the provider say in its discovery document where its token endpoint is.";
    /// `token_endpoint` is plain http beyond loopback; no credentials were sent.
    TokenEndpointPlainHttp = "token_endpoint_plain_http", Problem,
        "Have the provider offer its token endpoint over https: over http everybody on the way reads the secret.";
    /// No answer, or one that says "later".
    TokenEndpointUnreachable = "token_endpoint_unreachable", CannotTell,
        "Check the network, the certificate and the provider's own status, then ask again.";
    /// An answer that no token endpoint gives.
    TokenEndpointWrong = "token_endpoint_wrong", Problem,
        "Have the provider correct `token_endpoint` in its discovery document: there is something else.";
    /// An error that says nothing about the credentials.
    TokenEndpointUnclear = "token_endpoint_unclear", CannotTell,
        "Check that the client may use the grant `refresh_token`, and look into the provider's log for a token that begins with `countersign-doctor-`.";
    /// A random refresh token was exchanged for tokens.
    TokenEndpointCareless = "token_endpoint_careless", Problem,
        "Stop using this provider for sessions: it hands out tokens for refresh tokens that it never issued.";
    /// The credentials are accepted.
    Client = "client", Ok, "";
    /// The credentials are refused.
    ClientRefused = "client_refused", Problem,
        "Compare the client's `id`, `secret` (or `key`, `key_id` and `algorithm`) and `auth` with its registration at the provider.";
    /// The client may not refresh tokens, or is unknown.
    ClientNotPermitted = "client_not_permitted", Problem,
        "Allow the grant `refresh_token` for this client at the provider, and check its `id`.";
    /// The provider does not list the configured way to authenticate.
    ClientMethodUnlisted = "client_method_unlisted", Warning,
        "Set `auth` to a method that the provider lists. Where it has a list, no token is exchanged by another method.";
}
