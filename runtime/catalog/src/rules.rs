//! What no entry of a catalog may declare. A catalog is written by strangers: what an entry asks for is refused unless it
//! is known to give its server nothing that the operator did not give.

use sandgate_address::{AllowedHost, Host};
use sandgate_config::{Image, Package, Scalar, is_plain_variable};
use sandgate_text::printable;
use url::Url;

use crate::entry::{MOST, Offer, Part, Refusal, Runs, Text};

/// The longest name of an entry, in bytes.
const LONGEST_NAME: usize = 200;
/// The longest text of an entry that becomes part of a configuration, in bytes.
pub(crate) const LONGEST_TEXT: usize = 4096;
/// The longest description that is kept, in characters.
const LONGEST_DESCRIPTION: usize = 400;

const FILL_IN: &str = "<fill in:";
const SECRET_ARGUMENT: &str =
    "a secret stands in an argument, which every program of the machine can read";

/// Variables that change what program runs, what it loads or starts with, whom it trusts, or through which proxy it goes.
const STEERING: &str = "\
    PATH HOME SHELL ENV BASH_ENV IFS CDPATH PS4 PROMPT_COMMAND EDITOR VISUAL PAGER BROWSER TMPDIR HOSTALIASES \
    LOCPATH GCONV_PATH GLIBC_TUNABLES MALLOC_CHECK_ RES_OPTIONS PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONINSPECT \
    PYTHONEXECUTABLE PYTHONPLATLIBDIR PYTHONUSERBASE PYTHONBREAKPOINT PYTHONWARNINGS PYTHONPYCACHEPREFIX \
    PYTHONHTTPSVERIFY VIRTUAL_ENV PERL5LIB PERL5OPT PERL5DB PERLLIB RUBYLIB RUBYOPT GEM_HOME GEM_PATH \
    BUNDLE_GEMFILE CLASSPATH JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JAVA_HOME \
    DOTNET_STARTUP_HOOKS CORECLR_PROFILER CORECLR_PROFILER_PATH CORECLR_ENABLE_PROFILING LUA_PATH LUA_CPATH \
    LUA_INIT PHPRC PHP_INI_SCAN_DIR BUN_OPTIONS BUN_INSPECT OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES SSLKEYLOGFILE \
    DOCKER_HOST DOCKER_CONFIG CONTAINER_HOST SSH_AUTH_SOCK \
    SSH_ASKPASS DBUS_SESSION_BUS_ADDRESS";
/// Beginnings of such variables.
const STEERING_BEGINNINGS: &str = "LD_ DYLD_ NPM_CONFIG_ PIP_ UV_ GIT_ SANDGATE_ MALLOC_ BASH_FUNC_ XDG_ PODMAN_ NODE_ DENO_ SSL_CERT KRB5_";
/// What stands in such variables, and their end.
const STEERING_PARTS: [&str; 2] = ["_SSL_", "_CA_"];
const STEERING_END: &str = "_PROXY";
/// Variables that begin so and steer nothing.
const HARMLESS: &str = "NODE_ENV";
/// Programs that run what their arguments say.
const SHELLS: &str = "\
    sh bash dash ash zsh ksh fish busybox env eval exec cmd cmd.exe powershell \
    pwsh sudo su doas nsenter chroot unshare xargs find awk gawk timeout nohup nice setsid stdbuf script ssh gosu su-exec";
/// Programs that run what stands behind their options.
const INTERPRETERS: &str = "node nodejs deno bun python pypy perl ruby php lua tclsh osascript";
/// Their options that say nothing of what runs, or name a module of theirs.
const HARMLESS_OPTIONS: &str = "-m -u -B -w --enable-source-maps --no-warnings";
/// Ends of names that are known in somebody's own network alone.
const PRIVATE_ENDS: [&str; 8] = [
    ".local",
    ".localhost",
    ".internal",
    ".intranet",
    ".lan",
    ".corp",
    ".home",
    ".home.arpa",
];

