//! What a server may not be given, and what a machine lacks to hold one: the message says where and what to do, the exit
//! code is 2, nothing was started, and nothing is held more loosely instead.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "what is not tested is said")]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use harness::{Ended, Era, Gateway, Speaker, binary};

/// `sandgate check` of a configuration in a folder, with variables of its own.
pub(super) fn check(folder: &Path, config: &str, variables: &[(&str, &str)]) -> Ended {
    let file = folder.join("sandgate.toml");
    std::fs::write(&file, config).unwrap();
    let done = Command::new(binary("sandgate"))
        .args(["check", "--config"])
        .arg(&file)
        .env("NO_COLOR", "1")
        .env("XDG_CACHE_HOME", harness::cache())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    Ended {
        code: done.status.code(),
        output: String::from_utf8(done.stdout).unwrap(),
        log: String::from_utf8(done.stderr).unwrap(),
    }
}

#[track_caller]
pub(super) fn wrong(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for words in words {
        assert!(
            ended.log.contains(words),
            "{words:?} is not in:\n{}",
            ended.log
        );
    }
}

fn server(contain: &str) -> String {
    format!("[servers.one]\ncommand = \"true\"\ncontain = {contain}\n")
}

/// A `bwrap` that says what it is told to say.
fn bubblewrap(folder: &Path, script: &str) -> String {
    let path = folder.join("bwrap");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[test]
fn what_no_server_may_have_is_refused_and_so_is_a_link_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join(".ssh")).unwrap();
    std::fs::create_dir(folder.path().join("engines")).unwrap();
    let socket = folder.path().join("engines/docker.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    symlink(&socket, folder.path().join("engine")).unwrap();
    symlink(home.path().join(".ssh"), folder.path().join("keys")).unwrap();
    symlink("/", folder.path().join("all")).unwrap();
    let homes = home.path().display().to_string();
    let keys = format!("{homes}/.ssh");
    for (path, why) in [
        ("/", "shared by the whole machine"),
        ("all", "(which leads to /)"),
        ("/etc", "shared by the whole machine"),
        ("/proc", "/proc"),
        ("engines/docker.sock", "is a socket"),
        ("engines", "by which containers are commanded"),
        ("engine", "is a socket"),
        (homes.as_str(), "a home with its keys"),
        (keys.as_str(), "where keys are kept"),
        ("keys", "where keys are kept"),
        (".", "the gateway's configuration"),
        ("sandgate.toml", "the gateway's configuration"),
        ("nowhere", "cannot be used"),
    ] {
        for key in ["read", "write"] {
            let config = server(&format!("{{ {key} = [{path:?}] }}"));
            let said = check(folder.path(), &config, &[("HOME", &homes)]);
            let place = format!("`servers.one.contain.{key}[0]`");
            wrong(&said, &[&place, why, "name the files or folders"]);
        }
    }
}

#[test]
fn an_uncontained_program_is_refused_where_containment_is_required() {
    let folder = tempfile::tempdir().unwrap();
    for contain in ["", "contain = false\n"] {
        let config = format!(
            "[gateway]\nrequire-containment = true\n[servers.one]\ncommand = \"true\"\n{contain}"
        );
        let said = check(folder.path(), &config, &[]);
        wrong(
            &said,
            &["`servers.one.command`", "unconfined", "contain = true"],
        );
    }
    let config = format!("[gateway]\nrequire-containment = true\n{}", server("true"));
    let said = check(folder.path(), &config, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let plain = check(folder.path(), "[servers.one]\ncommand = \"true\"\n", &[]);
    assert_eq!(plain.code, Some(0), "{plain:?}");
    assert!(
        plain.output.contains("runs as you, unconfined"),
        "{}",
        plain.output
    );
}

#[test]
fn a_machine_without_bubblewrap_is_told_so_and_nothing_else_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let check = |path: &str| check(folder.path(), &server("true"), &[("PATH", path)]);
    wrong(
        &check("/nonexistent"),
        &["`servers.one.contain`", "bwrap", "apt install bubblewrap"],
    );
    let programs = tempfile::tempdir().unwrap();
    let old = bubblewrap(programs.path(), "echo bubblewrap 0.4.1");
    wrong(
        &check(&old),
        &["older than 0.8", "install the package bubblewrap"],
    );
    let denied = "[ \"$1\" = --version ] && echo bubblewrap 0.9.0 && exit\n\
                  echo 'bwrap: setting up uid map: Permission denied' >&2\nexit 1";
    let early = "[ \"$1\" = --version ] && echo bubblewrap 0.8.0 && exit\n\
                 case \"$*\" in *--ro-bind-fd*) echo 'bwrap: Unknown option --ro-bind-fd' >&2; exit 1;; esac";
    let early = bubblewrap(programs.path(), early);
    wrong(
        &check(&early),
        &[
            "cannot mount what is open already",
            "Unknown option --ro-bind-fd",
            "0.10",
        ],
    );
    let denied = bubblewrap(programs.path(), denied);
    wrong(
        &check(&denied),
        &[
            "setting up uid map: Permission denied",
            "let this user make user namespaces",
            "AppArmor",
        ],
    );
}

