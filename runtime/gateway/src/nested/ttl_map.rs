//! Values remembered from one request for a later one, bounded by number, by bytes and by age, with a bound per owner.
//! An owner whose entry is evicted early loses a question or a task; eviction never grants access.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sandgate_message::Call;
use sha2::{Digest, Sha256};

/// The bounds of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The most entries of all owners; one more evicts the oldest.
    pub(crate) entries: usize,
    /// The most entries of one owner; one more evicts that owner's oldest.
    pub(crate) of_one: usize,
    /// The most bytes of all owners; more evict the oldest.
    pub(crate) bytes: usize,
    /// How long an entry is kept after its last use.
    pub(crate) time: Duration,
}

/// The owner of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    /// The authenticated principal.
    principal: Option<Arc<str>>,
    /// The session, for a client without a principal or for a server.
    session: Option<Arc<str>>,
    /// The server, for an entry that belongs to a server in a session.
    server: Option<Arc<str>>,
}

/// The key of an entry: a server, and a digest of the parts that name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TtlKey {
    pub(crate) server: Arc<str>,
    pub(crate) digest: [u8; 32],
}

/// The result of a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup<V> {
    /// The caller's own value.
    Own(V),
    /// The key has entries, none of which is the caller's.
    Others,
    /// The key has no entry.
    Nothing,
}

/// Values by key and owner. The one lock is never held across an await or while a value is dropped.
pub(crate) struct TtlMap<V> {
    bounds: Bounds,
    entries: Mutex<TtlEntries<V>>,
}

struct TtlEntries<V> {
    places: HashMap<TtlKey, Vec<Entry<V>>>,
    /// Owners by age, oldest first.
    order: BTreeMap<u64, Owner>,
    owned: HashMap<Owner, BTreeMap<u64, TtlKey>>,
    bytes: usize,
    next: u64,
}

struct Entry<V> {
    owner: Owner,
    value: V,
    bytes: usize,
    age: u64,
    touched: Instant,
}

impl Owner {
    /// The authenticated principal; without one, the session.
    pub(crate) fn client(principal: Option<&Arc<str>>, session: Option<&Arc<str>>) -> Self {
        Self {
            principal: principal.cloned(),
            session: session.filter(|_| principal.is_none()).cloned(),
            server: None,
        }
    }

    /// The server, in its session with a client.
    pub(crate) fn server(call: &Call) -> Self {
        Self {
            principal: call.principal.clone(),
            session: call.session.clone(),
            server: Some(call.server.clone()),
        }
    }
}

impl TtlKey {
    /// A key from its parts. Each part is hashed with its length, so that no two lists of parts run together.
    pub(crate) fn new<'a>(server: &Arc<str>, parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Self {
            server: server.clone(),
            digest: digest.finalize().into(),
        }
    }
}

impl<V: Clone> TtlMap<V> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let entries = TtlEntries {
            places: HashMap::new(),
            order: BTreeMap::new(),
            owned: HashMap::new(),
            bytes: 0,
            next: 0,
        };
        Self {
            bounds,
            entries: Mutex::new(entries),
        }
    }

    /// Removes all values.
    pub(crate) fn clear(&self) {
        let mut entries = self.entries.lock();
        let gone: Vec<V> = std::iter::from_fn(|| entries.take_oldest(None)).collect();
        drop(entries);
        drop(gone);
    }

    /// Stores a value, in place of the owner's earlier one. A value larger than the whole map may be is not stored.
    pub(crate) fn put(&self, place: TtlKey, owner: Owner, value: V, bytes: usize) {
        if bytes > self.bounds.bytes {
            return;
        }
        let mut entries = self.entries.lock();
        let mut gone: Vec<V> = entries.take(&place, &owner).into_iter().collect();
        gone.extend(entries.take_stale(self.bounds.time));
        while entries
            .owned
            .get(&owner)
            .is_some_and(|owned| owned.len() >= self.bounds.of_one)
        {
            gone.extend(entries.take_oldest(Some(&owner)));
        }
        while entries.order.len() >= self.bounds.entries
            || entries.bytes.saturating_add(bytes) > self.bounds.bytes
        {
            let Some(oldest) = entries.take_oldest(None) else {
                break;
            };
            gone.push(oldest);
        }
        entries.add(place, owner, value, bytes);
        drop(entries);
        // Dropping a value may write records, which must not happen under the lock.
        drop(gone);
    }

    /// Looks up the owner's value and renews its age.
    pub(crate) fn find(&self, place: &TtlKey, owner: &Owner) -> Lookup<V> {
        let mut entries = self.entries.lock();
        let stale = entries.take_stale(self.bounds.time);
        let found = match entries.places.get(place) {
            None => Lookup::Nothing,
            Some(entries) => match entries.iter().find(|entry| entry.owner == *owner) {
                None => Lookup::Others,
                Some(entry) => Lookup::Own(entry.value.clone()),
            },
        };
        if let Lookup::Own(_) = found {
            entries.renew(place, owner);
        }
        drop(entries);
        drop(stale);
        found
    }
}

impl<V: Clone> TtlEntries<V> {
    fn add(&mut self, place: TtlKey, owner: Owner, value: V, bytes: usize) {
        let age = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.order.insert(age, owner.clone());
        self.owned
            .entry(owner.clone())
            .or_default()
            .insert(age, place.clone());
        self.places.entry(place).or_default().push(Entry {
            owner,
            value,
            bytes,
            age,
            touched: Instant::now(),
        });
    }

