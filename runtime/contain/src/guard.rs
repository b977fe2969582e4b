//! What no program may be given, whatever the configuration says: the whole machine, sockets of other programs, homes
//! with their keys, and the gateway's own files.

use std::path::{Path, PathBuf};

/// Why a path may not be given to a program. Paths are without links.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum GuardError {
    /// It cannot be looked at.
    #[error("{path} cannot be used: {why}", path = .path.display())]
    Unusable { path: PathBuf, why: String },
    /// It is, holds or lies in something that is not for servers.
    #[error("{given} may not be given to a server: it {how} {what}", given = given(.path, .real))]
    Refused {
        path: PathBuf,
        real: PathBuf,
        how: &'static str,
        what: String,
    },
}

fn given(path: &Path, real: &Path) -> String {
    match path == real {
        true => path.display().to_string(),
        false => format!("{} (which leads to {})", path.display(), real.display()),
    }
}

/// Folders of the system that are refused with everything that is in them. Of `/etc`, `/run` and `/var/run`, which hold
/// others' things, and of `/tmp`, single things may be given.
const CLOSED: [&str; 22] = [
    "/proc",
    "/sys",
    "/dev",
    "/boot",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/ssh",
    "/run/containerd",
    "/run/crio",
    "/run/dbus",
    "/run/credentials",
    "/run/docker",
    "/run/mysqld",
    "/run/podman",
    "/run/postgresql",
    "/run/secrets",
    "/run/systemd",
    "/run/user",
    "/tmp/.X11-unix",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/run/secrets",
];
const WHOLE: [&str; 14] = [
    "/", "/etc", "/run", "/var", "/var/run", "/var/lib", "/tmp", "/var/tmp", "/home", "/usr",
    "/mnt", "/media", "/opt", "/srv",
];
/// What people keep keys in, below a home.
const PRIVATE: [&str; 30] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".password-store",
    ".mozilla",
    ".cache/sandgate",
    ".config/gh",
    ".config/gcloud",
    ".config/google-chrome",
    ".config/chromium",
    ".local/share/keyrings",
    ".cargo/credentials.toml",
    ".pgpass",
    ".my.cnf",
    ".vault-token",
    ".config/op",
    ".config/rclone",
    ".config/sops",
    ".claude",
    ".codex",
    ".m2/settings.xml",
    ".bash_history",
    ".zsh_history",
];

/// Sockets by which containers are commanded, and so the machine. A folder that holds one is refused too: a mount that is
/// only to be read stops nobody from connecting.
const ENGINES: [&str; 5] = [
    "docker.sock",
    "podman.sock",
    "containerd.sock",
    "crio.sock",
    "buildkitd.sock",
];

/// What is guarded on this machine.
#[derive(Clone, Debug, Default)]
pub struct Guarded {
    /// Homes of people.
    pub homes: Vec<PathBuf>,
    /// Files and folders of the gateway: its configuration, its admin socket, what it remembers. The text says what.
    pub own: Vec<(PathBuf, String)>,
}

impl Guarded {
    /// The homes of this machine: the gateway's own user's, root's, the folders of `/home`, and those of people in
    /// `/etc/passwd`.
    pub fn here(home: Option<&str>) -> Self {
        let mut homes = vec![PathBuf::from("/root")];
        homes.extend(home.map(PathBuf::from));
        let others = std::fs::read_dir("/home").into_iter().flatten().flatten();
        homes.extend(others.map(|entry| entry.path()));
        homes.extend(people(
            &std::fs::read_to_string("/etc/passwd").unwrap_or_default(),
        ));
        let real = homes.iter().filter_map(|home| home.canonicalize().ok());
        let shared = |home: &PathBuf| WHOLE.iter().any(|one| home == Path::new(one));
        let mut homes: Vec<_> = real.filter(|home| !shared(home)).collect();
        homes.sort();
        homes.dedup();
        Self {
            homes,
            own: Vec::new(),
        }
    }

    /// Guards a file or folder of the gateway, which need not exist yet.
    pub fn own(&mut self, path: &Path, what: impl Into<String>) {
        self.own.push((real_path(path), what.into()));
    }

    /// Like [`Guarded::admit`], for what others put there: no socket may lie in it either. The look ends after
    /// 10 000 files and folders.
    ///
    /// # Errors
    ///
    /// It does not exist, or a server may not have it.
    pub fn admit_without_sockets(&self, path: &Path) -> Result<PathBuf, GuardError> {
        let real = self.admit(path)?;
        let (mut left, mut looks) = (vec![real.clone()], 10_000);
        while let Some(folder) = left.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                looks -= 1;
                if looks == 0 {
                    return Ok(real);
                }
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                if std::os::unix::fs::FileTypeExt::is_socket(&kind) {
                    return Err(GuardError::Refused {
                        path: path.into(),
                        real,
                        how: "holds",
                        what: format!(
                            "{}, a socket, through which other programs are commanded",
                            entry.path().display()
                        ),
                    });
                }
                if kind.is_dir() {
                    left.push(entry.path());
                }
            }
        }
        Ok(real)
    }

    /// The path without links, if a program may be given it.
    ///
    /// # Errors
    ///
    /// It does not exist, or a server may not have it.
    pub fn admit(&self, path: &Path) -> Result<PathBuf, GuardError> {
        let unusable = |why: std::io::Error| GuardError::Unusable {
            path: path.into(),
            why: why.to_string(),
        };
        let real = path.canonicalize().map_err(unusable)?;
        let kind = std::fs::metadata(&real).map_err(unusable)?.file_type();
        let refused = |how, what: String| {
            Err(GuardError::Refused {
                path: path.into(),
                real: real.clone(),
                how,
                what,
            })
        };
        if !kind.is_dir() && !kind.is_file() {
            let socket = std::os::unix::fs::FileTypeExt::is_socket(&kind);
            let what = match socket {
                true => "a socket, through which other programs are commanded",
                false => "neither a file nor a folder",
            };
            return refused("is", what.into());
        }
        if WHOLE.iter().any(|one| real == Path::new(one)) {
            return refused(
                "is",
                "shared by the whole machine; name what is needed in it".into(),
            );
        }
        if let Some(closed) = CLOSED.iter().find(|one| meets(&real, Path::new(one))) {
            return refused(how(&real, Path::new(closed)), (*closed).into());
        }
        if let Some(engine) = ENGINES.iter().find(|name| real.join(name).exists()) {
            return refused(
                "holds",
                format!("{engine}, by which containers are commanded"),
            );
        }
        for home in &self.homes {
            if home.starts_with(&real) {
                let what = format!("{}, a home with its keys", home.display());
                return refused(how(&real, home), what);
            }
            let private = PRIVATE.iter().map(|name| home.join(name));
            // One may be a link to where the keys really are.
            let private = private.flat_map(|one| [real_path(&one), one]);
            if let Some(private) = private.into_iter().find(|one| meets(&real, one)) {
                let what = format!("{}, where keys are kept", private.display());
                return refused(how(&real, &private), what);
            }
        }
        if let Some((own, what)) = self.own.iter().find(|(own, _)| meets(&real, own)) {
            return refused(how(&real, own), format!("{what} ({})", own.display()));
        }
        Ok(real)
    }
}

