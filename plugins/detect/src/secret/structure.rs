//! Keys that are told by their structure: checksums, the JSON of a token's header, marks in fixed places.

/// The value of a character in base64, for URLs or not.
fn base64_value(byte: u8) -> Option<u32> {
    Some(
        match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        }
        .into(),
    )
}

/// Decodes the beginning of base64 into `into`. Returns what it holds then.
pub(crate) fn decoded<'b>(text: &[u8], into: &'b mut [u8]) -> &'b [u8] {
    let mut bits = 0u32;
    let mut count = 0;
    let mut length = 0;
    for value in text.iter().map_while(|byte| base64_value(*byte)) {
        bits = bits << 6 | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            let Some(place) = into.get_mut(length) else {
                break;
            };
            *place = (bits >> count & 0xFF) as u8;
            length += 1;
        }
    }
    &into[..length]
}

/// Whether a token's first part is a header: JSON with a member that headers of JOSE have (RFC 7515, RFC 7516).
pub(crate) fn is_jose_header(text: &[u8]) -> bool {
    let mut place = [0; 192];
    let json = decoded(text, &mut place);
    let trimmed = json.trim_ascii_start();
    let is_object = trimmed.first() == Some(&b'{');
    let has = |member: &[u8]| json.windows(member.len()).any(|part| part == member);
    is_object
        && [
            b"\"alg\"" as &[u8],
            b"\"typ\"",
            b"\"kid\"",
            b"\"enc\"",
            b"\"cty\"",
            b"\"x5t\"",
        ]
        .into_iter()
        .any(has)
}

/// Whether base64 hides a user and a password, as `Authorization: Basic` has them (RFC 7617).
pub(crate) fn is_basic_auth(text: &[u8]) -> bool {
    let mut place = [0; 96];
    let plain = decoded(text, &mut place);
    plain
        .iter()
        .position(|byte| *byte == b':')
        .is_some_and(|at| at > 2 && plain[..at].iter().all(|byte| (0x20..0x7F).contains(byte)))
}

/// Whether the last six characters of a token are the CRC-32 of the others in base 62, as tokens of GitHub and npm have
/// it.
pub(crate) fn has_crc(token: &[u8], prefix: usize) -> bool {
    let Some((front, check)) = token.split_last_chunk::<6>() else {
        return false;
    };
    let Some(front) = front.get(prefix..) else {
        return false;
    };
    let mut rest = crc32(front);
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(rest % 62) as usize];
        rest /= 62;
    }
    digits == *check
}

/// CRC-32 as in zlib. Bit by bit: it is asked for tokens only.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// A mark in a fixed place of keys of one length.
pub(crate) struct Mark {
    pub(crate) kind: &'static str,
    pub(crate) mark: &'static [u8],
    /// Where the mark begins.
    pub(crate) at: usize,
    /// Shortest and longest key.
    pub(crate) length: (usize, usize),
}

/// Keys of Azure and others that carry a mark in the middle. Services of Microsoft put four letters of theirs before the
/// checksum.
pub(crate) const MARKS: [Mark; 10] = [
    Mark {
        kind: "azure-devops-token",
        mark: b"AZDO",
        at: 76,
        length: (84, 84),
    },
    Mark {
        kind: "azure-key",
        mark: b"JQQJ9",
        at: 52,
        length: (84, 84),
    },
    Mark {
        kind: "azure-function-key",
        mark: b"AzFu",
        at: 44,
        length: (52, 56),
    },
    Mark {
        kind: "azure-search-key",
        mark: b"AzSe",
        at: 42,
        length: (52, 52),
    },
    Mark {
        kind: "azure-cache-key",
        mark: b"AzCa",
        at: 33,
        length: (43, 44),
    },
    Mark {
        kind: "azure-batch-key",
        mark: b"ABa",
        at: 76,
        length: (86, 88),
    },
    Mark {
        kind: "azure-storage-key",
        mark: b"ASt",
        at: 77,
        length: (86, 88),
    },
    Mark {
        kind: "azure-cosmos-key",
        mark: b"ACDb",
        at: 76,
        length: (84, 88),
    },
    Mark {
        kind: "azure-container-registry-key",
        mark: b"ACR",
        at: 43,
        length: (52, 52),
    },
    Mark {
        kind: "openai-key",
        mark: b"T3BlbkFJ",
        at: 23,
        length: (51, 51),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_a_token_is_read() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        // A token made for this test: thirty characters and their checksum.
        let front = b"ghp_abcdefghijklmnopqrstuvwxyz1234";
        let mut rest = crc32(&front[4..]);
        let mut check = Vec::new();
        for _ in 0..6 {
            check.insert(
                0,
                b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                    [(rest % 62) as usize],
            );
            rest /= 62;
        }
        let token = [&front[..], &check].concat();
        assert!(has_crc(&token, 4));
        assert!(!has_crc(&token[..token.len() - 1], 4));
    }

    #[test]
    fn headers_of_tokens_are_json() {
        assert!(is_jose_header(b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"));
        assert!(!is_jose_header(b"eyJuYW1lIjoiYW5uIn0"));
        assert!(!is_jose_header(b"hello-world"));
    }

    #[test]
    fn basic_credentials_have_a_colon() {
        assert!(is_basic_auth(b"YWxhZGRpbjpvcGVuc2VzYW1l"));
        assert!(!is_basic_auth(b"aGVsbG8gd29ybGQ="));
    }
}