fn is_one_of(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|one| one == word)
}

/// Judges an entry's name.
pub(crate) fn name(text: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let good = (1..=LONGEST_NAME).contains(&text.len())
        && text.chars().all(fits)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    match good {
        true => Ok(()),
        false => Err(Refusal::of(format!(
            "the name {} is not 1 to {LONGEST_NAME} ASCII letters, digits, `-`, `_`, `.` and `/`",
            shown(text)
        ))),
    }
}

/// Judges an entry's version: what may be written on a command line behind `@`.
pub(crate) fn version(text: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    match (1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(fits) {
        true => Ok(()),
        false => Err(Refusal::of(format!("the version {} is none", shown(text)))),
    }
}

/// A description, cut.
pub(crate) fn description(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(LONGEST_DESCRIPTION).collect();
    words.join(" ").chars().take(LONGEST_DESCRIPTION).collect()
}

/// What a secret is, where it is a part of a longer text.
pub(crate) fn whole(text: &str, form: &str) -> String {
    let form = description(form);
    match text.is_empty() {
        true => format!("whole: {form}"),
        false => format!("{text}; whole: {form}"),
    }
}

/// A stranger's text in an error: safe to print, and cut.
pub(crate) fn shown(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
        None => format!("\"{text}\""),
    }
}

/// A package in exactly one version.
pub(crate) fn package(ecosystem: &str, name: &str, version: Option<&str>) -> Result<Runs, Refusal> {
    let between = if ecosystem == "npm" { "@" } else { "==" };
    let Some(version) = version.filter(|version| !version.is_empty()) else {
        return Err(Refusal::of(format!(
            "the package {} has no version",
            shown(name)
        )));
    };
    let text = format!("{ecosystem}:{name}{between}{version}");
    let package = Package::read(&text).map_err(|mistake| {
        let what = format!("the package {}", shown(&text));
        Refusal::of(format!("{what} {}", mistake.why))
    })?;
    Ok(Runs::Package(package, None))
}

/// An image. A name without a registry is one of Docker's, as its engine reads it.
pub(crate) fn image(text: &str) -> Result<Image, Refusal> {
    let first = text.split('/').next().unwrap_or_default();
    let host = first.contains(['.', ':']) || first == "localhost";
    let whole = match (text.contains('/'), host) {
        (true, true) => text.to_owned(),
        (true, false) => format!("docker.io/{text}"),
        (false, _) => format!("docker.io/library/{text}"),
    };
    if text.contains('/') && host {
        let name = first.rsplit_once(':').map_or(first, |(name, _)| name);
        let name = name.to_ascii_lowercase();
        let is_private = PRIVATE_ENDS.iter().any(|end| name.ends_with(end));
        if AllowedHost::parse(first).is_err() || !name.contains('.') || is_private {
            let why = "is of this machine or of a private network, which no catalog knows";
            return Err(Refusal::of(format!("the image {} {why}", shown(text))));
        }
    }
    Image::read(&whole)
        .map_err(|mistake| Refusal::of(format!("the image {} {}", shown(text), mistake.why)))
}

/// A host that a server may reach.
pub(crate) fn host(text: &str) -> Result<AllowedHost, Refusal> {
    if text.starts_with("private:") {
        let why = "is private, which only the operator may allow";
        return Err(Refusal::of(format!("the host {} {why}", shown(text))));
    }
    AllowedHost::parse(text)
        .map_err(|error| Refusal::of(format!("the host {} {error}", shown(text))))
}

/// Judges a variable's name.
pub(crate) fn variable(name: &str) -> Result<(), Refusal> {
    if !is_plain_variable(name) {
        return Err(Refusal::of(format!(
            "{} is no variable's name",
            shown(name)
        )));
    }
    let upper = name.to_ascii_uppercase();
    let mut begins = STEERING_BEGINNINGS.split(' ');
    let steers = is_one_of(STEERING, &upper)
        || begins.any(|begin| upper.starts_with(begin))
        || STEERING_PARTS.iter().any(|part| upper.contains(part))
        || upper.ends_with(STEERING_END);
    let steers = steers && !is_one_of(HARMLESS, &upper);
    match steers {
        true => Err(Refusal::of(format!(
            "the variable {name} decides what its program loads, starts, trusts or connects to"
        ))),
        false => Ok(()),
    }
}

