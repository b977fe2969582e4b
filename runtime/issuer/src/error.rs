//! Why a token admits nobody.

/// Why a token admits nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is not good here.
    #[error(transparent)]
    Refused(#[from] RefusedTokenError),
    /// The token cannot be judged now: its issuer gives no keys, or no answer.
    #[error("the issuer {0} cannot be asked at the moment")]
    Unavailable(String),
}

/// What is wrong with a token. The text never repeats the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedTokenError {
    /// It is longer than [`MAX_TOKEN`](crate::MAX_TOKEN).
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// It is no JWT, and no issuer is asked about other tokens.
    #[error("this is neither a key nor a token that is known here")]
    Malformed,
    /// No configured issuer is its `iss`.
    #[error("the token's issuer is not known here")]
    Issuer,
    /// Its `typ` is not that of the issuer's access tokens.
    #[error("the token is no access token: its `typ` is another")]
    Type,
    /// It has a header that changes how it must be read.
    #[error("the token asks for an extension (`crit`), and none is known here")]
    Critical,
    /// Its `alg` is not one of the issuer's.
    #[error("the token's `alg` is none that its issuer may use here")]
    Algorithm,
    /// The issuer has no such key.
    #[error("the token is signed by a key that its issuer does not have")]
    Key,
    /// The signature is not that of the key.
    #[error("the token's signature is wrong")]
    Signature,
    /// It is meant for another resource.
    #[error("the token is meant for another resource: its `aud` is not this one")]
    Audience,
    /// It is over, or has no end.
    #[error("the token has expired, or has no `exp`")]
    Expired,
    /// It is not valid yet, or was issued in the future.
    #[error("the token is not valid yet")]
    Early,
    /// Its issuer says that it is not active: over, revoked, or never issued.
    #[error("the token's issuer says that it is not active")]
    Inactive,
    /// It does not name its bearer in a way that can be used.
    #[error("the token names no client: 1 to 128 letters, digits and any of `-_.@+|:/=~`")]
    Principal,
    /// Its groups cannot be read, or are too many.
    #[error("the token's groups cannot be used: at most 256 texts of at most 256 bytes")]
    Groups,
    /// Its groups are not in it.
    #[error(
        "the token does not hold its bearer's groups but says that they are elsewhere: have the issuer write fewer"
    )]
    GroupsElsewhere,
    /// Its claims for plugins are too large.
    #[error("the token's claims for plugins are larger than 4 KiB")]
    Claims,
}
