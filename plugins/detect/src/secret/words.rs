//! The words at the end of a name that say what its value is. A new word is a new entry of a list.

/// Which lists have a word with these two last letters, as bits.
pub(crate) static LISTS: [u8; 1024] = {
    let lists = [
        (HARMLESS, HAS_HARMLESS),
        (PASSWORDS, HAS_PASSWORDS),
        (SHORT_PASSWORDS, HAS_PASSWORDS),
        (TOKENS, HAS_TOKENS),
        (SHORT_TOKENS, HAS_TOKENS),
        (WEAK, HAS_WEAK),
        (TAILS, HAS_TAILS),
    ];
    let mut table = [0; 1024];
    let mut list = 0;
    while list < lists.len() {
        let (words, bit) = lists[list];
        let mut word = 0;
        while word < words.len() {
            let bytes = words[word].as_bytes();
            table[pair(bytes[bytes.len() - 2], bytes[bytes.len() - 1])] |= bit;
            word += 1;
        }
        list += 1;
    }
    table
};

pub(crate) const HAS_HARMLESS: u8 = 1;
pub(crate) const HAS_PASSWORDS: u8 = 1 << 1;
pub(crate) const HAS_TOKENS: u8 = 1 << 2;
pub(crate) const HAS_WEAK: u8 = 1 << 3;
pub(crate) const HAS_TAILS: u8 = 1 << 4;
pub(crate) const SIGNS: u8 = HAS_HARMLESS | HAS_PASSWORDS | HAS_TOKENS | HAS_WEAK;

/// The place of two letters in [`LISTS`].
pub(crate) const fn pair(first: u8, second: u8) -> usize {
    (first as usize & 31) << 5 | (second as usize & 31)
}

/// Words for a password.
pub(crate) const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "passcode",
    "kennwort",
    "senha",
    "motdepasse",
    "contrasena",
    "pswd",
    "passwrd",
    "pasword",
    "userpass",
    "wachtwoord",
];

/// Words for a password that other words end with too.
pub(crate) const SHORT_PASSWORDS: &[&str] = &["pass", "pwd", "pw", "psw", "mdp"];

/// What stands before a short word for a password without a joint.
pub(crate) const JOINED: &[&str] = &[
    "db", "pg", "mysql", "my", "user", "admin", "root", "smtp", "ftp", "mail", "sql", "ssh",
];

/// Words for a credential.
pub(crate) const TOKENS: &[&str] = &[
    "secret",
    "secrets",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "passkey",
    "cryptkey",
    "aeskey",
    "hmackey",
    "jwtkey",
    "deploykey",
    "restkey",
    "rootkey",
    "managementkey",
    "ingestionkey",
    "privatekey",
    "authkey",
    "accountkey",
    "sharedkey",
    "masterkey",
    "encryptionkey",
    "signingkey",
    "servicekey",
    "serverkey",
    "clientkey",
    "appkey",
    "applicationkey",
    "consumerkey",
    "licensekey",
    "licencekey",
    "subscriptionkey",
    "functionkey",
    "storagekey",
    "adminkey",
    "webhookkey",
    "credential",
    "credentials",
    "authorization",
    "bearer",
    "secretkeybase",
    "accesskeysecret",
    "integrationkey",
    "unsealkey",
    "developerkey",
    "primarykeysecret",
];

/// Words for a credential that other words end with too.
pub(crate) const SHORT_TOKENS: &[&str] = &[
    "pat",
    "auth",
    "jwt",
    "sas",
    "sastoken",
    "creds",
    "cred",
    "iokey",
    "writekey",
    "ingestkey",
];

/// Words that may name a credential.
pub(crate) const WEAK: &[&str] = &[
    "key", "access", "private", "api", "keys", "tok", "login", "keyid",
];

/// Words at the end of a name that say nothing.
pub(crate) const TAILS: &[&str] = &[
    "value",
    "val",
    "string",
    "str",
    "text",
    "plain",
    "plaintext",
    "raw",
    "prod",
    "production",
    "dev",
    "test",
    "live",
    "staging",
    "stage",
    "env",
    "default",
    "new",
    "old",
    "current",
    "base",
    "encoded",
    "is",
    "was",
    "as",
    "to",
    "set",
    "equals",
    "here",
    "header",
    "hex",
    "me",
];

/// Names that end like a credential and are none.
pub(crate) const HARMLESS: &[&str] = &[
    "publickey",
    "pubkey",
    "publictoken",
    "csrftoken",
    "csrf",
    "xsrftoken",
    "authenticitytoken",
    "verificationtoken",
    "pagetoken",
    "nexttoken",
    "startingtoken",
    "paginationtoken",
    "continuationtoken",
    "continuetoken",
    "synctoken",
    "resumetoken",
    "cursortoken",
    "cancellationtoken",
    "cancelationtoken",
    "cancelltoken",
    "canceltoken",
    "progresstoken",
    "primarykey",
    "foreignkey",
    "partitionkey",
    "sortkey",
    "cachekey",
    "bucketkey",
    "objectkey",
    "rowkey",
    "routingkey",
    "idempotencykey",
    "translationkey",
    "groupkey",
    "hashkey",
    "rangekey",
    "sitekey",
    "issuekey",
    "projectkey",
    "keytoken",
    "keyword",
    "compass",
    "bypass",
    "hash",
    "checksum",
    "digest",
    "fingerprint",
    "etag",
    "revision",
    "commit",
    "sha",
    "integrity",
    "publishablekey",
    "storekey",
    "filekey",
    "figmafilekey",
    "tokentype",
    "accesspoint",
];
