//! What was fetched lately.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use llmux_core::FetchedMedia;

/// A bounded memory; what came first goes first.
pub(super) struct Cache {
    most: usize,
    time: Duration,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    media: HashMap<String, (FetchedMedia, Instant)>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Cache {
    /// At most so many bytes, each for so long.
    pub(super) fn new(most: usize, time: Duration) -> Self {
        Self { most, time, held: Mutex::default() }
    }

    pub(super) fn get(&self, url: &str) -> Option<FetchedMedia> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (media, at) = held.media.get(url)?;
        (at.elapsed() < self.time).then(|| media.clone())
    }

    pub(super) fn put(&self, url: &str, media: &FetchedMedia) {
        let size = weight(url, media);
        // One that takes a good part of all would push out everything else.
        if size > self.most / 4 {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.forget(url);
        while held.bytes.saturating_add(size) > self.most {
            let Some(oldest) = held.order.front().cloned() else { break };
            held.forget(&oldest);
        }
        held.bytes = held.bytes.saturating_add(size);
        held.order.push_back(url.to_owned());
        held.media.insert(url.to_owned(), (media.clone(), Instant::now()));
    }
}

impl Held {
    fn forget(&mut self, url: &str) {
        if let Some((media, _)) = self.media.remove(url) {
            self.bytes = self.bytes.saturating_sub(weight(url, &media));
            self.order.retain(|known| known != url);
        }
    }
}

fn weight(url: &str, media: &FetchedMedia) -> usize {
    url.len().saturating_mul(2).saturating_add(media.data.len()).saturating_add(200)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn media(size: usize) -> FetchedMedia {
        FetchedMedia::new("image/png", Bytes::from(vec![0; size]))
    }

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let cache = Cache::new(10_000, Duration::from_secs(60));
        for url in ["a", "b", "c", "d", "e"] {
            cache.put(url, &media(2_000));
        }
        let known: Vec<_> =
            ["a", "b", "c", "d", "e"].into_iter().filter(|url| cache.get(url).is_some()).collect();
        assert_eq!(known, ["b", "c", "d", "e"]);
        cache.put("large", &media(5_000));
        assert!(cache.get("large").is_none() && cache.get("b").is_some());
    }

    #[test]
    fn what_is_old_is_not_given() {
        let cache = Cache::new(10_000, Duration::ZERO);
        cache.put("a", &media(1));
        assert!(cache.get("a").is_none());
    }
}
