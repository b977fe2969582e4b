//! The file behind the tables: written behind them by a thread of its own, in whole transactions.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use parking_lot::Mutex;
use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use sandgate_message::Account;

use super::StateQuota;
use super::table::{Entry, Table};

/// (interceptor, key) → (expiry in ms since the Unix epoch, 0 for never; whose call wrote it, see [`written`]; value).
const ENTRIES: TableDefinition<(&str, &str), (u64, &str, &[u8])> = TableDefinition::new("state.v2");
/// What versions before 0.2 wrote, without the account: read once, and then gone.
const OLD_ENTRIES: TableDefinition<(&str, &str), (u64, &[u8])> = TableDefinition::new("state.v1");

/// How long a change may wait to be written.
const BEHIND: Duration = Duration::from_millis(50);

struct Change {
    interceptor: Arc<str>,
    key: String,
    entry: Option<Entry>,
}

/// The open file and its writer.
pub(super) struct File {
    changes: Option<Sender<Change>>,
    trouble: Arc<Mutex<Option<String>>>,
    writer: Option<JoinHandle<()>>,
}

/// One table's way to the file.
pub(crate) struct Journal {
    interceptor: Arc<str>,
    changes: Sender<Change>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Journal {
    pub(super) fn wrote(&self, key: &str, entry: Option<Entry>) {
        // The writer is gone only while the process ends.
        let _ = self.changes.send(Change {
            interceptor: self.interceptor.clone(),
            key: key.into(),
            entry,
        });
    }

    /// Why nothing can be written at present.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }
}

impl File {
    pub(super) fn open(
        dir: &Dir,
        name: &str,
        quota: StateQuota,
    ) -> Result<(Self, HashMap<String, Arc<Table>>), String> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        let file = dir.open_with(name, &options).map_err(|e| e.to_string())?;
        let file = file.into_std();
        let database = database(&file)?;
        let (changes, incoming) = channel();
        let trouble = Arc::new(Mutex::new(None));
        let mut this = Self {
            changes: Some(changes),
            trouble: trouble.clone(),
            writer: None,
        };
        let loaded = this.load(&database, quota).map_err(|e| e.to_string())?;
        let writer = std::thread::Builder::new()
            .name("sandgate-state".into())
            .spawn(move || write_behind(&file, database, &incoming, &trouble))
            .map_err(|e| e.to_string())?;
        this.writer = Some(writer);
        Ok((this, loaded))
    }

    /// Why nothing can be written at present, kept current.
    pub(super) fn trouble(&self) -> Arc<Mutex<Option<String>>> {
        self.trouble.clone()
    }

    pub(super) fn journal(&self, interceptor: &str) -> Journal {
        let changes = match &self.changes {
            Some(changes) => changes.clone(),
            // Only while being dropped, when nobody asks any more; a closed channel says so to whoever does.
            None => channel().0,
        };
        Journal {
            interceptor: interceptor.into(),
            changes,
            trouble: self.trouble.clone(),
        }
    }

