//! A plan, as people read it.

use crate::access::Access;
use crate::backend::Backend;
use crate::exposed::{Exposed, Reason};
use crate::limits::size;
use crate::plan::Plan;
use crate::wanted::Network;

impl Plan {
    /// What the program may reach and use, as rows of a table: what it is about, and what of it.
    pub fn table(&self) -> Vec<(&'static str, String)> {
        let limits = &self.limits;
        let mut rows = vec![
            ("held by", self.backend.name().to_owned()),
            (
                "runs as",
                match self.user {
                    Some(user) => format!("user {user}, without capabilities"),
                    None => "the gateway's user, without capabilities".into(),
                },
            ),
            match &self.image {
                Some(image) => ("reads", format!("its image, {}", image.reference)),
                None => ("reads", "the system's programs and libraries".into()),
            },
        ];
        if let Some(image) = &self.image {
            let signer = image.signed_by.clone();
            rows.push((
                "signed by",
                signer.unwrap_or_else(|| "not asked for".into()),
            ));
        }
        let of = |access| move |one: &&Exposed| one.access == access;
        let shown = |one: &Exposed| {
            let why = match one.reason {
                Reason::Program => " (the program)",
                Reason::Cache => " (packages)",
                Reason::Given | Reason::Mount => "",
            };
            let image = self.image.iter().flat_map(|image| &image.mounts);
            let mut at = image.filter(|mount| mount.outside == one.path);
            match at.next() {
                Some(mount) => format!("{} (its {})", one.path.display(), mount.inside.display()),
                None => format!("{}{why}", one.path.display()),
            }
        };
        let reads = self.exposed.iter().filter(of(Access::Read));
        rows.extend(reads.map(|one| ("reads", shown(one))));
        let writes = self.exposed.iter().filter(of(Access::Write));
        rows.extend(writes.map(|one| ("writes", shown(one))));
        let files = self.files.iter();
        rows.extend(files.map(|one| ("reads", format!("{} (in memory)", one.path.display()))));
        rows.push((
            "writes",
            match self.backend.is_engine() {
                true => format!("private temporary folder, {}", size(limits.tmp)),
                false => format!("private temporary folder and home, {}", size(limits.tmp)),
            },
        ));
        rows.push((
            "network",
            match (self.network, self.backend) {
                (Network::None, Backend::Bubblewrap | Backend::Podman | Backend::Docker) => {
                    "none (a loopback of its own)".into()
                }
                (Network::None, Backend::Landlock) => "none (no sockets)".into(),
                (Network::Proxy, _) => "the gateway's proxy (a loopback of its own)".into(),
                (Network::Host, _) => "THE MACHINE'S, WHOLE".into(),
            },
        ));
        let mut names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        rows.push(("variables", names.join(" ")));
        rows.push((
            "limits",
            format!(
                "memory {}, processes {}, cpus {}, files {}, file-size {}",
                size(limits.memory),
                limits.processes,
                limits.cpus,
                limits.files,
                size(limits.file_size)
            ),
        ));
        rows
    }
}
