//! Tests of budgets: permits, waiting, and the share of a holder.
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn units_in_use_never_exceed_the_capacity() {
    let budget = Budget::new(10);
    let mut permit = budget.try_take(6).unwrap();
    assert_eq!(budget.try_take(5).err(), Some(Exhausted::Capacity));
    assert_eq!(permit.grow_to(10), Ok(()));
    assert_eq!(permit.grow_to(3), Ok(()));
    assert_eq!(permit.grow_to(11), Err(Exhausted::Capacity));
    assert_eq!((permit.units(), budget.used()), (10, 10));
    drop(permit);
    assert_eq!(budget.used(), 0);
}

#[test]
fn lone_request_may_exceed_the_capacity() {
    let budget = Budget::new(10).lone_may_exceed();
    let mut alone = budget.try_take(100).unwrap();
    assert_eq!(alone.grow_to(200), Ok(()));
    assert_eq!(budget.try_take(1).err(), Some(Exhausted::Capacity));
    drop(alone);
    let (_first, _second) = (budget.try_take(6).unwrap(), budget.try_take(4).unwrap());
    assert_eq!(budget.try_take(1).err(), Some(Exhausted::Capacity));
}

#[test]
fn holder_uses_no_more_than_its_share() {
    let budget = Budget::new(10).with_share(6);
    let mut permit = budget.try_take_for("a", 4).unwrap();
    assert_eq!(permit.holder(), Some("a"));
    assert_eq!(budget.try_take_for("a", 3).err(), Some(Exhausted::Share));
    assert_eq!(permit.grow_to(7), Err(Exhausted::Share));
    assert_eq!(permit.grow_to(6), Ok(()));
    let _other = budget.try_take_for("b", 4).unwrap();
    drop(permit);
    assert!(budget.try_take_for("a", 6).is_ok());
}

#[test]
fn waiting_requests_are_admitted_in_order() {
    let budget = Budget::new(10);
    let permit = budget.try_take(8).unwrap();
    let (mut large, mut small) = (pin!(budget.take(10)), pin!(budget.take(1)));
    assert!(poll(large.as_mut()).is_pending());
    // One unit is free, but the large request came first.
    assert!(poll(small.as_mut()).is_pending());
    assert_eq!(budget.try_take(1).err(), Some(Exhausted::Capacity));
    drop(permit);
    let Poll::Ready(Ok(large)) = poll(large.as_mut()) else { unreachable!("10 units are free") };
    assert!(poll(small.as_mut()).is_pending());
    drop(large);
    assert!(poll(small.as_mut()).is_ready());
}

#[test]
fn holder_over_its_share_does_not_delay_others() {
    let budget = Budget::new(10).with_share(5);
    let permit = budget.try_take_for("a", 5).unwrap();
    let (mut first, mut second) = (pin!(budget.take_for("a", 1)), pin!(budget.take_for("b", 5)));
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_ready());
    drop(permit);
    assert!(poll(first.as_mut()).is_ready());
}

#[test]
fn waiting_requests_are_bounded() {
    let budget = Budget::new(1).with_waiting_max(1);
    let _permit = budget.try_take(1).unwrap();
    let mut waiting = Box::pin(budget.take(1));
    assert!(poll(waiting.as_mut()).is_pending());
    assert!(matches!(poll(pin!(budget.take(1))), Poll::Ready(Err(Exhausted::Queue))));
    drop(waiting);
    assert!(poll(pin!(budget.take(1))).is_pending());
}

#[test]
fn cancelled_request_keeps_no_units() {
    let budget = Budget::new(1);
    let permit = budget.try_take(1).unwrap();
    let (mut cancelled, mut next) = (Box::pin(budget.take(1)), pin!(budget.take(1)));
    assert!(poll(cancelled.as_mut()).is_pending() && poll(next.as_mut()).is_pending());
    drop(permit);
    // The permit was sent, and not received.
    drop(cancelled);
    assert!(poll(next.as_mut()).is_ready());
    assert_eq!(budget.used(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permits_are_given_back_under_contention() {
    let budget = Budget::new(3);
    let tasks: Vec<_> = (0..200_u64)
        .map(|at| {
            let budget = budget.clone();
            tokio::spawn(async move {
                let permit = budget.take(at % 3 + 1).await.unwrap();
                assert!(budget.used() <= 3);
                tokio::task::yield_now().await;
                drop(permit);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(budget.used(), 0);
}
