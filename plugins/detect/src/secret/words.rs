//! The words at the end of a name that say what its value is. A new word is a new entry of a list.

/// A list of words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Harmless,
    Passwords,
    ShortPasswords,
    Tokens,
    ShortTokens,
    Weak,
    Tails,
}

/// The lists, in the order in which a name is compared with them.
const LISTS: [(List, &[&str]); 7] = [
    (List::Harmless, HARMLESS),
    (List::Passwords, PASSWORDS),
    (List::ShortPasswords, SHORT_PASSWORDS),
    (List::Tokens, TOKENS),
    (List::ShortTokens, SHORT_TOKENS),
    (List::Weak, WEAK),
    (List::Tails, TAILS),
];

const COUNT: usize = {
    let (mut count, mut list) = (0, 0);
    while list < LISTS.len() {
        count += LISTS[list].1.len();
        list += 1;
    }
    count
};

const PAIRS: usize = 1024;

/// The words by their two last letters: where those of each pair begin, and the words, within a pair in the order of
/// [`LISTS`]. A name is compared only with words that end as it does.
struct Index {
    first: [u16; PAIRS + 1],
    words: [(List, &'static str); COUNT],
}

static INDEX: Index = {
    let mut index = Index {
        first: [0; PAIRS + 1],
        words: [(List::Tails, ""); COUNT],
    };
    let mut list = 0;
    while list < LISTS.len() {
        let mut word = 0;
        while word < LISTS[list].1.len() {
            index.first[last_pair(LISTS[list].1[word]) + 1] += 1;
            word += 1;
        }
        list += 1;
    }
    let mut place = 0;
    while place < PAIRS {
        index.first[place + 1] += index.first[place];
        place += 1;
    }
    let mut next = index.first;
    let mut list = 0;
    while list < LISTS.len() {
        let mut word = 0;
        while word < LISTS[list].1.len() {
            let place = last_pair(LISTS[list].1[word]);
            index.words[next[place] as usize] = (LISTS[list].0, LISTS[list].1[word]);
            next[place] += 1;
            word += 1;
        }
        list += 1;
    }
    index
};

/// The words that end with these two letters, in the order of the lists.
pub(crate) fn ending_with(before_last: u8, last: u8) -> &'static [(List, &'static str)] {
    let place = pair(before_last, last);
    let (start, end) = (INDEX.first[place], INDEX.first[place + 1]);
    &INDEX.words[usize::from(start)..usize::from(end)]
}

const fn last_pair(word: &str) -> usize {
    let bytes = word.as_bytes();
    pair(bytes[bytes.len() - 2], bytes[bytes.len() - 1])
}

/// The place of two letters in the index.
const fn pair(first: u8, second: u8) -> usize {
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
