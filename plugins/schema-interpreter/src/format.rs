//! Checks formats where the answer is certain. Only draft 7 asserts formats.

/// Whether the library checks this format in draft 7.
pub(crate) fn is_asserted(name: &str) -> bool {
    const NAMES: [&str; 19] = [
        "date",
        "date-time",
        "duration",
        "email",
        "hostname",
        "idn-email",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "iri",
        "iri-reference",
        "json-pointer",
        "regex",
        "relative-json-pointer",
        "time",
        "uri",
        "uri-reference",
        "uri-template",
        "uuid",
    ];
    NAMES.contains(&name)
}

/// Whether the text certainly has that format. False means "not certain", so the library must be asked.
pub(crate) fn is_surely(format: &str, text: &str) -> bool {
    match format {
        "date" => is_date(text.as_bytes()),
        "date-time" => is_date_time(text.as_bytes()),
        "email" => is_email(text),
        "uri" | "uri-reference" | "iri" | "iri-reference" => is_web_address(text),
        _ => false,
    }
}

/// Accepts only days 1 to 28, which every month has.
fn is_date(text: &[u8]) -> bool {
    has_shape(text, b"0000-00-00")
        && (1..=12).contains(&two(text, 5))
        && (1..=28).contains(&two(text, 8))
}

fn is_date_time(text: &[u8]) -> bool {
    let (Some(date), Some(time)) = (text.get(..10), text.get(10..19)) else {
        return false;
    };
    is_date(date)
        && has_shape(time, b"T00:00:00")
        && two(time, 1) < 24
        && two(time, 4) < 60
        && two(time, 7) < 60
        && is_zone(without_fraction(&text[19..]))
}

fn without_fraction(text: &[u8]) -> &[u8] {
    let Some(digits) = text.strip_prefix(b".") else {
        return text;
    };
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if (1..=9).contains(&count) {
        &digits[count..]
    } else {
        text
    }
}

fn is_zone(text: &[u8]) -> bool {
    text == b"Z"
        || ((has_shape(text, b"+00:00") || has_shape(text, b"-00:00"))
            && two(text, 1) < 24
            && two(text, 4) < 60)
}

/// Whether the text equals the shape, where a `0` of the shape stands for any digit.
fn has_shape(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            _ => byte == shape,
        })
}

fn two(text: &[u8], at: usize) -> u8 {
    (text[at] - b'0') * 10 + (text[at + 1] - b'0')
}

fn is_email(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'-'))
    };
    text.split_once('@').is_some_and(|(local, domain)| {
        local.len() <= 60 && local.split('.').all(is_word) && is_domain(domain)
    })
}

fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=60).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !label.contains("--")
    };
    name.len() <= 200 && name.contains('.') && name.split('.').all(is_label)
}

/// `http://` or `https://`, a host name and perhaps a port, without a user. The rest holds only characters that need no
/// encoding.
fn is_web_address(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return false;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(end);
    let (host, port) = host.split_once(':').unwrap_or((host, "80"));
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'/' | b'?' | b'-' | b'.' | b'_' | b'~' | b'=' | b'&' | b'+' | b',' | b':' | b'@'
            )
    };
    is_domain(host)
        && (1..=4).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && rest.strip_prefix('#').unwrap_or(rest).bytes().all(is_plain)
}