    fn take(&mut self, place: &TtlKey, owner: &Owner) -> Option<V> {
        let entries = self.places.get_mut(place)?;
        let at = entries.iter().position(|entry| entry.owner == *owner)?;
        let entry = entries.swap_remove(at);
        if entries.is_empty() {
            self.places.remove(place);
        }
        self.bytes -= entry.bytes;
        self.order.remove(&entry.age);
        if let Some(owned) = self.owned.get_mut(owner) {
            owned.remove(&entry.age);
            if owned.is_empty() {
                self.owned.remove(owner);
            }
        }
        Some(entry.value)
    }

    fn take_oldest(&mut self, of: Option<&Owner>) -> Option<V> {
        let owner = match of {
            Some(owner) => owner.clone(),
            None => self.order.first_key_value()?.1.clone(),
        };
        let place = self.owned.get(&owner)?.first_key_value()?.1.clone();
        self.take(&place, &owner)
    }

    fn take_stale(&mut self, time: Duration) -> Vec<V> {
        let mut stale = Vec::new();
        while let Some((age, owner)) = self.order.first_key_value() {
            let place = self.owned.get(owner).and_then(|owned| owned.get(age));
            let entries = place.and_then(|place| self.places.get(place));
            let touched = entries
                .and_then(|entries| entries.iter().find(|entry| entry.age == *age))
                .map(|entry| entry.touched);
            if touched.is_none_or(|touched| touched.elapsed() < time) {
                break;
            }
            stale.extend(self.take_oldest(None));
        }
        stale
    }

    fn renew(&mut self, place: &TtlKey, owner: &Owner) {
        let Some(entry) = self
            .places
            .get_mut(place)
            .and_then(|entries| entries.iter_mut().find(|entry| entry.owner == *owner))
        else {
            return;
        };
        self.order.remove(&entry.age);
        if let Some(owned) = self.owned.get_mut(owner) {
            owned.remove(&entry.age);
            owned.insert(self.next, place.clone());
        }
        (entry.age, entry.touched) = (self.next, Instant::now());
        self.order.insert(self.next, owner.clone());
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        entries: 4,
        of_one: 2,
        bytes: 100,
        time: Duration::from_secs(60),
    };

    fn place(name: &str) -> TtlKey {
        TtlKey::new(&"s".into(), [name])
    }
    fn owner(name: &str) -> Owner {
        Owner::client(Some(&name.into()), None)
    }
    fn memory(bounds: Bounds) -> TtlMap<u32> {
        TtlMap::new(bounds)
    }

    #[test]
    fn each_caller_finds_its_own_and_learns_of_others_only_that_it_is_theirs() {
        let memory = memory(BOUNDS);
        memory.put(place("x"), owner("a"), 1, 1);
        assert_eq!(memory.find(&place("x"), &owner("a")), Lookup::Own(1));
        assert_eq!(memory.find(&place("x"), &owner("b")), Lookup::Others);
        assert_eq!(memory.find(&place("y"), &owner("a")), Lookup::Nothing);
        memory.put(place("x"), owner("b"), 2, 1);
        assert_eq!(memory.find(&place("x"), &owner("a")), Lookup::Own(1));
        assert_eq!(memory.find(&place("x"), &owner("b")), Lookup::Own(2));
        memory.put(place("x"), owner("a"), 3, 1);
        assert_eq!(memory.find(&place("x"), &owner("a")), Lookup::Own(3));
    }

    #[test]
    fn a_session_is_not_a_principal_of_the_same_name() {
        let memory = memory(BOUNDS);
        memory.put(place("x"), Owner::client(None, Some(&"a".into())), 1, 1);
        assert_eq!(memory.find(&place("x"), &owner("a")), Lookup::Others);
    }

    #[test]
    fn a_callers_own_oldest_gives_way_before_anybody_elses() {
        let memory = memory(BOUNDS);
        memory.put(place("x"), owner("a"), 1, 1);
        for n in 0..9 {
            memory.put(place(&n.to_string()), owner("b"), n, 1);
        }
        assert_eq!(memory.find(&place("x"), &owner("a")), Lookup::Own(1));
        assert_eq!(memory.find(&place("6"), &owner("b")), Lookup::Nothing);
        assert_eq!(memory.find(&place("8"), &owner("b")), Lookup::Own(8));
    }

    #[test]
    fn number_and_bytes_are_bounded_and_the_least_recently_used_goes() {
        let memory = memory(BOUNDS);
        for (n, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
            memory.put(place("x"), owner(name), n as u32, 20);
        }
        assert_eq!(memory.find(&place("x"), &owner("a")), Lookup::Own(0));
        memory.put(place("x"), owner("e"), 4, 20);
        assert_eq!(memory.find(&place("x"), &owner("a")), Lookup::Own(0));
        assert_eq!(memory.find(&place("x"), &owner("b")), Lookup::Others);
        memory.put(place("y"), owner("f"), 5, 90);
        assert_eq!(memory.find(&place("x"), &owner("a")), Lookup::Nothing);
        assert_eq!(memory.find(&place("y"), &owner("f")), Lookup::Own(5));
        memory.put(place("y"), owner("f"), 6, 101);
        assert_eq!(memory.find(&place("y"), &owner("f")), Lookup::Own(5));
    }

    #[test]
    fn what_nobody_asked_for_in_time_is_forgotten() {
        let memory = memory(Bounds {
            time: Duration::ZERO,
            ..BOUNDS
        });
        memory.put(place("x"), owner("a"), 1, 1);
        assert_eq!(memory.find(&place("x"), &owner("a")), Lookup::Nothing);
        assert_eq!(memory.entries.lock().bytes, 0);
    }

    #[test]
    fn a_place_is_told_by_its_parts() {
        let of = |parts: [&str; 2]| TtlKey::new(&"s".into(), parts);
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
        assert_ne!(of(["a", "b"]), TtlKey::new(&"t".into(), ["a", "b"]));
    }
}
