//! Budgets: how much of a resource may be in use at once. A unit is a byte, a place, or a cost.
//!
//! A [`Permit`] holds units of a [`Budget`] and gives them back when it is dropped.
//!
//! ```
//! use mrrow_engine::budget::Budget;
//!
//! let bodies = Budget::new(10);
//! let first = bodies.try_take(6)?;
//! assert!(bodies.try_take(5).is_err());
//! drop(first);
//! assert!(bodies.try_take(5).is_ok());
//! # Ok::<(), mrrow_engine::budget::Exhausted>(())
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A capacity that permits are taken from; a clone is the same budget.
#[derive(Debug, Clone)]
pub struct Budget {
    rules: BudgetRules,
    ledger: Arc<Mutex<Ledger>>,
}

/// Units in use until this is dropped.
#[derive(Debug)]
pub struct Permit {
    budget: Budget,
    holder: Option<Arc<str>>,
    units: u64,
}

/// Why units were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// Too many units are in use, or other requests wait for them.
    #[error("the capacity is in use")]
    Capacity,
    /// The holder uses its whole share.
    #[error("the holder's share is in use")]
    Share,
    /// Too many requests wait already.
    #[error("too many requests wait")]
    Queue,
}

#[derive(Debug, Clone, Copy)]
struct BudgetRules {
    capacity: u64,
    /// The most units of one holder.
    share: u64,
    waiting_max: usize,
    lone_may_exceed: bool,
}

#[derive(Debug, Default)]
struct Ledger {
    used: u64,
    used_by: HashMap<Arc<str>, u64>,
    /// In the order of their arrival.
    waiting: VecDeque<WaitingRequest>,
}

#[derive(Debug)]
struct WaitingRequest {
    units: u64,
    holder: Option<Arc<str>>,
    reply: oneshot::Sender<Permit>,
}

impl Budget {
    /// A budget of `capacity` units.
    pub fn new(capacity: u64) -> Budget {
        let rules = BudgetRules {
            capacity,
            share: u64::MAX,
            waiting_max: usize::MAX,
            lone_may_exceed: false,
        };
        Budget { rules, ledger: Arc::default() }
    }

    /// Admits a request of any size while nothing else is in use.
    #[must_use]
    pub fn lone_may_exceed(mut self) -> Budget {
        self.rules.lone_may_exceed = true;
        self
    }

    /// Bounds the units of each holder. Permits without a holder have no share.
    #[must_use]
    pub fn with_share(mut self, units: u64) -> Budget {
        self.rules.share = units;
        self
    }

    /// Bounds the requests that wait at once.
    #[must_use]
    pub fn with_waiting_max(mut self, requests: usize) -> Budget {
        self.rules.waiting_max = requests;
        self
    }

    /// Units in use.
    pub fn used(&self) -> u64 {
        self.ledger().used
    }

    /// Takes units at once, or refuses. Requests that wait go first.
    ///
    /// # Errors
    /// When the units are in use.
    pub fn try_take(&self, units: u64) -> Result<Permit, Exhausted> {
        self.try_take_as(None, units)
    }

    /// Takes units on behalf of a holder, such as an API key, at once, or refuses.
    ///
    /// # Errors
    /// When the units, or those of the holder's share, are in use.
    pub fn try_take_for(&self, holder: &str, units: u64) -> Result<Permit, Exhausted> {
        self.try_take_as(Some(Arc::from(holder)), units)
    }

    /// Waits for units, in the order of arrival. Dropping the future gives up the place in the
    /// queue.
    ///
    /// # Errors
    /// When too many requests wait already.
    pub async fn take(&self, units: u64) -> Result<Permit, Exhausted> {
        self.take_as(None, units).await
    }

    /// Waits for units on behalf of a holder. A holder over its share does not delay others.
    ///
    /// # Errors
    /// When too many requests wait already.
    pub async fn take_for(&self, holder: &str, units: u64) -> Result<Permit, Exhausted> {
        self.take_as(Some(Arc::from(holder)), units).await
    }

    fn try_take_as(&self, holder: Option<Arc<str>>, units: u64) -> Result<Permit, Exhausted> {
        let mut ledger = self.ledger();
        ledger.check(&self.rules, holder.as_ref(), units)?;
        if ledger.is_capacity_awaited(&self.rules) {
            return Err(Exhausted::Capacity);
        }
        ledger.charge(holder.as_ref(), units);
        drop(ledger);
        Ok(self.permit(holder, units))
    }