/// The homes of people by a file of users: services have lower numbers, and `nobody` the highest.
fn people(users: &str) -> Vec<PathBuf> {
    let home = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let user: u32 = fields.get(2)?.parse().ok()?;
        let home = PathBuf::from(fields.get(5)?);
        ((1000..65_534).contains(&user) && home.is_absolute()).then_some(home)
    };
    users.lines().filter_map(home).collect()
}

/// Where a path leads, as far as it exists already.
pub fn real_path(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for above in absolute.ancestors() {
        if let (Ok(real), Ok(rest)) = (above.canonicalize(), absolute.strip_prefix(above)) {
            return real.join(rest);
        }
    }
    absolute
}

fn meets(path: &Path, other: &Path) -> bool {
    path.starts_with(other) || other.starts_with(path)
}

fn how(path: &Path, other: &Path) -> &'static str {
    match (path == other, path.starts_with(other)) {
        (true, _) => "is",
        (_, true) => "lies in",
        _ => "holds",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn people_have_homes_and_services_have_not() {
        let users = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000:Ada:/data/ada:/bin/sh\nodd\n\
                     nobody:x:65534:65534::/nonexistent:/bin/false\nweb:x:33:33::/var/www:/bin/false\n";
        assert_eq!(people(users), [PathBuf::from("/data/ada")]);
    }

    #[test]
    fn where_keys_really_are_is_refused_too() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("home")).unwrap();
        fs::create_dir_all(root.join("elsewhere/keys")).unwrap();
        symlink(root.join("elsewhere/keys"), root.join("home/.ssh")).unwrap();
        let guarded = Guarded {
            homes: vec![root.join("home")],
            own: Vec::new(),
        };
        for path in ["elsewhere", "elsewhere/keys"] {
            let error = guarded.admit(&root.join(path)).unwrap_err().to_string();
            assert!(error.contains("where keys are kept"), "{error}");
        }
    }

    #[test]
    fn what_is_not_for_servers_is_refused_and_so_is_a_link_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let home = root.join("home");
        fs::create_dir_all(home.join(".ssh")).unwrap();
        fs::create_dir_all(home.join("project/data")).unwrap();
        fs::write(root.join("sandgate.toml"), "").unwrap();
        symlink(home.join(".ssh"), root.join("keys")).unwrap();
        symlink("/", root.join("all")).unwrap();
        let _socket = UnixListener::bind(root.join("my.sock")).unwrap();
        fs::create_dir(root.join("engine")).unwrap();
        let _engine = UnixListener::bind(root.join("engine/docker.sock")).unwrap();
        let mut guarded = Guarded {
            homes: vec![home.clone()],
            own: Vec::new(),
        };
        guarded.own(&root.join("sandgate.toml"), "the gateway's configuration");
        let why = |path: &Path| guarded.admit(path).unwrap_err().to_string();
        for (path, part) in [
            (PathBuf::from("/"), "whole machine"),
            (root.join("all"), "which leads to /)"),
            (PathBuf::from("/tmp"), "whole machine"),
            (PathBuf::from("/proc/self"), "/proc"),
            (home.clone(), "home with its keys"),
            (home.join(".ssh"), "where keys are kept"),
            (root.join("keys"), "where keys are kept"),
            (root.join("my.sock"), "is a socket"),
            (root.join("engine/docker.sock"), "is a socket"),
            (root.join("engine"), "holds docker.sock"),
            (root.clone(), "home"),
            (root.join("sandgate.toml"), "the gateway's configuration"),
            (root.join("absent"), "cannot be used"),
            (PathBuf::from("/dev/null"), "neither a file nor a folder"),
        ] {
            let said = why(&path);
            assert!(said.contains(part), "{}: {said}", path.display());
        }
        fs::create_dir_all(root.join("service/a/b")).unwrap();
        let _deep = UnixListener::bind(root.join("service/a/b/s")).unwrap();
        let said = guarded.admit_without_sockets(&root.join("service"));
        assert!(said.unwrap_err().to_string().contains("a/b/s, a socket"));
        let data = home.join("project/data");
        assert_eq!(guarded.admit(&data).unwrap(), data);
    }
}