/// Judges a whole offer, once it is read.
pub(crate) fn offer(offer: &Offer) -> Result<(), Refusal> {
    let counts = [
        ("arguments", offer.args.len()),
        ("variables", offer.variables.len()),
        ("secrets", offer.secrets.len()),
        ("hosts", offer.hosts.len()),
        ("mounts", offer.mounts.len()),
        ("inputs", offer.inputs.len()),
    ];
    for (what, count) in counts {
        within(what, count)?;
    }
    let is_remote = matches!(offer.runs, Runs::Remote(_));
    arguments(offer)?;
    let mut names = Vec::new();
    let variables = offer.variables.iter().map(|one| &one.name);
    for name in variables.chain(offer.secrets.iter().map(|one| &one.name)) {
        match is_remote {
            true => header(name)?,
            false => variable(name)?,
        }
        let name = name.to_ascii_uppercase();
        if names.contains(&name) {
            return Err(Refusal::of(format!("{} is there twice", shown(&name))));
        }
        names.push(name);
    }
    for one in &offer.variables {
        for text in one.value.iter() {
            plain(&one.name, text)?;
        }
    }
    for input in &offer.inputs {
        let fits = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if input.name.len() > LONGEST_NAME || !input.name.bytes().all(fits) {
            let why = "has a name with characters that nobody types";
            return Err(Refusal::of(format!(
                "the value {} {why}",
                shown(&input.name)
            )));
        }
        within("choices", input.choices.len())?;
        if let Some(default) = &input.default {
            plain(&input.name, &Text::plain(default))?;
        }
    }
    for secret in &offer.secrets {
        for inject in secret.inject.iter() {
            within("hosts", inject.hosts.len())?;
            for one in &inject.hosts {
                host(one)?;
            }
            header(&inject.header)?;
            if let Some(format) = &inject.format {
                plain(&secret.name, &Text::plain(format))?;
            }
        }
    }
    for mount in &offer.mounts {
        inside(&mount.inside)?;
    }
    if let Runs::Package(_, Some(bin)) = &offer.runs {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=LONGEST_NAME).contains(&bin.len()) || !bin.chars().all(fits) {
            let why = "is no name of a program";
            return Err(Refusal::of(format!("{} {why}", shown(bin))));
        }
    }
    if let Runs::Remote(url) = &offer.runs {
        if offer.is_secret(url) {
            return Err(Refusal::of(
                "a secret stands in its URL, which logs and proxies read",
            ));
        }
        remote(url)?;
    }
    Ok(())
}

/// Judges how many there are of something, before anything is done with each.
pub(crate) fn within(what: &str, count: usize) -> Result<(), Refusal> {
    match count > MOST {
        true => Err(Refusal::of(format!(
            "it has {count} {what}; {MOST} are the most"
        ))),
        false => Ok(()),
    }
}

/// Reads a text of an entry, as [`Text::read`] does, if it is not endless.
pub(crate) fn text(
    text: &str,
    open: &str,
    close: &str,
    known: impl Fn(&str) -> Option<String>,
) -> Result<Text, Refusal> {
    if text.len() > LONGEST_TEXT {
        let why = format!("has more than {LONGEST_TEXT} bytes");
        return Err(Refusal::of(format!("the text {} {why}", shown(text))));
    }
    let text = Text::read(text, open, close, known);
    within("inputs", text.inputs().count())?;
    Ok(text)
}

/// Judges a header's name.
fn header(name: &str) -> Result<(), Refusal> {
    match name.len() <= LONGEST_NAME && http::HeaderName::from_bytes(name.as_bytes()).is_ok() {
        true => Ok(()),
        false => Err(Refusal::of(format!("{} is no header's name", shown(name)))),
    }
}

