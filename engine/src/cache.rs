//! A cache: bounded, with an optional time to live, shared between threads.
//!
//! A value that was read before an invalidation is not served after it. So [`Cache::begin_read`]
//! comes before the read of the source, and [`Cache::insert`] takes what it returned.
//!
//! ```
//! use mrrow_engine::cache::Cache;
//!
//! let names = Cache::new(100);
//! let read = names.begin_read();
//! names.insert(1, "one", read);
//! assert_eq!(names.get(&1), Some("one"));
//! names.invalidate();
//! names.insert(1, "stale", read);
//! assert_eq!(names.get(&1), None);
//! ```

use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache as QuickCache;
use quick_cache::{Equivalent, Weighter};

/// Values by key. The least useful ones are evicted when it is full.
pub struct Cache<K, V> {
    entries: QuickCache<K, CacheEntry<V>, Weigh<K, V>>,
    ttl: Option<Duration>,
    /// Invalidations so far.
    generation: AtomicU64,
}

/// The moment when the source of a value is read.
#[derive(Debug, Clone, Copy)]
pub struct CacheRead {
    at: Instant,
    generation: u64,
}

#[derive(Clone)]
struct CacheEntry<V> {
    value: V,
    read: CacheRead,
}

/// The units of capacity that an entry takes.
struct Weigh<K, V>(fn(&K, &V) -> u64);

impl<K, V> Clone for Weigh<K, V> {
    fn clone(&self) -> Self {
        Weigh(self.0)
    }
}

impl<K, V> Weighter<K, CacheEntry<V>> for Weigh<K, V> {
    fn weight(&self, key: &K, entry: &CacheEntry<V>) -> u64 {
        // An entry without weight would never be evicted.
        (self.0)(key, &entry.value).max(1)
    }
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// A cache of at most `entries_max` values.
    pub fn new(entries_max: usize) -> Cache<K, V> {
        Cache::weighted(entries_max as u64, entries_max, |_, _| 1)
    }

    /// A cache whose values weigh `capacity` at most, such as bytes. `entries_expected` sizes its
    /// table.
    pub fn weighted(
        capacity: u64,
        entries_expected: usize,
        weigh: fn(&K, &V) -> u64,
    ) -> Cache<K, V> {
        Cache {
            entries: QuickCache::with_weighter(entries_expected, capacity, Weigh(weigh)),
            ttl: None,
            generation: AtomicU64::new(0),
        }
    }

