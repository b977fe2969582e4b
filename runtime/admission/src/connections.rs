//! Client connections: their number, their accounts, and which one gives way.
//!
//! No connection waits to be accepted. One beyond its account's share, or beyond the bound, replaces the connection
//! that has been idle for longest. Where none is idle, the new connection is answered on `/healthz` and `/readyz` only
//! and closed soon, so that health checks always get through.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use parking_lot::Mutex;
use sandgate_message::Account;
use sandgate_wire::{ClientCertificate, Permit, Quota};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::address::TrustedProxies;

/// The most connections beyond the bound, which get health checks only; one more replaces the oldest.
const FOR_HEALTH: usize = 16;

/// The memory charged for one connection, in bytes: the buffers that it may fill before a request is read.
pub const BUFFERS: usize = 128 << 10;

/// All client connections.
#[derive(Debug)]
pub struct Connections {
    quota: Arc<Quota>,
    memory: Arc<Quota>,
    proxies: TrustedProxies,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    open: HashMap<u64, Arc<Connection>>,
    for_health: VecDeque<CancellationToken>,
    last: u64,
}

/// One client connection.
#[derive(Debug)]
pub struct Connection {
    number: u64,
    peer: IpAddr,
    /// The local address at which the connection arrived.
    pub local: SocketAddr,
    /// Whether the connection uses TLS, which ends here.
    pub https: bool,
    /// Whether the connection gets health checks only.
    pub for_health: bool,
    /// What the client's certificate says of it, where it showed one.
    pub certificate: OnceLock<ClientCertificate>,
    of_proxy: bool,
    /// The account of the peer's address.
    account: Account,
    /// The place and the memory; `None` for a health-check connection, or one that gave way.
    permits: Mutex<Option<(Permit, Permit)>>,
    activity: Mutex<Activity>,
    over: CancellationToken,
}

#[derive(Debug)]
struct Activity {
    requests: usize,
    idle_since: Instant,
}

/// A request in flight on a connection, until its response is sent.
#[derive(Debug)]
pub struct Active(Arc<Connection>);

/// An open connection, which is closed when this is dropped.
#[derive(Debug)]
pub struct Open {
    connections: Arc<Connections>,
    /// The connection.
    pub connection: Arc<Connection>,
}

impl Connections {
    /// Creates a table of at most `max` connections.
    pub fn new(max: usize, memory: Arc<Quota>, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self {
            quota: Quota::new(max),
            memory,
            proxies,
            table: Mutex::default(),
        })
    }

    /// The number of connections, without those for health checks.
    pub fn count(&self) -> usize {
        self.quota.used()
    }

    /// Registers a new connection.
    pub fn open(self: &Arc<Self>, peer: IpAddr, local: SocketAddr, https: bool) -> Open {
        let of_proxy = self.proxies.trusts(peer);
        let account = Account::of_address(peer);
        // Each request on a proxy's connection names its own caller.
        let permits = self.permits(if of_proxy { &Account::Local } else { &account });
        let mut table = self.table.lock();
        table.last += 1;
        let connection = Arc::new(Connection {
            number: table.last,
            peer,
            local,
            https,
            for_health: permits.is_none(),
            certificate: OnceLock::new(),
            of_proxy,
            account,
            permits: Mutex::new(permits),
            activity: Mutex::new(Activity {
                requests: 0,
                idle_since: Instant::now(),
            }),
            over: CancellationToken::new(),
        });
        if connection.for_health {
            table.for_health.retain(|one| !one.is_cancelled());
            if table.for_health.len() >= FOR_HEALTH
                && let Some(oldest) = table.for_health.pop_front()
            {
                oldest.cancel();
            }
            table.for_health.push_back(connection.over.clone());
        } else {
            table.open.insert(connection.number, connection.clone());
        }
        Open {
            connections: self.clone(),
            connection,
        }
    }

    /// The account of a request without a key: its address, or the one that a trusted proxy names.
    pub fn account(&self, connection: &Connection, headers: &HeaderMap) -> Account {
        match connection.of_proxy {
            true => self.proxies.account(connection.peer, headers),
            false => connection.account.clone(),
        }
    }

    /// Charges the connection to the account of an authenticated client instead of that of its address. Returns `false`
    /// if the client has its share already.
    pub fn belongs(&self, connection: &Connection, account: &Account) -> bool {
        if connection.of_proxy || !matches!(account, Account::Client(_)) {
            return true;
        }
        if connection.is_of(account) {
            return true;
        }
        let permits = self.permits(account);
        let had = permits.is_some();
        if had {
            *connection.permits.lock() = permits;
        }
        had
    }

    fn permits(&self, account: &Account) -> Option<(Permit, Permit)> {
        let take = || {
            let place = self.quota.take(account, 1)?;
            Some((place, self.memory.take(account, BUFFERS)?))
        };
        take().or_else(|| {
            self.give_way(account);
            take()
        })
    }

    /// Ends the connection that has been idle for longest: one of the account, or any if the bound is reached.
    fn give_way(&self, account: &Account) {
        let full = self.quota.used() >= self.quota.max();
        let table = self.table.lock();
        let idle = table
            .open
            .values()
            .filter(|connection| full || connection.is_of(account))
            .filter_map(|connection| Some((connection.idle_since()?, connection)));
        if let Some((_, connection)) = idle.min_by_key(|(since, _)| *since) {
            connection.over.cancel();
            connection.permits.lock().take();
        }
    }
}