fn arguments(offer: &Offer) -> Result<(), Refusal> {
    let mut whole = Vec::new();
    for text in &offer.args {
        plain("an argument", text)?;
        if offer.is_secret(text) {
            return Err(Refusal::of(SECRET_ARGUMENT));
        }
        whole.push(text.with_defaults(offer));
    }
    filled(&whole)?;
    // Which argument is one is told by the option before it, whatever stands for its value.
    for (at, text) in whole.iter().enumerate() {
        let next = whole.get(at + 1).filter(|next| !next.starts_with('-'));
        let is_open = |at: usize| offer.args[at].inputs().next().is_some();
        let named = match text.split_once('=') {
            Some((option, value)) => Some((option, Some(value).filter(|_| !is_open(at)))),
            None => next.map(|value| {
                let value = Some(value.as_str()).filter(|_| !is_open(at + 1));
                (text.as_str(), value)
            }),
        };
        let named = named.filter(|(option, _)| option.starts_with('-'));
        let is_secret = |(option, value): (&str, Option<&str>)| {
            sandgate_import::is_secret(option.trim_start_matches('-'), value)
        };
        if named.is_some_and(is_secret) || sandgate_import::is_secret("", Some(text)) {
            return Err(Refusal::of(SECRET_ARGUMENT));
        }
    }
    Ok(())
}

/// Judges arguments as the program gets them.
pub(crate) fn filled(args: &[String]) -> Result<(), Refusal> {
    let first = args.first().map(String::as_str).unwrap_or_default();
    let program = first.rsplit('/').next().unwrap_or_default();
    let program = program.to_ascii_lowercase();
    let failed = |text: &str, why: &str| {
        let text = shown(text);
        Err(Refusal::of(format!("the argument {text} {why}")))
    };
    let other = "starts another program than the one that is named";
    if is_one_of(SHELLS, &program) {
        return failed(first, other);
    }
    // `python3.12` is Python.
    let bare = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if is_one_of(INTERPRETERS, bare) {
        let options = args.iter().skip(1).take_while(|arg| arg.starts_with('-'));
        let code = |arg: &&String| !is_one_of(HARMLESS_OPTIONS, arg);
        if let Some(option) = options.take_while(|arg| *arg != "-m").find(code) {
            return failed(option, "may be code that an interpreter runs");
        }
        if args
            .get(1)
            .is_some_and(|word| ["eval", "exec", "x"].contains(&word.as_str()))
        {
            return failed(first, other);
        }
    }
    for whole in args {
        let words = ["$(", "`", "&&", "||", ";", ">(", "<(", "| "];
        if let Some(word) = words.iter().find(|word| whole.contains(**word)) {
            let why = format!("has `{word}`, a word of a shell, and no shell is asked");
            return failed(whole, &why);
        }
    }
    Ok(())
}

/// Judges a text: no control characters, none that change how it reads, and not endless.
fn plain(what: &str, text: &Text) -> Result<(), Refusal> {
    for part in &text.0 {
        let Part::Plain(text) = part else { continue };
        if text.len() > LONGEST_TEXT {
            let why = format!("has more than {LONGEST_TEXT} bytes");
            return Err(Refusal::of(format!("the text of {} {why}", shown(what))));
        }
        if text.contains(FILL_IN) {
            let why = "has `<fill in:`, which stands for what the operator has still to write";
            return Err(Refusal::of(format!("the text of {} {why}", shown(what))));
        }
        if *text != printable(text) {
            let why = "has characters that are not seen or that steer a terminal";
            return Err(Refusal::of(format!("the text of {} {why}", shown(what))));
        }
    }
    Ok(())
}

/// Judges a value that takes the place of an input in an argument.
pub(crate) fn argument_value(name: &str, value: &str) -> Result<(), Refusal> {
    match value.starts_with('-') {
        true => Err(Refusal::of(format!(
            "the value of {} begins with `-`, and would be read as an option",
            shown(name)
        ))),
        false => Ok(()),
    }
}