    /// Serves a value for so long after it was read.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Cache<K, V> {
        self.ttl = Some(ttl);
        self
    }

    /// The value of a key, unless it is too old.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.entries.get(key).filter(|entry| self.is_fresh(entry.read)).map(|entry| entry.value)
    }

    /// To be called before the source of a value is read.
    pub fn begin_read(&self) -> CacheRead {
        CacheRead { at: Instant::now(), generation: self.generation.load(Ordering::Acquire) }
    }

    /// Stores a value, unless the cache was invalidated since its source was read.
    pub fn insert(&self, key: K, value: V, read: CacheRead) {
        if self.is_fresh(read) {
            self.entries.insert(key, CacheEntry { value, read });
        }
    }

    /// The value of a key, else the one that `load` returns. Concurrent callers of a key wait for
    /// one of them to load it; after an error the next one tries.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn get_or_load<E, F>(&self, key: &K, load: impl Fn() -> F) -> Result<V, E>
    where
        K: Clone,
        F: Future<Output = Result<V, E>>,
    {
        loop {
            // A value that is not fresh must go first: it would count as a hit.
            self.entries.remove_if(key, |entry| !self.is_fresh(entry.read));
            let read = self.begin_read();
            let loaded = async { load().await.map(|value| CacheEntry { value, read }) };
            let entry = self.entries.get_or_insert_async(key, loaded).await?;
            // Another caller may have begun its load before an invalidation that came before ours.
            if entry.read.generation >= read.generation {
                return Ok(entry.value);
            }
        }
    }

    /// Removes the value of a key.
    pub fn remove<Q>(&self, key: &Q)
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.entries.remove(key);
    }

    /// Removes the values whose keys do not match.
    pub fn retain(&self, matches: impl Fn(&K) -> bool) {
        self.entries.retain(|key, _| matches(key));
    }

    /// Removes all values, and those whose source is being read.
    pub fn invalidate(&self) {
        // The generation decides: a value that is inserted after `clear` is of an older one.
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries.clear();
    }

    fn is_fresh(&self, read: CacheRead) -> bool {
        read.generation == self.generation.load(Ordering::Acquire)
            && self.ttl.is_none_or(|ttl| read.at.elapsed() < ttl)
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const TTL: Duration = Duration::from_secs(3600);

    #[test]
    fn value_expires_after_its_time_to_live() {
        let cache = Cache::new(10).with_ttl(TTL);
        let read = cache.begin_read();
        cache.insert("fresh", 1, read);
        cache.insert("short", 2, read);
        assert_eq!((cache.get("fresh"), cache.get("never")), (Some(1), None));
        let expired = Cache::new(10).with_ttl(Duration::ZERO);
        expired.insert("old", 1, expired.begin_read());
        assert_eq!(expired.get("old"), None);
    }

    #[test]
    fn value_read_before_an_invalidation_is_not_served_after_it() {
        let cache = Cache::new(10);
        let read = cache.begin_read();
        cache.insert("a", 1, read);
        cache.invalidate();
        cache.insert("b", 1, read);
        assert_eq!((cache.get("a"), cache.get("b")), (None, None));
        cache.insert("b", 2, cache.begin_read());
        assert_eq!(cache.get("b"), Some(2));
    }

    #[test]
    fn values_are_bounded_in_number_and_weight() {
        let few = Cache::new(16);
        let heavy = Cache::weighted(1000, 100, |_, bytes: &u64| *bytes);
        for key in 0..1000 {
            few.insert(key, (), few.begin_read());
            heavy.insert(key, 100, heavy.begin_read());
        }
        assert!(few.entries.len() <= 16 && !few.entries.is_empty());
        assert!(heavy.entries.weight() <= 1000 && !heavy.entries.is_empty());
    }

    #[test]
    fn single_values_are_removed() {
        let cache = Cache::new(10);
        for key in 0..3 {
            cache.insert(key, key, cache.begin_read());
        }
        cache.remove(&0);
        cache.retain(|key| *key != 1);
        assert_eq!([0, 1, 2].map(|key| cache.get(&key)), [None, None, Some(2)]);
    }

    #[tokio::test]
    async fn concurrent_callers_load_a_value_once() {
        let (cache, loads) = (Cache::new(10), AtomicU64::new(0));
        let load = || async {
            tokio::task::yield_now().await;
            Ok::<u64, Infallible>(loads.fetch_add(1, Ordering::Relaxed))
        };
        let calls = (0..3).map(|_| cache.get_or_load(&"a", load));
        let values: Vec<_> = futures::future::join_all(calls).await;
        assert_eq!(values, [Ok(0), Ok(0), Ok(0)]);
        cache.invalidate();
        assert_eq!(cache.get_or_load(&"a", load).await, Ok(1));
    }

    #[tokio::test]
    async fn failed_load_is_not_stored() {
        let cache = Cache::<_, u64>::new(10);
        assert_eq!(cache.get_or_load(&"a", || async { Err("down") }).await, Err("down"));
        assert_eq!(cache.get_or_load(&"a", || async { Ok::<_, &str>(1) }).await, Ok(1));
    }

    #[tokio::test]
    async fn value_loaded_across_an_invalidation_is_returned_and_not_stored() {
        let cache = Cache::new(10);
        let load = || async {
            cache.invalidate();
            Ok::<u64, Infallible>(1)
        };
        assert_eq!(cache.get_or_load(&"a", load).await, Ok(1));
        assert_eq!(cache.get("a"), None);
    }
}
