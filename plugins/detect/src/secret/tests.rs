use super::*;

/// The kinds of what is found, and the text with each value replaced by `_`.
fn seen(text: &str) -> (Vec<&'static str>, String) {
    let mut found = Vec::new();
    scan(text, &mut found);
    let mut left = String::new();
    let mut done = 0;
    for secret in &found {
        left += &text[done..secret.start];
        left.push('_');
        done = secret.end;
    }
    left += &text[done..];
    (found.iter().map(|secret| secret.kind).collect(), left)
}

/// A text with its parts put together, so that no scanner takes this file for a leak.
fn text(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn keys_are_found_by_their_format() {
    for (parts, kind) in [
        (
            &["use gh", "p_75uk55s0jgd33792bsw1deat8kxnyrjw86b8 now"] as &[_],
            "github-token",
        ),
        (&["AK", "IAQ3EGPV7KXW5ZTN2M"], "aws-access-key"),
        (&["key: sk_", "live_4eC39HqLyjWDarjtT1zdp7dc"], "stripe-key"),
        (
            &[
                "xox",
                "b-781236542736-2364535789652-GkwFDQoHqzXDVsC6GzqYUypD",
            ],
            "slack-token",
        ),
        (&["(gl", "pat-24q46k6rd8ixxgse360r)."], "gitlab-token"),
        (
            &[
                "SG",
                ".n7an8-ius3hk1qxmks66v7.h4_y2u7969wlm78zh_ffvutvzfcyrx0vejic9xo12xv",
            ],
            "sendgrid-key",
        ),
        (
            &["first\\nnp", "m_7dz8h5rl7pcafcntbtu855f7azplwudza14i\\n"],
            "npm-token",
        ),
        (
            &[
                "https://hooks.slack",
                ".com/services/T3VG8QZ1K/B5MDP2X9R/x8Kq2LmZrTv4WyBn7Hs5Jd3F",
            ],
            "slack-webhook",
        ),
        (
            &["4839574813", ":AAFD39kkdpWt3ywyRZergyOLMaJhac61qcX"],
            "telegram-token",
        ),
        (
            &["bP8", "8Q~rcBcYjzzOhg1Hnn76Wm3jGgakZiZ.8vMgR"],
            "azure-client-secret",
        ),
    ] {
        let text = text(parts);
        assert_eq!(seen(&text).0, [kind], "{text}");
    }
}

#[test]
fn private_keys_are_covered_with_their_frame() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDAC4AWkdwKYSd8";
    for joint in ["\n", "\\n", "\" +\n\""] {
        let key =
            format!("-----BEGIN PRIVATE KEY-----{joint}{body}{joint}-----END PRIVATE KEY-----");
        let (kinds, left) = seen(&format!("a = \"{key}\" b"));
        assert_eq!(
            (kinds, &*left),
            (vec!["private-key"], "a = \"_\" b"),
            "{joint}"
        );
    }
    for harmless in [
        "-----BEGIN PRIVATE KEY-----\nanything\n-----END PRIVATE KEY-----".to_owned(),
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"),
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"),
        format!("ssh-rsa {body} ann@host"),
    ] {
        assert_eq!(seen(&harmless).1, harmless);
    }
}

#[test]
fn names_make_random_values_secrets() {
    for (line, left) in [
        ("password = \"Tr0ub4dor&3\"", "password = \"_\""),
        (
            "{\\\"client_secret\\\": \\\"x9Kq2LmZ8rTv4WyB\\\"}",
            "{\\\"client_secret\\\": \\\"_\\\"}",
        ),
        ("<password>Tr0ub4dor3x</password>", "<password>_</password>"),
        (
            "Server=db;User Id=sa;Password=Tr0ub4dor3x;",
            "Server=db;User Id=sa;Password=_;",
        ),
        ("X-Api-Key: x9Kq2LmZ8rTv4WyB", "X-Api-Key: _"),
        (
            "Authorization: Bearer x9Kq2LmZ8rTv4WyB",
            "Authorization: Bearer _",
        ),
        (
            "define('DB_PASSWORD', 'Tr0ub4dor3x');",
            "define('DB_PASSWORD', '_');",
        ),
        ("amqp://app:s3cretpw@queue/v", "amqp://app:_@queue/v"),
        (
            "curl -u ann:Tr0ub4dor3x https://a.b",
            "curl -u ann:_ https://a.b",
        ),
        ("wandb 8f14e45fceea167a5a36dedd4bea2543a1b2c3d4", "wandb _"),
    ] {
        assert_eq!(seen(line).1, left);
    }
}

