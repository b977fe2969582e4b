//! Names to addresses.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The look-ups of one resolver that are under way at a time.
const LOOK_UPS: usize = 8;

/// How long a look-up waits for the end of another.
const WAIT: Duration = Duration::from_secs(2);

/// Resolves names.
pub trait Resolver: Send + Sync {
    /// The addresses of a name, best first. An error of the kind `ResourceBusy`: too many are looked up already.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver, with 8 look-ups at a time. A look-up blocks a thread for as long as the name's server likes, and
/// nobody can end it; who gives up waiting for it leaves it its place until it is over.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    places: Arc<Semaphore>,
    wait: Duration,
    look_up: fn(&str) -> io::Result<Vec<IpAddr>>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(LOOK_UPS)),
            wait: WAIT,
            look_up,
        }
    }
}

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        async move {
            let place = timeout(self.wait, self.places.clone().acquire_owned()).await;
            let Ok(Ok(place)) = place else {
                return Err(io::ErrorKind::ResourceBusy.into());
            };
            let (name, look_up) = (name.to_owned(), self.look_up);
            let found = tokio::task::spawn_blocking(move || {
                let found = look_up(&name);
                drop(place);
                found
            });
            found.await.map_err(io::Error::other)?
        }
        .boxed()
    }
}

fn look_up(name: &str) -> io::Result<Vec<IpAddr>> {
    let found = (name, 0).to_socket_addrs()?;
    Ok(found.map(|address| address.ip()).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_look_up_that_nobody_waits_for_keeps_its_place_until_it_is_over() {
        let resolver = SystemResolver {
            wait: Duration::from_millis(20),
            look_up: |name| {
                if name == "slow.example" {
                    std::thread::sleep(Duration::from_millis(1000));
                }
                Ok(vec![[10, 0, 0, 1].into()])
            },
            ..SystemResolver::default()
        };
        let given_up = (0..LOOK_UPS).map(|_| {
            let asked = resolver.resolve("slow.example");
            timeout(Duration::from_millis(20), asked)
        });
        assert!(join_all(given_up).await.iter().all(Result::is_err));
        assert_eq!(resolver.places.available_permits(), 0);
        let busy = resolver.resolve("quick.example").await.unwrap_err();
        assert_eq!(busy.kind(), io::ErrorKind::ResourceBusy);
        let patient = SystemResolver {
            wait: Duration::from_secs(60),
            ..resolver.clone()
        };
        assert_eq!(patient.resolve("quick.example").await.unwrap().len(), 1);
        // The others end at about that time.
        let all = patient
            .places
            .acquire_many(u32::try_from(LOOK_UPS).unwrap());
        let all = timeout(Duration::from_secs(60), all).await.unwrap();
        assert!(all.is_ok());
    }

    #[tokio::test]
    async fn the_systems_own_names_resolve() {
        let found = SystemResolver::default().resolve("localhost").await;
        assert!(found.unwrap().iter().all(IpAddr::is_loopback));
    }
}
