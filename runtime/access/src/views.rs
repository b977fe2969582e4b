//! Views: for whom each is, and what the clients of several see and may use.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::client_view::ClientView;
use crate::pattern::PatternError;
use crate::view::{Compiled, View};

/// The combinations of views that are kept compiled for clients with tokens. Further ones are compiled each time.
const MAX_COMBINATIONS: usize = 1024;

/// Whose views are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Viewer<'a> {
    /// The client's name; `None` for the anonymous client.
    pub name: Option<&'a str>,
    /// Its groups, which alone count for a client that is not configured.
    pub groups: &'a [String],
}

/// The views of an edition, compiled for each of its configured clients, and for others by their groups when they come.
/// Without views nothing is judged.
#[derive(Debug, Default)]
pub struct Views {
    /// Each client's view, by the client's name; `None` without views. Clients of the same views share one.
    of: Option<HashMap<Arc<str>, Arc<ClientView>>>,
    /// The views of clients that are not configured, by the positions of the views.
    others: Mutex<HashMap<Vec<usize>, Arc<ClientView>>>,
    written: Vec<View>,
    compiled: Vec<Compiled>,
    servers: Vec<Arc<str>>,
}

impl Views {
    /// Compiles the views for these clients (name and groups) and servers (names). Clients of the same views share what
    /// is compiled.
    ///
    /// # Errors
    ///
    /// A pattern holds what is no glob.
    pub fn new<'c>(
        views: Vec<View>,
        clients: impl IntoIterator<Item = (&'c str, &'c [String])>,
        servers: &[Arc<str>],
    ) -> Result<Self, PatternError> {
        if views.is_empty() {
            return Ok(Self::default());
        }
        let compiled: Vec<_> = views.iter().map(Compiled::of).collect::<Result<_, _>>()?;
        let mut shared: HashMap<Vec<usize>, Arc<ClientView>> = HashMap::new();
        let mut of = HashMap::new();
        for (name, groups) in clients {
            let own: Vec<usize> = (0..views.len())
                .filter(|at| views[*at].is_for(Some(name), groups))
                .collect();
            let view = shared.entry(own).or_insert_with_key(|own| {
                let own = own.iter().map(|at| &compiled[*at]);
                Arc::new(ClientView::of(own, servers))
            });
            of.insert(Arc::from(name), view.clone());
        }
        Ok(Self {
            of: Some(of),
            others: Mutex::new(shared),
            written: views,
            compiled,
            servers: servers.to_vec(),
        })
    }

    /// Whether there are any views.
    pub fn are_in_force(&self) -> bool {
        self.of.is_some()
    }

    /// The client's view; `None` for the anonymous client, and without views. Where there are views, a client in none of
    /// them sees nothing.
    pub fn of_client(&self, viewer: Viewer<'_>) -> Option<Arc<ClientView>> {
        let of = self.of.as_ref()?;
        let name = viewer.name?;
        if let Some(view) = of.get(name) {
            return Some(view.clone());
        }
        let own: Vec<usize> = self.positions(name, viewer.groups).collect();
        let mut others = self.others.lock();
        if let Some(view) = others.get(&own) {
            return Some(view.clone());
        }
        let compiled = own.iter().map(|at| &self.compiled[*at]);
        let view = Arc::new(ClientView::of(compiled, &self.servers));
        if others.len() < MAX_COMBINATIONS {
            others.insert(own, view.clone());
        }
        Some(view)
    }

    /// The lowest rate of the views of a client that is not configured.
    pub fn rate_of(&self, name: &str, groups: &[String]) -> Option<NonZeroU32> {
        let own = self.positions(name, groups);
        own.filter_map(|at| self.written[at].rate).min()
    }

    /// The positions of the client's views.
    fn positions<'a>(
        &'a self,
        name: &'a str,
        groups: &'a [String],
    ) -> impl Iterator<Item = usize> + 'a {
        let views = self.written.iter().enumerate();
        let own = views.filter(move |(_, view)| view.is_for(Some(name), groups));
        own.map(|(at, _)| at)
    }

    /// The view that a client of these groups would have.
    ///
    /// # Errors
    ///
    /// A pattern holds what is no glob.
    pub fn of_groups(
        &self,
        name: Option<&str>,
        groups: &[String],
        servers: &[Arc<str>],
    ) -> Result<ClientView, PatternError> {
        let own = self.written.iter().filter(|view| view.is_for(name, groups));
        let own: Vec<_> = own.map(Compiled::of).collect::<Result<_, _>>()?;
        Ok(ClientView::of(own.iter(), servers))
    }

    /// Whether the client may know of the server: there are no views, or one of its views allows something there.
    pub fn show(&self, viewer: Viewer<'_>, server: &str) -> bool {
        !self.are_in_force()
            || self
                .of_client(viewer)
                .is_some_and(|view| view.shows(server))
    }

    /// Whether the client's lists of the server, or of all servers (`None`), may differ between the two.
    pub fn differ(&self, other: &Self, viewer: Viewer<'_>, server: Option<&str>) -> bool {
        let (one, two) = (self.of_client(viewer), other.of_client(viewer));
        if self.are_in_force() != other.are_in_force() {
            return true;
        }
        match (one, two) {
            (Some(one), Some(two)) => match server {
                _ if Arc::ptr_eq(&one, &two) => false,
                Some(server) => one.servers.get(server) != two.servers.get(server),
                None => one.servers != two.servers,
            },
            (one, two) => one.is_some() || two.is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
