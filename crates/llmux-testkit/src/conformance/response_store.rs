//! The rules of [`ResponseStore`].

use bytes::Bytes;
use llmux_core::ResponseStore;

/// Checks an empty store that has room for a few records of some kilobytes:
///
/// - what was put is found as it was put, under its own id only;
/// - a second record of an id takes the place of the first;
/// - what was removed is gone, and removing it again says so.
///
/// # Panics
/// When a rule is broken.
pub async fn response_store(store: &dyn ResponseStore) {
    let get = async |id: &str| store.get(id).await.expect("the store can be asked");
    let put = async |id: &str, record: &'static [u8]| {
        store.put(id, Bytes::from_static(record)).await.expect("a small record is kept");
    };
    assert_eq!(get("a").await, None, "an empty store finds nothing");
    put("a", b"\x00{\"one\":1}\xff").await;
    put("b", b"").await;
    assert_eq!(
        get("a").await.as_deref(),
        Some(&b"\x00{\"one\":1}\xff"[..]),
        "a record comes back as it was put"
    );
    assert_eq!(get("b").await.as_deref(), Some(&b""[..]), "an empty record is a record");
    put("a", b"two").await;
    assert_eq!(get("a").await.as_deref(), Some(&b"two"[..]), "the last record of an id counts");
    let remove = async |id: &str| store.remove(id).await.expect("the store can be reached");
    assert!(remove("a").await, "a record that is there is removed");
    assert_eq!(get("a").await, None, "what was removed is gone");
    assert!(!remove("a").await, "there is nothing to remove twice");
    assert!(get("b").await.is_some(), "other records stay");
}