/// Judges where a container sees a folder.
fn inside(path: &str) -> Result<(), Refusal> {
    let parts = path.split('/').skip(1);
    let plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        !part.is_empty() && part != "." && part != ".." && part.chars().all(fits)
    };
    let own = ["/proc", "/sys", "/dev"];
    let in_own = own
        .iter()
        .any(|own| path == *own || path.starts_with(&format!("{own}/")));
    match path.starts_with('/') && parts.clone().all(plain) && !in_own && !path.ends_with(".sock") {
        true => Ok(()),
        false => Err(Refusal::of(format!(
            "the mount at {} is at no place for one",
            shown(path)
        ))),
    }
}

/// Judges the place of a remote server.
pub(crate) fn remote(text: &Text) -> Result<(), Refusal> {
    plain("its URL", text)?;
    let whole = text.to_string();
    let failed = |why: &str| Err(Refusal::of(format!("the URL {} {why}", shown(&whole))));
    let Some(rest) = whole.strip_prefix("https://") else {
        return failed("is not https");
    };
    // Before an input is filled in, what it stands for cannot be judged. It may not decide where the host ends.
    let (authority, _) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let stand_in = authority.replace(['{', '}', '_'], "");
    if text.inputs().next().is_none() {
        let Ok(url) = Url::parse(&whole) else {
            return failed("is none");
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return failed("has a user, a password or a fragment");
        }
        let written = url.host_str().unwrap_or_default();
        if Host::parse(authority.split(':').next().unwrap_or_default()).is_err()
            && Host::parse(written).is_err()
        {
            return failed("has no host");
        }
        let at = format!("{written}:{}", url.port_or_known_default().unwrap_or(443));
        if let Err(error) = AllowedHost::parse(&at) {
            return failed(&error.to_string());
        }
    } else if stand_in.contains(['@', '\\', ' ', '%']) || !stand_in.contains('.') {
        return failed("has no host that can be told");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_is_plain() {
        for good in ["brave", "SQLite", "io.github.acme/weather-2", "a_b.c"] {
            name(good).unwrap();
        }
        let long = "x".repeat(201);
        for bad in [
            "",
            "-x",
            "x-",
            "a b",
            "\u{430}pple",
            "a\u{202e}b",
            "a\x1b[2J",
            "../x",
            "a\n[gateway]",
            "a\"b",
            long.as_str(),
        ] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "1.0 ", "^1", "1@2", "a/b"] {
            assert!(version(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_variable_steers_a_program() {
        for name in [
            "LD_PRELOAD",
            "ld_preload",
            "NODE_OPTIONS",
            "PATH",
            "Path",
            "PYTHONPATH",
            "BASH_ENV",
            "HTTPS_PROXY",
            "https_proxy",
            "SSL_CERT_FILE",
            "NODE_TLS_REJECT_UNAUTHORIZED",
            "GIT_SSH_COMMAND",
            "npm_config_registry",
            "UV_INDEX_URL",
            "SANDGATE_CHILD",
            "DYLD_INSERT_LIBRARIES",
            "JAVA_TOOL_OPTIONS",
            "DOCKER_HOST",
            "grpc_proxy",
            "GLOBAL_AGENT_HTTP_PROXY",
            "NODE_PENDING_DEPRECATION",
            "DENO_CERT",
            "NPM_SSL_STRICT",
            "FOO_CA_BUNDLE",
            "KRB5_CONFIG",
            "A=B",
            "1A",
            "A B",
            "",
        ] {
            assert!(variable(name).is_err(), "{name}");
        }
        for name in [
            "API_KEY",
            "NODE_ENV",
            "PATH_STYLE",
            "HOME_PAGE",
            "PYTHONUNBUFFERED",
            "LOG_LEVEL",
        ] {
            variable(name).unwrap();
        }
    }

    #[test]
    fn a_package_has_one_version_and_an_image_a_registry() {
        package("npm", "@acme/x", Some("1.2.3")).unwrap();
        for version in [
            None,
            Some(""),
            Some("latest"),
            Some("^1.2.3"),
            Some("1.x"),
            Some("1.2.3 --ignore"),
            Some("*"),
        ] {
            assert!(package("npm", "x", version).is_err(), "{version:?}");
        }
        for name in ["-g", "../x", "x@npm:y", "git+https://x/y", "a b"] {
            assert!(package("npm", name, Some("1.2.3")).is_err(), "{name}");
        }
        for (text, whole) in [
            ("mcp/time:1", "docker.io/mcp/time:1"),
            ("time:1", "docker.io/library/time:1"),
            ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ] {
            assert_eq!(image(text).unwrap().0, whole);
        }
        for text in [
            "",
            "mcp/time",
            "--privileged",
            "localhost/x:1",
            "localhost:5000/x:1",
            "127.0.0.1:5000/x:1",
            "127.0.0.2/x:1",
            "10.0.0.1/x:1",
            "169.254.169.254/x:1",
            "[::1]:5000/x:1",
            "registry:5000/x:1",
            "registry.corp/x:1",
            "Registry.Internal:5000/x:1",
            "mcp/time:1 -v /:/x",
            "x/y:${z}",
        ] {
            assert!(image(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_remote_server_is_elsewhere_and_by_tls() {
        let good = |text: &str| remote(&Text::read(text, "{", "}", |name| Some(name.into())));
        for text in [
            "https://mcp.example.com/mcp",
            "https://mcp.example.com:8443/mcp?x=y",
            "https://{tenant}.example.com/mcp",
            "https://mcp.example.com/{tenant}",
        ] {
            good(text).unwrap();
        }
        for text in [
            "http://mcp.example.com/mcp",
            "https://127.0.0.1/mcp",
            "https://localhost/mcp",
            "https://169.254.169.254/latest",
            "https://10.0.0.1/mcp",
            "https://[::1]/mcp",
            "https://0x7f000001/mcp",
            "https://2130706433/mcp",
            "https://user:word@example.com/mcp",
            "https://example.com/mcp#x",
            "https://",
            "https://{host}/mcp",
            "https://x@{host}.example.com/mcp",
            "file:///etc/passwd",
            "https://example.com/\x1b[2J",
        ] {
            assert!(good(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_argument_is_for_the_program_that_is_named() {
        let run = |args: &[&str]| {
            let mut made = Offer::of(package("npm", "x", Some("1.2.3")).unwrap());
            made.args = args.iter().map(|text| Text::plain(*text)).collect();
            offer(&made)
        };
        run(&["--db-path", "/mcp/db.sqlite", "--tools=all"]).unwrap();
        run(&["python3.12", "-u", "-m", "server", "-c", "x"]).unwrap();
        run(&["node", "--enable-source-maps", "server.js", "--eval", "x"]).unwrap();
        run(&["--max-tokens", "4096", "--key-file", "/mcp/key"]).unwrap();
        let long = "x".repeat(LONGEST_TEXT + 1);
        for args in [
            &["sh", "-c", "x"][..],
            &["/bin/BASH", "-c", "x"],
            &["busybox", "sh"],
            &["xargs", "x"],
            &["node", "-e", "x"],
            &["/usr/bin/node", "--no-warnings", "--eval=x"],
            &["python3", "-uc", "x"],
            &["perl", "-e", "x"],
            &["ruby", "-ex"],
            &["deno", "eval", "x"],
            &["--api-key", "x"],
            &["--token=x"],
            &["serve", "ghp_0123456789abcdef"],
            &["<fill in: x>"],
            &["serve", "$(id)"],
            &["a && b"],
            &["`id`"],
            &["a\nb"],
            &["\u{202e}a"],
            &[long.as_str()],
            &["x"; MOST + 1],
        ] {
            assert!(run(args).is_err(), "{args:?}");
        }
    }
}