    fn load(
        &self,
        database: &Database,
        quota: StateQuota,
    ) -> Result<HashMap<String, Arc<Table>>, redb::Error> {
        let write = database.begin_write()?;
        {
            let mut entries = write.open_table(ENTRIES)?;
            for row in write.open_table(OLD_ENTRIES)?.iter()? {
                let (key, old) = row?;
                let (expires, value) = old.value();
                entries.insert(key.value(), (expires, "", value))?;
            }
        }
        write.delete_table(OLD_ENTRIES)?;
        write.commit()?;
        let mut tables: HashMap<String, Arc<Table>> = HashMap::new();
        for row in database.begin_read()?.open_table(ENTRIES)?.iter()? {
            let (key, value) = row?;
            let ((interceptor, key), (expires, account, value)) = (key.value(), value.value());
            tables
                .entry(interceptor.into())
                .or_insert_with(|| Arc::new(Table::new(quota, Some(self.journal(interceptor)))))
                .load(
                    key.into(),
                    Entry {
                        value: value.into(),
                        account: read(account),
                        expires: (expires > 0).then_some(expires),
                    },
                );
        }
        Ok(tables)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Tables that outlive the file hold senders too, so the writer is told by an empty name rather than by silence.
        if let Some(changes) = self.changes.take() {
            let _ = changes.send(Change {
                interceptor: "".into(),
                key: String::new(),
                entry: None,
            });
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// The database in the file.
fn database(file: &std::fs::File) -> Result<Database, String> {
    let file = file.try_clone().map_err(|e| e.to_string())?;
    let backend = FileBackend::new(file).map_err(|e| e.to_string())?;
    let opened = Database::builder().create_with_backend(backend);
    opened.map_err(|e| e.to_string())
}

fn write_behind(
    file: &std::fs::File,
    opened: Database,
    incoming: &Receiver<Change>,
    trouble: &Mutex<Option<String>>,
) {
    let mut opened: Result<Database, String> = Ok(opened);
    let mut pending: HashMap<(Arc<str>, String), Option<Entry>> = HashMap::new();
    let mut due: Option<Instant> = None;
    loop {
        let wait = due.map_or(Duration::from_secs(3600), |due| {
            due.saturating_duration_since(Instant::now())
        });
        let ending = match incoming.recv_timeout(wait) {
            Ok(change) if change.interceptor.is_empty() => true,
            Ok(change) => {
                pending.insert((change.interceptor, change.key), change.entry);
                due.get_or_insert_with(|| Instant::now() + BEHIND);
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if !pending.is_empty() && (ending || due.is_some_and(|due| due <= Instant::now())) {
            let written = match &opened {
                Ok(database) => write(database, &pending).map_err(|error| error.to_string()),
                Err(why) => Err(why.clone()),
            };
            match written {
                Ok(()) => {
                    pending.clear();
                    due = None;
                    if trouble.lock().take().is_some() {
                        tracing::info!("the state file can be written again");
                    }
                }
                // Kept and tried again; meanwhile guests are told, so that nobody relies on what would be lost.
                Err(error) => {
                    let why = format!("the state file cannot be written: {error}");
                    if trouble.lock().replace(why.clone()).is_none() {
                        tracing::error!("{why}");
                    }
                    due = Some(Instant::now() + Duration::from_secs(1));
                    // After a failure of the disk a database takes nothing more until it is opened anew. One at a time: it
                    // locks the file.
                    drop(std::mem::replace(&mut opened, Err(String::new())));
                    opened = database(file);
                }
            }
        }
        if ending {
            return;
        }
    }
}

fn write(
    database: &Database,
    pending: &HashMap<(Arc<str>, String), Option<Entry>>,
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(ENTRIES)?;
        for ((interceptor, key), entry) in pending {
            let key = (&**interceptor, key.as_str());
            match entry {
                Some(entry) => {
                    let account = written(&entry.account);
                    let expires = entry.expires.unwrap_or(0);
                    table.insert(key, (expires, account.as_str(), entry.value.as_slice()))?;
                }
                None => {
                    table.remove(key)?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

/// An account as the file has it: a letter for its sort, and its name.
fn written(account: &Account) -> String {
    match account {
        Account::Local => String::new(),
        Account::Client(name) => format!("c{name}"),
        Account::Address(address) => format!("a{address}"),
        Account::Server(name) => format!("s{name}"),
    }
}

fn read(text: &str) -> Account {
    let name = |text: &str| text[1..].into();
    match text.as_bytes().first() {
        Some(b'c') => Account::Client(name(text)),
        Some(b'a') => Account::Address(name(text)),
        Some(b's') => Account::Server(name(text)),
        _ => Account::Local,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::State;
    use super::*;

    #[test]
    fn state_in_a_file_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        let state = State::in_file(StateQuota::default(), &dir, "state.redb").unwrap();
        state
            .table("limit")
            .increment("calls", 7, None, &Account::Local)
            .unwrap();
        state
            .table("limit")
            .set("gone", b"x".to_vec(), None, &Account::Local)
            .unwrap();
        state.table("limit").delete("gone").unwrap();
        state
            .table("other")
            .set("calls", b"mine".to_vec(), Some(60_000), &Account::Local)
            .unwrap();
        state
            .shadow()
            .set("calls", b"shadow".to_vec(), None, &Account::Local)
            .unwrap();
        drop(state);
        let state = State::in_file(StateQuota::default(), &dir, "state.redb").unwrap();
        assert_eq!(
            state
                .table("limit")
                .increment("calls", 1, None, &Account::Local),
            Ok(8)
        );
        assert_eq!(state.table("limit").get("gone"), None);
        assert_eq!(state.table("other").get("calls").unwrap(), b"mine");
    }

    #[test]
    fn a_file_that_is_no_state_file_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.txt"), "shopping list").unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        let error = State::in_file(StateQuota::default(), &dir, "notes.txt")
            .unwrap_err()
            .to_string();
        assert!(error.contains("notes.txt"), "{error}");
        assert_eq!(
            std::fs::read_to_string(folder.path().join("notes.txt")).unwrap(),
            "shopping list"
        );
    }

    #[test]
    fn whose_an_entry_is_outlives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        let quota = StateQuota {
            keys: 4,
            ..StateQuota::default()
        };
        let eve = Account::Client("eve".into());
        let fill = || {
            let state = State::in_file(quota, &dir, "state.redb").unwrap();
            let table = state.table("x");
            (0..9)
                .filter(|n| table.set(&n.to_string(), vec![], None, &eve).is_ok())
                .count()
        };
        assert_eq!((fill(), fill()), (2, 2));
    }

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(folder.path().join("state.redb")).unwrap();
        let write = database.begin_write().unwrap();
        let mut old = write.open_table(OLD_ENTRIES).unwrap();
        old.insert(("x", "key"), (0, &b"value"[..])).unwrap();
        drop(old);
        write.commit().unwrap();
        drop(database);
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        for _ in 0..2 {
            let state = State::in_file(StateQuota::default(), &dir, "state.redb").unwrap();
            assert_eq!(state.table("x").get("key").unwrap(), b"value");
        }
    }
}