    async fn take_as(&self, holder: Option<Arc<str>>, units: u64) -> Result<Permit, Exhausted> {
        if let Ok(permit) = self.try_take_as(holder.clone(), units) {
            return Ok(permit);
        }
        let (reply, permit) = oneshot::channel();
        {
            let mut ledger = self.ledger();
            ledger.waiting.retain(|request| !request.reply.is_closed());
            if ledger.waiting.len() >= self.rules.waiting_max {
                return Err(Exhausted::Queue);
            }
            ledger.waiting.push_back(WaitingRequest { units, holder, reply });
        }
        // The units may have become free between the two locks.
        self.admit();
        // The sender stays in the ledger, which `self` keeps alive.
        permit.await.map_err(|_| Exhausted::Capacity)
    }

    /// Gives free units to the requests that wait.
    fn admit(&self) {
        let admitted = self.ledger().admit(&self.rules);
        for WaitingRequest { units, holder, reply } in admitted {
            // A request that has gone drops its permit here, which admits the next one.
            drop(reply.send(self.permit(holder, units)));
        }
    }

    fn permit(&self, holder: Option<Arc<str>>, units: u64) -> Permit {
        Permit { budget: self.clone(), holder, units }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The units it holds.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// The holder on whose behalf it was taken.
    pub fn holder(&self) -> Option<&str> {
        self.holder.as_deref()
    }

    /// Holds `units` in all, if it holds fewer. On failure it keeps what it has.
    ///
    /// # Errors
    /// When the further units are in use.
    pub fn grow_to(&mut self, units: u64) -> Result<(), Exhausted> {
        let more = units.saturating_sub(self.units);
        if more == 0 {
            return Ok(());
        }
        let mut ledger = self.budget.ledger();
        ledger.release(self.holder.as_ref(), self.units);
        let checked = ledger.check(&self.budget.rules, self.holder.as_ref(), units);
        let held = if checked.is_ok() { units } else { self.units };
        ledger.charge(self.holder.as_ref(), held);
        drop(ledger);
        self.units = held;
        checked
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.ledger().release(self.holder.as_ref(), self.units);
        self.budget.admit();
    }
}

impl Ledger {
    fn check(
        &self,
        rules: &BudgetRules,
        holder: Option<&Arc<str>>,
        units: u64,
    ) -> Result<(), Exhausted> {
        if rules.lone_may_exceed && self.used == 0 {
            return Ok(());
        }
        if let Some(holder) = holder {
            let used = self.used_by.get(holder).copied().unwrap_or(0);
            if used.saturating_add(units) > rules.share {
                return Err(Exhausted::Share);
            }
        }
        match self.used.saturating_add(units) > rules.capacity {
            true => Err(Exhausted::Capacity),
            false => Ok(()),
        }
    }

    /// Whether a request waits for the capacity, and not only for its holder's share.
    fn is_capacity_awaited(&self, rules: &BudgetRules) -> bool {
        self.waiting.iter().filter(|request| !request.reply.is_closed()).any(|request| {
            self.check(rules, request.holder.as_ref(), request.units) == Err(Exhausted::Capacity)
        })
    }

    /// Charges the requests that fit, first come first served, and takes them off the queue.
    fn admit(&mut self, rules: &BudgetRules) -> Vec<WaitingRequest> {
        let (mut admitted, mut is_full) = (Vec::new(), false);
        for request in std::mem::take(&mut self.waiting) {
            if request.reply.is_closed() {
                continue;
            }
            let checked = self.check(rules, request.holder.as_ref(), request.units);
            is_full |= checked == Err(Exhausted::Capacity);
            if checked.is_ok() && !is_full {
                self.charge(request.holder.as_ref(), request.units);
                admitted.push(request);
            } else {
                self.waiting.push_back(request);
            }
        }
        admitted
    }

    fn charge(&mut self, holder: Option<&Arc<str>>, units: u64) {
        self.used = self.used.saturating_add(units);
        if let Some(holder) = holder {
            let used = self.used_by.entry(Arc::clone(holder)).or_default();
            *used = used.saturating_add(units);
        }
    }

    fn release(&mut self, holder: Option<&Arc<str>>, units: u64) {
        self.used = self.used.saturating_sub(units);
        if let Some(holder) = holder
            && let Some(used) = self.used_by.get_mut(holder)
        {
            *used = used.saturating_sub(units);
            if *used == 0 {
                self.used_by.remove(holder);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
