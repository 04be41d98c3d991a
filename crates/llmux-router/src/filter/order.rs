//! Only deployments of the lowest order that is left.

use super::Search;
use crate::explain::Exclusion;

pub(super) fn run(search: &mut Search<'_>) {
    let group = search.group;
    if let Some(lowest) = group.known.orders.values().find(|those| search.left.meets(those)) {
        search.keep_those(Exclusion::Order, lowest);
    }
}
