//! The state file: a redb database that a thread of its own writes behind the tables, in whole transactions.

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

use super::entries::Entry;
use super::journal::{Change, Journal};
use super::quota::StateQuota;
use super::table::Table;

/// (interceptor, key) → (expiry in milliseconds since the Unix epoch, 0 for never; the account whose call wrote the
/// entry, as [`encode_account`] writes it; value).
const ENTRIES: TableDefinition<(&str, &str), (u64, &str, &[u8])> = TableDefinition::new("state.v2");
/// The table of versions before 0.2, which has no accounts. Opening the file moves its rows to [`ENTRIES`].
const OLD_ENTRIES: TableDefinition<(&str, &str), (u64, &[u8])> = TableDefinition::new("state.v1");

/// How long a change may wait before it is written. Changes within this time share a transaction.
const WRITE_DELAY: Duration = Duration::from_millis(50);

/// The open state file and its writer thread.
pub(super) struct File {
    /// `None` only while the file is dropped.
    changes: Option<Sender<Change>>,
    failure: Arc<Mutex<Option<String>>>,
    writer: Option<JoinHandle<()>>,
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
        let database = open_database(&file)?;
        let (changes, incoming) = channel();
        let failure = Arc::new(Mutex::new(None));
        let mut this = Self {
            changes: Some(changes),
            failure: failure.clone(),
            writer: None,
        };
        let loaded = this.load(&database, quota).map_err(|e| e.to_string())?;
        let writer = std::thread::Builder::new()
            .name("sandgate-state".into())
            .spawn(move || write_behind(&file, database, &incoming, &failure))
            .map_err(|e| e.to_string())?;
        this.writer = Some(writer);
        Ok((this, loaded))
    }

    /// Why the file cannot be written at present; the writer keeps it up to date.
    pub(super) fn failure(&self) -> Arc<Mutex<Option<String>>> {
        self.failure.clone()
    }

    pub(super) fn journal(&self, interceptor: &str) -> Journal {
        let changes = match &self.changes {
            Some(changes) => changes.clone(),
            // Nobody asks for a journal while the file is dropped. A closed channel is the safe answer.
            None => channel().0,
        };
        Journal {
            interceptor: interceptor.into(),
            changes,
            failure: self.failure.clone(),
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
                        account: decode_account(account),
                        expires: (expires > 0).then_some(expires),
                    },
                );
        }
        Ok(tables)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Tables may outlive the file and hold senders, so the channel does not close. A change with an empty
        // interceptor name tells the writer to end.
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

/// Opens the database in the file.
fn open_database(file: &std::fs::File) -> Result<Database, String> {
    let file = file.try_clone().map_err(|e| e.to_string())?;
    let backend = FileBackend::new(file).map_err(|e| e.to_string())?;
    let opened = Database::builder().create_with_backend(backend);
    opened.map_err(|e| e.to_string())
}

/// The writer thread: collects changes for [`WRITE_DELAY`], then writes them in one transaction.
fn write_behind(
    file: &std::fs::File,
    opened: Database,
    incoming: &Receiver<Change>,
    failure: &Mutex<Option<String>>,
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
                due.get_or_insert_with(|| Instant::now() + WRITE_DELAY);
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
                    if failure.lock().take().is_some() {
                        tracing::info!("the state file can be written again");
                    }
                }
                // The changes stay pending and are tried again in a second. Until then guests get an error for every
                // write, so that no guest relies on a value that would be lost.
                Err(error) => {
                    let why = format!("the state file cannot be written: {error}");
                    if failure.lock().replace(why.clone()).is_none() {
                        tracing::error!("{why}");
                    }
                    due = Some(Instant::now() + Duration::from_secs(1));
                    // After a disk error redb refuses all writes until the database is opened anew. An open database
                    // locks the file, so the old one closes first.
                    drop(std::mem::replace(&mut opened, Err(String::new())));
                    opened = open_database(file);
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
                    let account = encode_account(&entry.account);
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

/// The text that stands for an account in the file: a letter for its kind, then its name. Empty: [`Account::Local`].
fn encode_account(account: &Account) -> String {
    match account {
        Account::Local => String::new(),
        Account::Client(name) => format!("c{name}"),
        Account::Address(address) => format!("a{address}"),
        Account::Server(name) => format!("s{name}"),
    }
}

/// Reads what [`encode_account`] wrote.
fn decode_account(text: &str) -> Account {
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
