#![allow(clippy::unwrap_used)]
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::AtomicUsize;

use tokio::task::JoinHandle;

use super::pace::LAP;
use super::queue::QUEUE;
use super::*;

fn client(name: &str) -> Account {
    Account::Client(name.into())
}

/// As many places as the account gets.
fn fill(gate: &Arc<Gate>, account: &Account) -> Vec<Place> {
    std::iter::from_fn(|| gate.take(account, Way::Coming)).collect()
}

fn wait(gate: &Arc<Gate>, account: &Account, way: Way) -> JoinHandle<Result<Place, Overloaded>> {
    tokio::spawn(gate.clone().wait(account.clone(), way))
}

async fn others() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn nothing_is_left_of_it(gate: &Gate) {
    assert_eq!(gate.used.load(SeqCst), 0);
    assert_eq!(gate.waiting(), 0);
    let queue = gate.queue.lock();
    assert_eq!((queue.used, queue.coming), (0, 0));
    assert!(queue.accounts.is_empty(), "{queue:?}");
    assert!(queue.turns.iter().all(VecDeque::is_empty), "{queue:?}");
}

#[test]
fn one_account_leaves_room_for_another() {
    let gate = Gate::new(2);
    let eve = fill(&gate, &client("eve"));
    assert_eq!(eve.len(), 6, "of eight");
    assert_eq!(fill(&gate, &client("ada")).len(), 1);
    assert_eq!(fill(&gate, &Account::Local).len(), 2);
    drop(eve);
    nothing_is_left_of_it(&gate);
}

#[tokio::test]
async fn nobody_waits_where_it_is_open() {
    let gate = Gate::open();
    let held: Vec<_> = (0..100)
        .map_while(|_| gate.take(&client("eve"), Way::Coming))
        .collect();
    assert_eq!(held.len(), 100);
    let came = gate.come_in(&client("ada"), 1000, pin!(async { 1 })).await;
    assert_eq!(came, Ok(1));
    drop(held);
    nothing_is_left_of_it(&gate);
}

#[tokio::test]
async fn accounts_take_turns_and_calls_on_their_way_go_first() {
    let gate = Gate::new(1);
    let mut held = fill(&gate, &Account::Local);
    assert_eq!(held.len(), 4);
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut all = Vec::new();
    for (name, way) in [
        ("eve 1", Way::Coming),
        ("eve 2", Way::Coming),
        ("eve 3", Way::Coming),
        ("ada 1", Way::Coming),
        ("bob 1", Way::Within),
    ] {
        let (gate, order) = (gate.clone(), order.clone());
        all.push(tokio::spawn(async move {
            let account = client(name.split(' ').next().unwrap());
            let place = gate.wait(account, way).await.unwrap();
            order.lock().push(name);
            drop(place);
        }));
        others().await;
    }
    assert_eq!(gate.waiting(), 5);
    // One of those that are anybody's.
    held.remove(0);
    for one in all {
        one.await.unwrap();
    }
    assert_eq!(*order.lock(), ["bob 1", "eve 1", "ada 1", "eve 2", "eve 3"]);
    drop(held);
    nothing_is_left_of_it(&gate);
}

#[tokio::test(start_paused = true)]
async fn who_comes_in_a_burst_waits_and_is_turned_away_at_last() {
    let gate = Gate::new(1);
    let held = fill(&gate, &Account::Local);
    let ada = client("ada");
    let began = Instant::now();
    let late = wait(&gate, &ada, Way::Coming);
    let within = wait(&gate, &ada, Way::Within);
    assert_eq!(late.await.unwrap().err(), Some(Overloaded));
    assert_eq!(began.elapsed(), LONGEST);
    assert!(!within.is_finished());
    drop(held);
    drop(within.await.unwrap().unwrap());
    others().await;
    assert!(gate.take(&ada, Way::Coming).is_some());
    nothing_is_left_of_it(&gate);
}

