//! What the fuzz targets reach beyond the public interface. It exists in their builds only.

/// Reads a message of another replica; tells whether what was read can be written and read again.
#[must_use]
pub fn report(what: &[u8]) -> bool {
    crate::replication::holds(what)
}