/// As on systems that forbid them to unprivileged users.
#[test]
fn a_user_without_user_namespaces_is_told_so() {
    let config = server("true");
    let (user, folder) = (harness::other_user(), tempfile::tempdir().unwrap());
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), all).unwrap();
    let file = folder.path().join("sandgate.toml");
    std::fs::write(&file, &config).unwrap();
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces && \
                  exec setpriv --ambient-caps=-all --inh-caps=-all \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-current-user",
        "--keep-caps",
        "sh",
        "-c",
        forbid,
    ]);
    command.arg(harness::open_to_all(&harness::sandgate()));
    command.arg("check").arg("--config").arg(&file);
    command
        .env("NO_COLOR", "1")
        .env("XDG_CACHE_HOME", folder.path());
    if let Some(user) = user {
        std::os::unix::fs::chown(folder.path(), Some(user), Some(user)).unwrap();
        command.uid(user).gid(user);
    }
    let done = command.output().unwrap();
    let said = Ended {
        code: done.status.code(),
        output: String::new(),
        log: String::from_utf8(done.stderr).unwrap(),
    };
    wrong(
        &said,
        &[
            "`servers.one.contain`",
            "bubblewrap makes no sandbox here",
            "let this user make user namespaces",
            "with = \"landlock\"",
        ],
    );
}

/// What can be used when the configuration is read need not be when the server starts.
#[test]
fn a_server_that_cannot_be_held_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("started");
    let script = "case \"$*\" in *version*) echo bubblewrap 0.9.0;; *args*) exit 1;; esac";
    let path = bubblewrap(folder.path(), script);
    let config = format!(
        "[servers.one]\ncommand = \"touch\"\nargs = [{mark:?}]\ncontain = true\nstart-timeout = \"2s\"\n"
    );
    let gateway = Gateway::start_as(&config, |command| {
        command.env("PATH", &path);
    });
    let said = Speaker::try_open(&gateway.mcp("one"), Era::Legacy)
        .err()
        .unwrap();
    assert!(said.to_string().contains("could not be started"), "{said}");
    let log = gateway.log_with("it is not contained: bubblewrap made no sandbox");
    assert!(
        log.contains("it is not contained: bubblewrap made no sandbox"),
        "{log}"
    );
    assert!(!mark.exists(), "it was started without containment");
}

#[test]
fn what_a_program_needs_and_lacks_is_said_before_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["cache", "data"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        let all = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path().join(name), all).unwrap();
    }
    let check = |config: &str| check(folder.path(), config, &[]);
    let gone = server("true").replace("\"true\"", "\"sandgate-no-such-program\"");
    wrong(&check(&gone), &["`servers.one.command`", "install it"]);
    let runner = server("true").replace("\"true\"", "\"npx\"");
    wrong(
        &check(&runner),
        &["`servers.one.contain`", "cache = \"FOLDER\""],
    );
    let elsewhere = format!("{}cwd = \"data\"\n", server("true"));
    wrong(
        &check(&elsewhere),
        &["`servers.one.cwd`", "add it to `read` or `write`"],
    );
    let shared = "contain = { cache = \"cache\" }\n";
    let shared = format!(
        "[servers.one]\ncommand = \"true\"\n{shared}[servers.two]\ncommand = \"true\"\n{shared}"
    );
    wrong(
        &check(&shared),
        &[
            "`servers.two.contain.cache`",
            "give each a folder of its own",
        ],
    );
    let remote = "[servers.one]\nurl = \"http://127.0.0.1:1/mcp\"\ncontain = true\n";
    wrong(&check(remote), &["`contain`, which goes with `command`"]);
}

#[test]
fn what_is_likely_not_meant_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("server.py"), "").unwrap();
    let config = format!(
        "{}args = [\"server.py\"]\n",
        server("{ network = \"host\" }")
    );
    let said = check(folder.path(), &config, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in [
        "`servers.one.args[0]`",
        "the server does not see it",
        "`servers.one.contain.network`",
        "reaches all that this machine reaches",
    ] {
        assert!(
            said.log.contains(words),
            "{words:?} is not in:\n{}",
            said.log
        );
    }
    assert!(
        said.output.contains("THE MACHINE'S, WHOLE"),
        "{}",
        said.output
    );
}