impl Connection {
    /// Registers a request on the connection.
    pub fn begin(self: &Arc<Self>) -> Active {
        self.activity.lock().requests += 1;
        Active(self.clone())
    }

    /// The time since which the connection has no request in flight; `None` if it has one.
    pub fn idle_since(&self) -> Option<Instant> {
        let activity = self.activity.lock();
        (activity.requests == 0).then_some(activity.idle_since)
    }

    /// Cancelled when the connection must give way.
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }

    fn is_of(&self, account: &Account) -> bool {
        let permits = self.permits.lock();
        permits
            .as_ref()
            .is_some_and(|(place, _)| place.account() == account)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut activity = self.0.activity.lock();
        activity.requests -= 1;
        activity.idle_since = Instant::now();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connection.over.cancel();
        let mut table = self.connections.table.lock();
        table.open.remove(&self.connection.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn connections(max: usize) -> Arc<Connections> {
        Connections::new(max, Quota::new(usize::MAX), TrustedProxies::default())
    }

    fn open(connections: &Arc<Connections>, peer: &str) -> Open {
        connections.open(peer.parse().unwrap(), ([127, 0, 0, 1], 1).into(), false)
    }

    #[test]
    fn idle_connections_of_an_address_at_its_share_give_way_to_its_next() {
        let connections = connections(4);
        let held: Vec<Open> = (0..20).map(|_| open(&connections, "192.0.2.1")).collect();
        assert_eq!(connections.count(), 2);
        let over = |open: &Open| open.connection.over().is_cancelled();
        assert!(held[..18].iter().all(over) && !held[18..].iter().any(over));
        assert!(!open(&connections, "192.0.2.2").connection.for_health);
    }

    #[test]
    fn where_none_is_idle_a_further_one_may_ask_for_health_alone() {
        let connections = connections(2);
        let busy = open(&connections, "192.0.2.1");
        let _active = busy.connection.begin();
        let further = open(&connections, "192.0.2.1");
        assert!(further.connection.for_health && !busy.connection.over().is_cancelled());
        let more: Vec<Open> = (0..FOR_HEALTH)
            .map(|_| open(&connections, "192.0.2.1"))
            .collect();
        assert!(further.connection.over().is_cancelled());
        assert!(!more.last().unwrap().connection.over().is_cancelled());
    }

    #[test]
    fn a_client_that_is_known_frees_the_share_of_its_address() {
        let connections = connections(4);
        let eve = Account::Client("eve".into());
        let held: Vec<(Open, Active)> = (0..2)
            .map(|_| {
                let open = open(&connections, "192.0.2.1");
                assert!(connections.belongs(&open.connection, &eve));
                let active = open.connection.begin();
                (open, active)
            })
            .collect();
        let third = open(&connections, "192.0.2.1");
        assert!(!third.connection.for_health);
        assert!(!connections.belongs(&third.connection, &eve));
        assert!(connections.belongs(&third.connection, &Account::Client("ada".into())));
        drop(held);
    }
}