#[tokio::test(start_paused = true)]
async fn where_the_queue_stands_calls_are_turned_away_early_until_it_drains() {
    let gate = Gate::new(1);
    let ada = client("ada");
    let mut places: VecDeque<Place> = fill(&gate, &ada).into();
    // More come than places become free: one each ten milliseconds, for one each forty.
    let mut waiting = Vec::new();
    for ten in 0..200 {
        waiting.push(wait(&gate, &ada, Way::Coming));
        if ten % 4 == 0 {
            places.pop_front();
        }
        others().await;
        tokio::time::advance(Duration::from_millis(10)).await;
        others().await;
        let (over, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(JoinHandle::is_finished);
        for one in over {
            places.extend(one.await.unwrap());
        }
        waiting = rest;
    }
    assert!(gate.is_overloaded(&ada));
    assert!(waiting.len() <= 52, "{} wait", waiting.len());
    // An account that waits little is none of those.
    assert!(!gate.is_overloaded(&client("bob")));
    drop(places);
    for one in waiting {
        drop(one.await.unwrap());
    }
    assert!(!gate.is_overloaded(&ada));
    others().await;
    drop(gate.take(&ada, Way::Coming).unwrap());
    nothing_is_left_of_it(&gate);
}

#[tokio::test]
async fn an_account_has_no_more_of_the_queue_than_is_left_of_it() {
    let gate = Gate::new(1);
    let held = fill(&gate, &Account::Local);
    let (eve, ada) = (client("eve"), client("ada"));
    let now = Instant::now();
    let queued = |account| {
        let receiver = gate.queue_up(account, Way::Coming, now);
        receiver.map(std::mem::ManuallyDrop::new)
    };
    let eves = (0..QUEUE).map_while(|_| queued(&eve)).count();
    assert_eq!(eves, QUEUE / 2);
    assert!(queued(&eve).is_none() && queued(&ada).is_some());
    drop(held);
}

#[tokio::test]
async fn a_place_is_kept_by_who_gives_way_and_given_back_by_who_waits() {
    let gate = Gate::new(1);
    let used = |gate: &Gate| gate.used.load(SeqCst) + gate.queue.lock().used;
    let ada = client("ada");
    let (at, own) = (AtomicUsize::new(0), gate.clone());
    let judged = pin!(async {
        assert_eq!(used(&own), 1);
        sandgate_message::give_way();
        tokio::task::yield_now().await;
        at.store(1, SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(used(&own), 1);
    });
    let mut passing = pin!(gate.come_in(&ada, 0, judged));
    let mut seen = Vec::new();
    poll_fn(|context| {
        let polled = passing.as_mut().poll(context);
        seen.push((at.load(SeqCst), used(&gate)));
        polled
    })
    .await
    .unwrap();
    assert_eq!(seen, [(0, 1), (1, 0), (1, 0)]);
    nothing_is_left_of_it(&gate);
}

#[tokio::test]
async fn where_laps_take_long_who_comes_waits_for_one_and_who_is_on_its_way_does_not() {
    let gate = Gate::new(1);
    let ada = client("ada");
    gate.slow.store(true, SeqCst);
    assert!(gate.take(&ada, Way::Coming).is_none());
    assert!(gate.take(&ada, Way::Within).is_some());
    let comes: Vec<_> = (0..20)
        .map(|_| {
            let (gate, ada) = (gate.clone(), ada.clone());
            tokio::spawn(async move { gate.come_in(&ada, 0, pin!(async {})).await })
        })
        .collect();
    others().await;
    assert!(comes.iter().all(|one| !one.is_finished()));
    gate.clone().pace(LAP).await;
    for one in comes {
        one.await.unwrap().unwrap();
    }
    assert!(!gate.slow.load(SeqCst));
    nothing_is_left_of_it(&gate);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_where_many_come_go_and_give_up() {
    let gate = Gate::new(2);
    let all: Vec<_> = (0..64)
        .map(|n| {
            let gate = gate.clone();
            tokio::spawn(async move {
                let account = client(&(n % 5).to_string());
                for round in 0..200_usize {
                    let judged = pin!(async {
                        sandgate_message::give_way();
                        tokio::task::yield_now().await;
                        tokio::task::yield_now().await;
                    });
                    let passed = gate.come_in(&account, 100, judged);
                    if (n + round) % 7 == 0 {
                        let soon = Duration::from_micros(300);
                        let _ = tokio::time::timeout(soon, passed).await;
                    } else {
                        let _ = passed.await;
                    }
                }
            })
        })
        .collect();
    for one in all {
        one.await.unwrap();
    }
    // Those who gave up last may still stand in the queue: whoever comes finds them.
    tokio::time::sleep(LAP * 10).await;
    for n in 0..5 {
        let account = client(&n.to_string());
        gate.come_in(&account, 0, pin!(async {})).await.unwrap();
    }
    assert_eq!(gate.used.load(SeqCst), 0);
    assert_eq!(gate.queue.lock().used, 0);
}