/// With a gateway of root's a server has a user of its own, and cannot change root's files.
#[test]
fn what_the_servers_own_user_cannot_change_is_named() {
    if harness::other_user().is_none() {
        println!("NOT TESTED: a gateway of root's (this test is not root)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("work")).unwrap();
    let said = check(folder.path(), &server("{ write = [\"work\"] }"), &[]);
    wrong(
        &said,
        &[
            "`servers.one.contain.write[0]`",
            "cannot be changed by user 6",
            "chown 6",
        ],
    );
}

#[test]
fn what_a_server_may_change_is_nothing_that_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let own = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        // With a gateway of root's the server is another user.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        path.display().to_string()
    };
    let executable = |path: &Path| {
        std::fs::write(path, "#!/bin/sh\nexit 0\n").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let (tools, sub, other, script, cache) = (
        own("tools"),
        own("tools/data"),
        own("other"),
        own("script"),
        own("cache"),
    );
    executable(&folder.path().join("other/server"));
    symlink(
        folder.path().join("other/server"),
        folder.path().join("script/link"),
    )
    .unwrap();
    std::fs::write(folder.path().join("script/main.py"), "").unwrap();
    let path = format!("{tools}:{}", std::env::var("PATH").unwrap());
    let others = format!(
        "[servers.two]\ncommand = \"{other}/server\"\n[servers.three]\ncommand = \"true\"\nargs = [\"{script}/main.py\"]\n\
         [servers.four]\ncommand = \"true\"\ncontain = {{ cache = {cache:?} }}\n"
    );
    for (write, why) in [
        (&tools, "looks for programs (PATH)"),
        (&other, "the program of the server \"two\""),
        (&script, "an argument of the server \"three\""),
        (&cache, "the packages of the server \"four\""),
    ] {
        let config = server(&format!("{{ write = [{write:?}] }}")) + &others;
        let ended = check(folder.path(), &config, &[("PATH", &path)]);
        wrong(&ended, &["the server could change", why]);
    }
    // Its own program, by a link that it could lead elsewhere.
    let config = format!(
        "[servers.one]\ncommand = \"{script}/link\"\ncontain = {{ write = [{script:?}] }}\n"
    );
    let ended = check(folder.path(), &config, &[]);
    wrong(&ended, &["the program of the server \"one\""]);
    // A folder with data may lie beside programs.
    let config = server(&format!("{{ write = [{sub:?}] }}")) + &others;
    let ended = check(folder.path(), &config, &[("PATH", &path)]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn what_the_gateway_names_beside_its_settings_is_refused_too() {
    let folder = tempfile::tempdir().unwrap();
    // The gateway's own configuration is guarded already, with the folder that it lies in.
    let apart = tempfile::tempdir().unwrap();
    let path = |name: &str| apart.path().join(name).display().to_string();
    for name in ["log", "secret", "caches/sandgate", "run/sandgate"] {
        std::fs::create_dir_all(apart.path().join(name)).unwrap();
    }
    std::fs::write(apart.path().join("secret/token"), "x").unwrap();
    let rest = format!(
        "[call-log]\nto = {:?}\n[servers.two]\ncommand = \"true\"\nenv = {{ TOKEN = {{ from-file = {:?} }} }}\n",
        path("log/calls.jsonl"),
        path("secret/token")
    );
    let variables = [
        ("XDG_CACHE_HOME", path("caches")),
        ("XDG_RUNTIME_DIR", path("run")),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    for (name, why) in [
        ("log", "the gateway's call log"),
        ("secret", "a file that the gateway's configuration names"),
        ("caches", "the gateway's compiled plugins"),
        ("run/sandgate", "the folder of the gateway's admin socket"),
    ] {
        let config = server(&format!("{{ read = [{:?}] }}", path(name))) + &rest;
        wrong(&check(folder.path(), &config, &variables), &[why]);
    }
}

#[test]
fn what_the_gateway_keeps_lies_in_nothing_that_every_server_reads() {
    let folder = tempfile::tempdir().unwrap();
    let log = "[call-log]\nto = \"/usr/src/calls.jsonl\"\n";
    let ended = check(folder.path(), &(server("true") + log), &[]);
    wrong(
        &ended,
        &["the gateway's call log (/usr/src/calls.jsonl) lies in what every server reads"],
    );
}