#[test]
fn look_alikes_stay() {
    for line in [
        "password = os.environ[\"PASSWORD\"]",
        "password = getpass()",
        "password: string",
        "token = ${TOKEN}",
        "api_key = \"your-api-key-here\"",
        "api_key = \"xxxxxxxxxxxxxxxxxxxxxxxx\"",
        "secret: {{ .Values.secret }}",
        "commit 8f14e45fceea167a5a36dedd4bea2543a1b2c3d4",
        "\"integrity\": \"sha512-bGVhc3VyZS5sZWFzdXJlLmxlYXN1cmUubGVhc3VyZS4=\"",
        "id = 832d2129-a846-4e27-99f4-7004b6ad53ef",
        "nextPageToken: \"CAUQAA8f14e45fceea167a\"",
        "public_key = \"9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit\"",
        "const KEYS: &str = \"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\";",
        "postgres://app:${PASSWORD}@db/x",
        "postgres://app@db.internal",
        "keyPressed = kVK_Return.u16",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
        "jwt 1.2.3-beta.20231217",
        "const TOKEN_REGEX_PAT = \"(?:{hex}:{hex}|{ipv4})\"",
        "\"AWS::ApiGateway::ApiKey\": \"48205d4ffd7feba3\"",
    ] {
        assert_eq!(seen(line), (vec![], line.to_owned()));
    }
}

#[test]
fn kinds_are_sorted_and_many() {
    let kinds = kinds();
    assert!(kinds.is_sorted() && kinds.len() > 200);
}

#[test]
fn a_value_is_judged_by_the_name_of_its_member() {
    assert_eq!(
        member("password", "Tr0ub4dor3x").map(|secret| secret.kind),
        Some(PASSWORD)
    );
    assert_eq!(
        member("apiKey", "x9Kq2LmZ8rTv4WyB").map(|secret| secret.kind),
        Some(CREDENTIAL)
    );
    assert_eq!(member("apiKey", "none"), None);
    assert_eq!(member("note", "x9Kq2LmZ8rTv4WyB"), None);
    assert_eq!(member("password", ""), None);
}

#[test]
fn a_mark_is_not_masked_again_and_hides_nothing_after_it() {
    let found = |text: &str| {
        let mut found = Vec::new();
        scan(text, &mut found);
        found
            .iter()
            .map(|one| text[one.start..one.end].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found("password:\"[secret~credential]\""),
        Vec::<String>::new()
    );
    let after = found("password:\"[secret~credential]x9Kq2LmZ8rTv4WyB\"");
    assert_eq!(after, ["x9Kq2LmZ8rTv4WyB"]);
}

proptest::proptest! {
    #[test]
    fn any_text_can_be_scanned(text in "(?s)(password|token|[=:>\"'$~.|/@{}<\\\\ \n-]|://|eyJ|sk-|-----BEGIN PRIVATE KEY-----|\\PC|[A-Za-z0-9]{0,40}){0,24}") {
        let mut found = Vec::new();
        scan(&text, &mut found);
        let mut done = 0;
        for secret in &found {
            proptest::prop_assert!(done <= secret.start && secret.start < secret.end);
            proptest::prop_assert!(text.get(secret.start..secret.end).is_some());
            done = secret.end;
        }
        // What is masked stays so.
        let mut masked = String::new();
        let mut done = 0;
        for secret in &found {
            masked += &text[done..secret.start];
            masked += &format!("[secret~{}]", secret.kind);
            done = secret.end;
        }
        masked += &text[done..];
        let _ = member("password", &text);
        let mut again = Vec::new();
        scan(&masked, &mut again);
        for secret in &again {
            let value = &masked[secret.start..secret.end];
            proptest::prop_assert!(!value.starts_with("[secret~"), "{}", value);
        }
    }
}

#[test]
fn what_only_begins_like_a_key_costs_no_more_than_its_length() {
    for beginning in [
        "b3BlbnNzaC1rZXktdjE ",
        "PuTTY-User-Key-File-2: Private-Lines: ",
        "LS0tLS1CRUdJTi/",
    ] {
        let cost = |text: &str| {
            let text = text.repeat(200_000 / text.len());
            let began = std::time::Instant::now();
            assert_eq!(seen(&text).0.len(), 0, "{beginning}");
            began.elapsed()
        };
        // The same without the letters that a key begins with.
        let (one, other) = (cost(beginning), cost(&beginning.to_ascii_lowercase()));
        assert!(one < 12 * other, "{beginning}: {one:?}, {other:?}");
    }
}

#[test]
fn keys_without_a_frame_are_found() {
    let line = "AbQ3kz9Xw7LmP2rT5vYc8NdF1gHj4SaUe6BoZiKxWqCtMnRlVyGhDpEsJuFbOwIkXz2T9m";
    let unframed = format!(
        "b3BlbnNzaC1rZXktdjE{}\n{line}\n{line}\n{line}\n{line}\nAbQ3kz9Xw7LmP2rT5vYc8NdF1g",
        &line[19..]
    );
    let putty = format!(
        "PuTTY-User-Key-File-3: ssh-ed25519\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\n{}",
        &line[..48]
    );
    for key in [unframed, putty] {
        assert_eq!(
            seen(&format!("a {key}! b")),
            (vec!["private-key"], "a _! b".into()),
            "{key}"
        );
    }
}
